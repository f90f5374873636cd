import type { Condition, GuestInput, GuestLink } from '../../src/guest/sink';
import { parseChords } from '../../src/input/chord';
import { readKeymap } from '../../src/input/keymap';
import { GuestKeys } from '../../src/switcher/guest-keys';
import type { GuestState } from '../../src/switcher/guests';

const MORE = new AbortController().signal;
const nothing = (): undefined => undefined;

class Keyboard implements GuestInput {
  readonly got: string[] = [];
  leds = 0;
  trouble: string | undefined;
  onKey: () => void = nothing;
  key(head: number, code: number, down: boolean): void {
    this.got.push(`${head === 0 ? '' : `${head}:`}${down ? '+' : '-'}${code}`);
    this.onKey();
  }
  motion = nothing;
  place = nothing;
  button = nothing;
  wheel = nothing;
  absolute = (): boolean => false;

  get news(): string {
    return this.got.splice(0).join(' ');
  }
}

/** A guest; `input`: that of its link. */
function guestOf(input: GuestInput | undefined, devices?: GuestInput) {
  const link = {
    guest: 'win',
    kind: 'test',
    input,
    trouble: undefined as string | undefined,
    wanted: jest.fn(),
  };
  const state = {
    link: link as unknown as GuestLink,
    devices,
    session: {} as object | null,
    left: undefined as string | undefined,
    condition: 'running' as Condition,
  };
  return Object.assign(state as GuestState & typeof state, { about: link });
}

let keyboard: Keyboard;
let changes: boolean[];
let keys: GuestKeys;
let win: ReturnType<typeof guestOf>;
beforeEach(() => {
  keyboard = new Keyboard();
  win = guestOf(keyboard);
  changes = [];
  keys = new GuestKeys(() => changes.push(keys.busy(win)));
});

test('chords: modifiers first down and last up; the guest is busy meanwhile', async () => {
  await keys.send(win, 1, parseChords('Ctrl+Alt+Del Enter'));
  expect(keyboard.news).toBe('1:+29 1:+56 1:+111 1:-111 1:-56 1:-29 1:+28 1:-28');
  expect(changes).toEqual([true, false]);
});

test('go to devices of its own, where it has them', async () => {
  const devices = new Keyboard();
  await keys.send(guestOf(keyboard, devices), 0, parseChords('A'));
  expect([devices.news, keyboard.news]).toEqual(['+30 -30', '']);
});

test('a text, and how far it has come', async () => {
  const progress: number[] = [];
  const us = await readKeymap('us');
  await keys.type(win, 0, 'aB\n', us, MORE, ({ typed, of }) => progress.push(typed, of));
  expect(keyboard.news).toBe('+30 -30 +42 +48 -48 -42 +28 -28');
  expect(progress).toEqual([1, 3, 2, 3, 3, 3]);
});

test('no faster than they are taken', async () => {
  const us = await readKeymap('us');
  let take: () => void = nothing;
  const taken = (): Promise<void> => new Promise((resolve) => (take = resolve));
  const slow = Object.assign(keyboard, { taken });
  const typing = keys.type(win, 0, 'ab', us, MORE, nothing);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(slow.news).toBe('+30 -30');
  take();
  while (!slow.got.includes('-48')) await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([
    typing,
    new Promise<void>((resolve) => {
      setImmediate(() => {
        take();
        resolve();
      });
    }),
  ]);
  slow.taken = () => Promise.reject(new Error('QEMU does not answer'));
  await expect(keys.type(win, 0, 'ab', us, MORE, nothing)).rejects.toThrow('QEMU does not answer');
});

test('CapsLock is off while a text is typed, and on again after it, also when it ends early', async () => {
  const us = await readKeymap('us');
  keyboard.leds = 3;
  await keys.type(win, 0, 'a', us, MORE, nothing);
  expect(keyboard.news).toBe('+58 -58 +30 -30 +58 -58');
  const end = new AbortController();
  keyboard.onKey = () => {
    if (keyboard.got.includes('-30')) end.abort();
  };
  await expect(keys.type(win, 0, 'aaa', us, end.signal, nothing)).rejects.toThrow();
  expect(keyboard.news).toBe('+58 -58 +30 -30 +58 -58');
});

test('nothing is typed of a text that cannot be typed whole', async () => {
  const us = await readKeymap('us');
  expect(() => keys.type(win, 0, 'abcß', us, MORE, nothing)).toThrow(/"ß".*nothing was typed/);
  expect([keyboard.news, changes]).toEqual(['', []]);
});

test('one thing at a time', async () => {
  const first = keys.send(win, 0, parseChords('A'));
  expect(() => keys.send(win, 0, parseChords('B'))).toThrow(/are being sent to win already/);
  await first;
  await keys.send(win, 0, parseChords('B'));
  expect(keyboard.news).toBe('+30 -30 +48 -48');
});

test('ends with the guest, or when it is cancelled: with all keys up', async () => {
  const us = await readKeymap('us');
  keyboard.onKey = () => {
    win.session = null;
  };
  await expect(keys.type(win, 0, 'AA', us, MORE, nothing)).rejects.toThrow(
    'win has gone: not all keys were sent',
  );
  expect(keyboard.news).toBe('+42 +30 -30 -42');
  win.session = {};
  keyboard.onKey = () => {
    keys.cancel('panic');
  };
  await expect(keys.type(win, 0, 'AA', us, MORE, nothing)).rejects.toThrow('panic');
  expect(keyboard.news).toBe('+42 +30 -30 -42');
  expect(keys.busy(win)).toBe(false);
});

test('wake: by the link, and with a key that does nothing', async () => {
  win.condition = 'asleep';
  await keys.wake(win, 0);
  expect(win.about.wanted).toHaveBeenCalledTimes(1);
  expect(keyboard.news).toBe('+42 -42');
});

test.each([
  [{ session: null }, {}, 'win is not connected'],
  [{ session: null, left: 'it was killed' }, {}, 'win is not connected: it was killed'],
  [{ session: null, left: 'x' }, { trouble: 'no socket' }, 'win is not connected: no socket'],
  [{ condition: 'paused' }, {}, 'win is paused: it takes no keys now'],
  [{ condition: 'shut down' }, {}, 'win has shut down: it takes no keys now'],
  [
    {},
    { input: undefined },
    'win takes no keys: its link (test) carries none; add "input: uinput" to it in the config',
  ],
  [{ devices: { trouble: 'no /dev/uinput' } }, {}, 'win takes no keys: no /dev/uinput'],
] as const)('who takes no keys is said, and why: %j %j', (state, link, message) => {
  Object.assign(win, state);
  Object.assign(win.about, link);
  expect(() => keys.send(win, 0, parseChords('A'))).toThrow(message);
  expect([keyboard.news, changes]).toEqual(['', []]);
});
