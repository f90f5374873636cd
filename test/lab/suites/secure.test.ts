/** The secure profile: one test for each way by which something of a guest could reach another, or its user. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ask } from '../../../src/control/client';
import { drawIndicator, indicatorHeight } from '../../../src/kms/indicator';
import {
  Daemon,
  DMABUF_UPDATE,
  EvdevReader,
  eventually,
  FencedBuffer,
  frames,
  Image,
  Keyboard,
  Mouse,
  pause,
  PixelBuffer,
  shows,
  WireGuest,
} from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const [WIDTH, HEIGHT] = [1024, 768];
const ABOVE = indicatorHeight(HEIGHT);
const ROOM = HEIGHT - ABOVE;
const NAMES = ['alpha', 'beta'] as const;
const SWITCH = 'lab switch';

let daemon: Daemon;
let guests: WireGuest[];
let keyboard: Keyboard;
let mouse: Mouse;
let buttons: Keyboard;
/** The keyboards and mice of the guests, taken as by a virtual machine monitor. */
let keys: EvdevReader[];
let mice: EvdevReader[];

const images = [Image.pattern(WIDTH, ROOM, 1), Image.pattern(WIDTH, ROOM, 2)];

/** A panel: whose it is above, and the picture in the middle of what is left. */
function panel(text: string, active: boolean, image: Image): Image {
  const strip = new Image(WIDTH, ABOVE);
  const pixels = drawIndicator({ text, active }, WIDTH, ABOVE);
  strip.pixels.set(new Uint32Array(pixels.buffer).map((pixel) => (pixel | 0xff000000) >>> 0));
  const x = (WIDTH - image.width) >> 1;
  const y = ABOVE + ((ROOM - image.height) >> 1);
  return new Image(WIDTH, HEIGHT).draw(image, x, y).draw(strip, 0, 0);
}

const device = (guest: string, kind: string): string =>
  path.join(daemon.directory, 'input', `${guest}-${kind}`);
/** Plugs the device that switches in, and waits until the daemon has taken it. */
async function plugSwitch(): Promise<Keyboard> {
  const taken = `the device that switches guests: ${SWITCH}`;
  const times = (): number => daemon.log.filter((line) => line.includes(taken)).length;
  const before = times();
  const plugged = await Keyboard.plug(daemon, SWITCH, new RegExp(taken));
  await eventually(() => {
    expect(times()).toBe(before + 1);
  });
  return plugged;
}
const news = (): string[] => keys.map((reader) => reader.news());

/** Has a guest on the first panel, with keyboard and pointer. */
async function select(index: 0 | 1): Promise<void> {
  buttons.tap((['F1', 'F2'] as const)[index]);
  await shows(FIRST, panel(NAMES[index], true, images[index]!).crc);
  news();
}

beforeAll(async () => {
  daemon = await Daemon.start({
    guests: [...NAMES.map((name) => ({ name, input: 'uinput' })), 'gamma'],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: {} },
    secure: {
      device: SWITCH,
      keys: {
        F1: { show: 'alpha', on: FIRST },
        F2: { show: 'beta', on: FIRST },
        3: { show: 'gamma', on: FIRST },
        F3: { focus: FIRST },
      },
    },
  });
  keys = await Promise.all(NAMES.map((name) => EvdevReader.grab(device(name, 'keyboard'))));
  mice = await Promise.all(NAMES.map((name) => EvdevReader.grab(device(name, 'mouse'))));
  guests = await Promise.all(NAMES.map((name) => WireGuest.join(daemon.socket(name))));
  for (const [index, guest] of guests.entries()) await guest.present(await PixelBuffer.of(images[index]!));
  keyboard = await Keyboard.plug(daemon);
  mouse = await Mouse.plug(daemon);
  buttons = await plugSwitch();
  buttons.tap('F3');
});
afterAll(async () => {
  for (const guest of guests) guest.close();
  for (const reader of [...keys, ...mice]) reader.stop();
  for (const unplugged of [keyboard, mouse, buttons]) unplugged.unplug();
  await daemon.stop();
});

describe('what a guest shows', () => {
  test('stands below its name, in the room that it is told of', async () => {
    expect(await guests[0]!.toldSize()).toEqual([WIDTH, ROOM]);
    await select(0);
    expect(await daemon.output(FIRST)).toMatchObject({
      path: 'copy',
      reason: 'the indicator stands above it',
      placement: { x: 0, y: ABOVE, width: WIDTH, height: ROOM },
    });
  });

  test('never reaches into its name, whatever size it has, nor does its pointer', async () => {
    const large = Image.pattern(WIDTH, HEIGHT, 3);
    await guests[0]!.present(await PixelBuffer.of(large));
    await shows(FIRST, panel('alpha', true, large.scaled(Math.round((WIDTH * ROOM) / HEIGHT), ROOM)).crc);
    const small = Image.pattern(100, 50, 4);
    await guests[0]!.present(await PixelBuffer.of(small));
    await shows(FIRST, panel('alpha', true, small).crc);
    await guests[0]!.present(await PixelBuffer.of(images[0]!));
    const pointer = new Uint32Array(64 * 64).fill(0xffff00ff);
    const plain = panel('alpha', true, images[0]!);
    await guests[0]!.cursorImage(pointer, 200, 0);
    await shows(FIRST, panel('alpha', true, images[0]!).blend(pointer, 64, 200, ABOVE).crc);
    for (const y of [-1, -30, -63]) {
      await guests[0]!.moveCursor(200, y);
      await shows(FIRST, plain.crc);
    }
    await guests[0]!.moveCursor(200, 0, { visible: false });
  });

  test('is not on the panel of another, nor when it has gone', async () => {
    const short = await WireGuest.join(daemon.socket('gamma'));
    await short.present(await PixelBuffer.of(images[0]!));
    buttons.tap('Digit3');
    const own = panel('gamma', false, images[0]!).crc;
    await shows(FIRST, own);
    await select(1);
    expect(new Set(await frames(FIRST, 4))).toEqual(new Set([panel('beta', true, images[1]!).crc]));
    buttons.tap('Digit3');
    await shows(FIRST, own);
    short.close();
    await daemon.outputIs(FIRST, { path: 'picture', link: 'gone' });
    await eventually(async () => {
      expect(await frames(FIRST, 1)).not.toContain(own);
    });
  });

  test('is photographed by nobody', async () => {
    await expect(ask(daemon.control, { command: 'screenshot', output: FIRST })).rejects.toThrow(
      'the secure profile takes no pictures of guests',
    );
  });
});

describe('what is typed', () => {
  test('switches nothing: chords and taps go to the guest', async () => {
    await select(0);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    keyboard.tap('ScrollLock', 'ScrollLock', 'Right');
    await eventually(() => {
      expect(keys[0]!.events.at(-1)).toEqual([1, 106, 0]);
    });
    expect(news()).toEqual(['+29 +56 +3 -3 -56 -29 +29 +56 +1 -1 -56 -29 +70 -70 +70 -70 +106 -106', '']);
    expect(await daemon.output(FIRST)).toMatchObject({ guest: 'alpha', focused: true });
  });

  test('on the device that switches reaches no guest, plugged in again or not', async () => {
    await select(0);
    buttons.tap('A', 'F2');
    await shows(FIRST, panel('beta', true, images[1]!).crc);
    buttons.unplug();
    await daemon.said(/the device that switches guests has gone/);
    buttons = await plugSwitch();
    buttons.tap('B', 'F1');
    await shows(FIRST, panel('alpha', true, images[0]!).crc);
    keyboard.tap('N');
    await eventually(() => {
      expect(news().join('')).toContain('-49');
    });
    expect(
      [keys[1]!.events, keys[0]!.events].flat().filter(([, code]) => code === 59 || code === 60),
    ).toEqual([]);
  });

  test('and held at a switch is let go in the one, and not pressed in the other', async () => {
    await select(0);
    for (const key of ['LeftShift', 'A'] as const) keyboard.press(key);
    mouse.press('left');
    await eventually(() => {
      expect(mice[0]!.events.at(-1)).toEqual([1, 0x110, 1]);
    });
    buttons.tap('F2');
    await shows(FIRST, panel('beta', true, images[1]!).crc);
    await eventually(() => {
      expect(keys[0]!.events.slice(-2)).toEqual([
        [1, 30, 0],
        [1, 42, 0],
      ]);
      expect(mice[0]!.events.at(-1)).toEqual([1, 0x110, 0]);
    });
    for (const key of ['A', 'LeftShift'] as const) keyboard.release(key);
    mouse.release('left');
    keyboard.tap('N');
    await keys[1]!.tells('+49 -49');
    expect(mice[1]!.events).toEqual([]);
  });

  test('or moved reaches the one that is named on the panel alone', async () => {
    await select(1);
    const before = [mice[0]!.sum(0), mice[1]!.sum(0)];
    mouse.move(40, 0);
    await eventually(() => {
      expect(mice[1]!.sum(0) - before[1]!).toBe(40);
    });
    buttons.tap('F1');
    await shows(FIRST, panel('alpha', true, images[0]!).crc);
    expect(mice[0]!.sum(0)).toBe(before[0]);
  });

  test('reaches no guest before its picture, with its name, is on the panel', async () => {
    await select(0);
    const late = await FencedBuffer.of(images[1]!);
    await late.begin();
    await guests[1]!.scanout(late);
    await guests[1]!.update();
    expect(await guests[1]!.reply()).toMatchObject({ request: DMABUF_UPDATE });
    buttons.tap('F2');
    await daemon.outputIs(FIRST, { guest: 'beta' });
    keyboard.tap('A');
    await shows(FIRST, panel('alpha', true, images[0]!).crc);
    expect(news()).toEqual(['', '']);
    await late.finish();
    await shows(FIRST, panel('beta', true, images[1]!).crc);
    keyboard.tap('N');
    await keys[1]!.tells('+49 -49');
    expect(keys[0]!.news()).toBe('');
  });

  test('reaches nobody by command', async () => {
    for (const [command, fields] of [
      ['send', { keys: 'A' }],
      ['type', { text: 'a' }],
    ] as const)
      await expect(
        ask(daemon.control, { command, guest: 'beta', ...fields } as Parameters<typeof ask>[1]),
      ).rejects.toThrow('a guest gets what is typed while it is shown');
    expect(news()[1]).toBe('');
  });
});

test('lock lights of guests are on no keyboard, which another could read them from', async () => {
  await select(0);
  keys[0]!.light(1, true);
  keys[1]!.light(2, true);
  await pause(300);
  expect(keyboard.leds).toBe(0);
  await select(1);
  await pause(300);
  expect(keyboard.leds).toBe(0);
});

test('the control socket is for its user alone: processes of guests may be of the group', () => {
  expect(fs.statSync(daemon.control).mode & 0o777).toBe(0o600);
});
