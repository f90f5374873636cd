import * as fs from 'node:fs';
import { CELL_HEIGHT, CELL_WIDTH, drawText } from '../../src/kms/font';
import { Panels } from '../lab/harness';
import type { Sight } from './panel';
import type { Stage } from './stage';

export interface Step {
  /** For the table, and for the contact sheet with what happens there in more words. */
  readonly title: string;
  readonly caption: string;
  readonly act: (stage: Stage) => Promise<void> | void;
  /** The step is a key pressed: how long it took is asked for. */
  readonly hotkey?: boolean;
  /** What the panels show then, in order. */
  readonly sights: readonly [Sight, Sight, Sight];
}

export const PANELS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
/** What the text console shows, in large letters. */
const CONSOLE = 'console';
/** The second panel, as the lab counts. */
const SECOND = 1;

const windows: Sight = { kind: 'guest', guest: 'windows' };
const linux: Sight = { kind: 'guest', guest: 'linux' };
const linuxGone: Sight = { kind: 'gone', guest: 'linux' };
const nothing: Sight = { kind: 'nothing' };
const unplugged: Sight = { kind: 'unplugged' };
const text: Sight = { kind: 'console' };

/** The play: config/demo.yaml says what its keys mean. */
export const steps: readonly Step[] = [
  {
    title: 'before: the text console',
    caption: 'What a machine without kms-switcher shows: its text console, the same on every panel.',
    act: greet,
    sights: [text, text, text],
  },
  {
    title: 'kms-switcher starts',
    caption: 'kms-switcher run -c config/demo.yaml. The guests are not there yet, and the panels say so.',
    act: (stage) => stage.startDaemon(),
    sights: [{ kind: 'waiting', guest: 'windows' }, { kind: 'waiting', guest: 'linux' }, nothing],
  },
  {
    title: 'both guests start to draw',
    caption: 'Each draws moving pictures into dma-bufs of its own; these are put on the panels as they are.',
    act: async (stage) => {
      await Promise.all([stage.startGuest('windows'), stage.startGuest('linux'), stage.plugKeyboard()]);
    },
    sights: [windows, linux, nothing],
  },
  {
    title: 'Ctrl+Alt+2: linux to this panel',
    caption: 'Shows linux on the panel that has the keyboard, the first. The two change places.',
    act: ({ keyboard }) => {
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    },
    hotkey: true,
    sights: [linux, windows, nothing],
  },
  {
    title: 'ScrollLock ScrollLock N: next guest',
    caption: 'Three taps, as on a hardware KVM switch: the next guest on the panel that has the keyboard.',
    act: ({ keyboard }) => {
      keyboard.tap('ScrollLock', 'ScrollLock', 'N');
    },
    hotkey: true,
    sights: [windows, linux, nothing],
  },
  {
    title: 'Ctrl+Alt+3: windows to Virtual-3',
    caption: 'A hotkey may name the panel: windows goes to the third, which had no guest.',
    act: ({ keyboard }) => {
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit3');
    },
    hotkey: true,
    sights: [nothing, linux, windows],
  },
  {
    title: 'ScrollLock ScrollLock S: swap',
    caption: 'The second and the third panel change guests.',
    act: ({ keyboard }) => {
      keyboard.tap('ScrollLock', 'ScrollLock', 'S');
    },
    hotkey: true,
    sights: [nothing, windows, linux],
  },
  {
    title: 'panel 2 is unplugged',
    caption: 'Its guest runs on without a panel. The others keep theirs.',
    act: () => Panels.lab.unplug(SECOND),
    sights: [nothing, unplugged, linux],
  },
  {
    title: 'panel 2 is plugged in again',
    caption: 'It gets its mode and its guest back.',
    act: () => Panels.lab.plug(SECOND),
    sights: [nothing, windows, linux],
  },
  {
    title: 'linux crashes',
    caption: 'Killed without a goodbye. Its panel says so: no frozen last frame.',
    act: (stage) => stage.killGuest('linux'),
    sights: [nothing, windows, linuxGone],
  },
  {
    title: 'linux starts again',
    caption: 'It comes back to the panel it had.',
    act: (stage) => stage.startGuest('linux'),
    sights: [nothing, windows, linux],
  },
  {
    title: 'SIGTERM: the console is back',
    caption: 'kms-switcher ends and leaves the panels as they were before it came.',
    act: (stage) => stage.stopDaemon(),
    sights: [text, text, text],
  },
];

/** Writes to the text console, with its cursor hidden so that it keeps still. */
function greet(): void {
  const [width, height] = [CELL_WIDTH * CONSOLE.length, CELL_HEIGHT];
  const pixels = new Uint32Array(width * height);
  drawText({ pixels, width, height, stride: width }, CONSOLE, 0, 0, 1, 1);
  const rows = Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width, (y + 1) * width)]);
  // A character is twice as high as it is wide.
  const banner = rows.map((row) => row.map((pixel) => (pixel ? '\x1b[42m  ' : '\x1b[40m  ')).join(''));
  const indented = [...Array<string>(15).fill(''), ...banner, 'the text console of the machine'].map(
    (line) => `${' '.repeat(22)}${line}`,
  );
  fs.writeFileSync('/dev/tty1', `\x1b[?25l\x1b[0m\x1b[2J\x1b[H${indented.join('\x1b[0m\r\n')}`);
}
