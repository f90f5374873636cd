/** Devices on the host that are out of the ordinary: pens, those that flood, those that may not be opened. */
import * as fs from 'node:fs';
import { native, type NativeUinput } from '../../../src/native';
import {
  Daemon,
  eventually,
  Keyboard,
  linkTo,
  MockGuest,
  Panels,
  pause,
  scratch,
  Touchpad,
} from '../harness';

const FIRST = 'Virtual-1';
const [WIDTH, HEIGHT] = [1024, 768];
/** nobody: may open no input devices. */
const NOBODY = 65534;
/** <linux/input-event-codes.h> */
const [EV_SYN, EV_KEY, EV_ABS] = [0, 1, 3];
const [MT_SLOT, MT_X, MT_TRACKING_ID] = [0x2f, 0x35, 0x39];
const [BTN_TOOL_PEN, BTN_TOUCH, BTN_STYLUS, BTN_STYLUS2] = [0x140, 0x14a, 0x14b, 0x14c];

const qmp = `${scratch()}/alpha.qmp`;
const setup = { guests: [linkTo({ name: 'alpha', qmp })], outputs: { [FIRST]: { show: 'alpha' } } };

/** One report of a device. */
function report(device: NativeUinput, ...events: number[][]): void {
  expect(device.write(new Int32Array(events.flat()), events.length)).toBe(0);
}

describe('of a guest', () => {
  let daemon: Daemon;
  let guest: MockGuest;
  let keyboard: Keyboard;
  beforeAll(async () => {
    guest = new MockGuest(qmp, { consoles: [{ width: WIDTH, height: HEIGHT, absolute: true }] });
    daemon = await Daemon.start(setup);
    keyboard = await Keyboard.plug(daemon);
    await eventually(async () => {
      expect(await daemon.guest('alpha')).toMatchObject({ connected: true });
    });
  });
  afterAll(async () => {
    keyboard.unplug();
    await daemon.stop();
    guest.close();
  });

  test('a touchpad moves the pointer, taps, clicks and scrolls', async () => {
    const pad = await Touchpad.plug(daemon);
    const { calls } = guest.console;
    const from = calls.length;
    const place = (): [number, number] => {
      const last = calls.findLast((call) => call.startsWith('Mouse.SetAbsPosition'));
      const [x = 0, y = 0] = last?.split(' ').slice(1).map(Number) ?? [];
      return [x, y];
    };
    const said = (words: string): number =>
      calls.slice(from).filter((call) => call === `Mouse.${words}`).length;
    // A finger that moves slowly: libinput takes leaps for a fault of the touchpad.
    const slide = async (fingers: number, dx: number, dy: number): Promise<void> => {
      for (let step = 0; step <= 40; step++) {
        for (let finger = 0; finger < fingers; finger++)
          pad.touch(finger, 0.3 + finger * 0.2 + (dx * step) / 40, 0.3 + (dy * step) / 40);
        await pause(10);
      }
      pad.lift(...Array.from({ length: fingers }, (_, finger) => finger));
    };
    await slide(1, 0.1, 0);
    const right = place();
    await slide(1, 0.1, 0.1);
    await eventually(() => {
      const [x, y] = place();
      expect(x).toBeGreaterThan(right[0] + 5);
      expect(y).toBeGreaterThan(right[1] + 5);
    });
    expect(calls.slice(from).filter((call) => /^Mouse.(Press|Release)/.test(call))).toEqual([]);
    await pause(500);
    pad.touch(0, 0.5, 0.5);
    pad.lift(0);
    await eventually(() => {
      expect([said('Press 0'), said('Release 0')]).toEqual([1, 1]);
    });
    pad.press('right');
    pad.release('right');
    await eventually(() => {
      expect([said('Press 2'), said('Release 2')]).toEqual([1, 1]);
    });
    // Two fingers towards the user turn the wheel towards them.
    await slide(2, 0, 0.3);
    await eventually(() => {
      expect(said('Press 4')).toBeGreaterThan(1);
      expect([said('Press 3'), said('Press 4') - said('Release 4')]).toEqual([0, 0]);
    });
    pad.unplug();
  });

  test('a pen is an absolute pointer: its tip and its buttons are buttons', async () => {
    const pen = native.createUinput('lab pen', 'pen');
    await daemon.said(/pointer \d+: lab pen/);
    const { calls } = guest.console;
    const from = calls.length;
    const at = (x: number, y: number): number[][] => [
      [EV_ABS, 0, Math.round(x * 65535)],
      [EV_ABS, 1, Math.round(y * 65535)],
    ];
    /** Where the pointer is, to a few pixels: libinput smooths what pens do. */
    const isAt = (x: number, y: number): Promise<void> =>
      eventually(() => {
        const last = calls.findLast((call) => call.startsWith('Mouse.SetAbsPosition'));
        const [toX = NaN, toY = NaN] = last?.split(' ').slice(1).map(Number) ?? [];
        expect(Math.abs(toX - x * WIDTH)).toBeLessThan(4);
        expect(Math.abs(toY - y * HEIGHT)).toBeLessThan(4);
      });
    const buttons = (): string[] => calls.slice(from).filter((call) => /^Mouse.(Press|Release)/.test(call));
    const pressed = (...expected: string[]): Promise<void> =>
      eventually(() => {
        expect(buttons()).toEqual(expected.map((word) => `Mouse.${word}`));
      });
    // Pens shake, and libinput takes away those that stand still until it has seen one go: let one go.
    report(pen, [EV_KEY, BTN_TOOL_PEN, 1], ...at(0.9, 0.9));
    report(pen, [EV_KEY, BTN_TOOL_PEN, 0]);
    // It comes near the tablet, and is where it is.
    report(pen, [EV_KEY, BTN_TOOL_PEN, 1], ...at(0.25, 0.5));
    await isAt(0.25, 0.5);
    for (let step = 0; step < 20; step++) report(pen, ...at(0.75 + step / 65536, 0.125 + step / 65536));
    await isAt(0.75, 0.125);
    report(pen, [EV_KEY, BTN_TOUCH, 1], ...at(0.75, 0.125));
    await pressed('Press 0');
    report(pen, [EV_KEY, BTN_TOUCH, 0], ...at(0.7501, 0.1251));
    await pressed('Press 0', 'Release 0');
    report(pen, [EV_KEY, BTN_STYLUS, 1]);
    report(pen, [EV_KEY, BTN_STYLUS, 0]);
    report(pen, [EV_KEY, BTN_STYLUS2, 1]);
    await pressed('Press 0', 'Release 0', 'Press 2', 'Release 2', 'Press 1');
    // Taken away with a button held.
    report(pen, [EV_KEY, BTN_TOOL_PEN, 0]);
    await pressed('Press 0', 'Release 0', 'Press 2', 'Release 2', 'Press 1', 'Release 1');
    // Unplugged with its tip down.
    report(pen, [EV_KEY, BTN_TOOL_PEN, 1], ...at(0.5, 0.5));
    report(pen, [EV_KEY, BTN_TOUCH, 1], ...at(0.5001, 0.5001));
    await eventually(() => {
      expect(buttons().at(-1)).toBe('Mouse.Press 0');
    });
    pen.close();
    await eventually(() => {
      expect(buttons().at(-1)).toBe('Mouse.Release 0');
    });
  });

  test('one that floods is a warning, once, and what is typed elsewhere goes on', async () => {
    // Of a touchscreen the kernel keeps more than of a mouse: what is dropped nobody can count.
    const screen = native.createUinput('lab flood', 'touchscreen');
    await daemon.said(/touchscreen \d+: lab flood/);
    const { calls } = guest.console;
    const typed = (): number => calls.filter((call) => call === 'Keyboard.Release 30').length;
    const before = typed();
    const fingers = Array.from({ length: 10 }, (_, finger) => finger);
    for (const finger of fingers) report(screen, [EV_ABS, MT_SLOT, finger], [EV_ABS, MT_TRACKING_ID, finger]);
    const moved = (by: number): number[][] => [
      ...fingers.flatMap((finger) => [
        [EV_ABS, MT_SLOT, finger],
        [EV_ABS, MT_X, 1000 * finger + by],
      ]),
      [EV_SYN, 0, 0],
    ];
    const reports = [1, 2, 3].flatMap(moved);
    const warned = (): string[] => daemon.log.filter((line) => line.includes('lab flood'));
    const enough = new AbortController();
    const flood = (async () => {
      while (!enough.signal.aborted) {
        for (let times = 0; times < 10; times++) report(screen, ...reports);
        await new Promise(setImmediate);
      }
    })();
    // What no guest gets costs less: while nobody has the keyboard.
    const escaped = async (wanted: boolean): Promise<void> => {
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
      await eventually(async () => {
        expect((await daemon.status()).escaped).toBe(wanted);
      });
    };
    await escaped(true);
    await eventually(() => {
      expect(warned().join()).toMatch(/warning: lab flood \(event\d+\) floods: \d+ events a second/);
    });
    await escaped(false);
    // Another three seconds of it, and it goes to the guest.
    for (let count = 0; count < 30; count++) {
      keyboard.tap('A');
      await pause(100);
    }
    await eventually(() => {
      expect(typed() - before).toBe(30);
    });
    enough.abort();
    await flood;
    expect(warned().filter((line) => line.includes('warning'))).toHaveLength(1);
    screen.close();
  });
});

test('those that the daemon’s user may not open are a line each, with what to do', async () => {
  const card = Panels.lab.device;
  const { mode } = fs.statSync(card);
  fs.chmodSync(card, 0o666);
  const device = native.createUinput('lab secret keyboard');
  await eventually(() => {
    expect(device.devnode).not.toBe('');
  });
  const guest = new MockGuest(qmp);
  fs.chmodSync(qmp, 0o666);
  fs.chmodSync(qmp.slice(0, qmp.lastIndexOf('/')), 0o755);
  const daemon = await Daemon.start({ ...setup, user: NOBODY });
  await daemon.said(
    new RegExp(
      `warning: ${device.devnode} cannot be opened \\(EACCES\\): run as root, run seatd, or add this user to the group "input"`,
    ),
  );
  // The rest works.
  await eventually(async () => {
    expect(await daemon.guest('alpha')).toMatchObject({ connected: true });
  });
  const lines = daemon.log.filter((line) => line.includes('cannot be opened'));
  expect(new Set(lines.map((line) => line.replace(/^\S+ /, ''))).size).toBe(lines.length);
  device.close();
  await daemon.stop();
  guest.close();
  fs.chmodSync(card, mode);
});
