/** What is typed and pointed, to real QEMUs: what their guests' devices say of it, whatever becomes of them. */
import { execFileSync } from 'node:child_process';
import {
  Daemon,
  eventually,
  Keyboard,
  linkTo,
  MockGuest,
  Mouse,
  type NestedQemu,
  pause,
  scancodes,
  scratch,
  Seatd,
  startBare,
  Tablet,
  Touchscreen,
} from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
/** <linux/input-event-codes.h> */
const [EV_KEY, EV_ABS] = [1, 3];
const [ABS_X, ABS_Y, MT_SLOT, MT_X, MT_Y, MT_TRACKING_ID] = [0, 1, 0x2f, 0x35, 0x36, 0x39];
const BTN_LEFT = 0x110;
/** More than a connection keeps for a reader that does not read. */
const MOVES = 6000;

/** The keys that a PS/2 keyboard has told to be down. */
function down(guest: NestedQemu): string[] {
  const held = new Set<string>();
  for (const code of scancodes(guest)) {
    const make = (parseInt(code, 16) & 0x7f).toString(16).padStart(2, '0');
    if (code === make) held.add(make);
    else held.delete(make);
  }
  return [...held];
}

/** What the PS/2 mouse has told: how far it went, and its buttons (1 left, 2 right, 4 middle) one time after the other. */
function mouseOf(guest: NestedQemu): { x: number; y: number; buttons: number[]; wheel: number } {
  const told = { x: 0, y: 0, buttons: [0], wheel: 0 };
  for (const line of guest.console()) {
    const [what, ...numbers] = line.split(' ');
    const [first = 0, second = 0, buttons = 0] = numbers.map(Number);
    if (what === 'wheel') told.wheel += first;
    if (what !== 'mouse') continue;
    told.x += first;
    told.y += second;
    if (told.buttons.at(-1) !== buttons) told.buttons.push(buttons);
  }
  return told;
}

const folder = scratch();
const connected = (daemon: Daemon, name: string): Promise<void> =>
  eventually(async () => {
    expect(await daemon.guest(name)).toMatchObject({ connected: true });
  });

describe('to a PS/2 keyboard and mouse', () => {
  let qemu: NestedQemu;
  let daemon: Daemon;
  let keyboard: Keyboard;
  let mouse: Mouse;
  /** A guest that has begun to read its keyboard and mouse. */
  const start = async (qmp?: string): Promise<void> => {
    qemu = await startBare('typist', 'static device=vga', qmp === undefined ? {} : { qmp });
    await eventually(() => {
      expect(qemu.console()).toContain('frame 1');
    });
  };
  beforeEach(async () => {
    await start();
    daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'typist' } } });
    keyboard = await Keyboard.plug(daemon);
    mouse = await Mouse.plug(daemon);
    await connected(daemon, 'typist');
  });
  afterEach(async () => {
    for (const device of [keyboard, mouse]) device.unplug();
    await daemon.stop();
    await qemu.stop();
  });

  test('all motion arrives, whatever libinput would make of it, and buttons and wheel besides', async () => {
    const sum = { x: 0, y: 0 };
    for (let move = 0; move < 150; move++) {
      const [dx, dy] = [(move % 9) - 3, 2 - (move % 4)];
      mouse.move(dx, dy);
      sum.x += dx;
      sum.y += dy;
      // QEMU's PS/2 mouse holds 16 bytes, four reports, and tells the rest when it is moved again.
      if (move % 3 !== 2) continue;
      await eventually(
        () => {
          expect(mouseOf(qemu)).toMatchObject(sum);
        },
        undefined,
        5,
      );
    }
    for (const [button, bit] of [
      ['left', 1],
      ['right', 2],
      ['middle', 4],
    ] as const) {
      mouse.press(button);
      await eventually(() => {
        expect(mouseOf(qemu).buttons.at(-1)).toBe(bit);
      });
      mouse.release(button);
      await eventually(() => {
        expect(mouseOf(qemu).buttons.at(-1)).toBe(0);
      });
    }
    expect(mouseOf(qemu).buttons).toEqual([0, 1, 0, 2, 0, 4, 0]);
    // As the kernel has it, away from the user is positive; as the guest, towards them.
    let wheel = 0;
    for (const notches of [-2, 2, 1]) {
      // No more than two at once: each is a report and its button's release another, of which QEMU holds four.
      mouse.wheel(notches);
      wheel -= notches;
      await eventually(() => {
        expect(mouseOf(qemu).wheel).toBe(wheel);
      });
    }
    expect(mouseOf(qemu)).toMatchObject(sum);
  });

  test('a QEMU that is killed with keys and a button held has none of them when it is back', async () => {
    keyboard.press('LeftShift');
    keyboard.press('A');
    mouse.press('left');
    await eventually(() => {
      expect(down(qemu)).toEqual(['2a', '1e']);
      expect(mouseOf(qemu).buttons.at(-1)).toBe(1);
    });
    const { qmp } = qemu;
    await qemu.kill();
    await daemon.outputIs(FIRST, { link: 'gone' });
    await start(qmp);
    await connected(daemon, 'typist');
    keyboard.release('A');
    keyboard.release('LeftShift');
    mouse.release('left');
    await eventually(() => {
      // The guest may have come a moment before the keyboard goes to it.
      keyboard.tap('N');
      expect(scancodes(qemu)).toContain('b1');
    });
    mouse.press('right');
    await eventually(() => {
      expect(mouseOf(qemu).buttons).toEqual([0, 2]);
    });
    mouse.release('right');
    await eventually(() => {
      expect(mouseOf(qemu).buttons).toEqual([0, 2, 0]);
    });
    expect(new Set(scancodes(qemu))).toEqual(new Set(['31', 'b1']));
  });
});

/** What a virtio-input device has told its guest, by name: `[type, code, value]`. */
function eventsOf(guest: NestedQemu, device: string): number[][] {
  const lines = guest.console().map((line) => line.split(' '));
  const number = lines.find(([what, , ...name]) => what === 'input' && name.join(' ') === device)?.[1];
  if (number === undefined) throw new Error(`the guest has no ${device}`);
  return lines
    .filter(([what, of]) => what === 'event' && of === number)
    .map((line) => line.slice(2).map(Number));
}

/** Places that a guest has been told, of 0 to 1, are right within a pixel of its screen. */
function expectAt(told: readonly (number | undefined)[], [x, y]: readonly [number, number]): void {
  expect(Math.abs((told[0] ?? NaN) / 0x7fff - x)).toBeLessThan(1.5 / 1024);
  expect(Math.abs((told[1] ?? NaN) / 0x7fff - y)).toBeLessThan(1.5 / 768);
}

describe.each([10, 11] as const)('to a tablet and a multi-touch screen of QEMU %d', (version) => {
  let qemu: NestedQemu;
  let daemon: Daemon;
  beforeAll(async () => {
    // QEMU gives buttons to the device that came last: see docs/input.md.
    const device = ['virtio-vga', 'virtio-multitouch-pci', 'virtio-tablet-pci'];
    qemu = await startBare('absolute', 'static', { version, device });
    daemon = await Daemon.start({ guests: [linkTo(qemu)], outputs: { [FIRST]: { show: 'absolute' } } });
    await connected(daemon, 'absolute');
    await daemon.outputIs(FIRST, { frame: { width: 1024, height: 768, fits: true } });
  });
  afterAll(async () => {
    await daemon.stop();
    await qemu.stop();
  });

  test('the pointer is where it is pointed, its buttons with it, and a mouse moves it from there', async () => {
    const last = (type: number, code: number): number | undefined =>
      eventsOf(qemu, 'QEMU Virtio Tablet').findLast((event) => event[0] === type && event[1] === code)?.[2];
    const place = (): (number | undefined)[] => [last(EV_ABS, ABS_X), last(EV_ABS, ABS_Y)];
    const tablet = await Tablet.plug(daemon);
    let moves = 0;
    await eventually(() => {
      // The guest may not have told yet that it takes places.
      tablet.place(0.1 + (moves++ % 2) / 100, 0.1);
      expect(last(EV_ABS, ABS_X)).toBeDefined();
    });
    for (const [x, y] of [
      [0.25, 0.5],
      [0.75, 0.125],
      [0, 0],
      [1, 1],
      [0.5, 0.25],
    ] as const) {
      // prettier-ignore
      tablet.place(x, y);
      await eventually(() => {
        // The last pixel is the largest place.
        expectAt(place(), [Math.min(x, 1023 / 1024), Math.min(y, 767 / 768)]);
      });
    }
    tablet.press('left');
    await eventually(() => {
      expect(last(EV_KEY, BTN_LEFT)).toBe(1);
    });
    tablet.release('left');
    await eventually(() => {
      expect(last(EV_KEY, BTN_LEFT)).toBe(0);
    });
    const mouse = await Mouse.plug(daemon);
    for (let move = 0; move < 20; move++) mouse.move(2, 2);
    await eventually(() => {
      // How far is for the mouse's acceleration to say.
      const [x = NaN, y = NaN] = place().map((told) => (told ?? NaN) / 0x7fff);
      expect([x > 0.502, x < 0.7, y > 0.252, y < 0.5]).toEqual([true, true, true, true]);
    });
    for (const device of [tablet, mouse]) device.unplug();
  });

  test('fingers are where they are, and are lifted with the screen that is unplugged', async () => {
    const fingers = (): (number | undefined)[][] => {
      const down = new Map<number, (number | undefined)[]>();
      let slot = 0;
      for (const [type, code, value = 0] of eventsOf(qemu, 'QEMU Virtio MultiTouch')) {
        if (type !== EV_ABS) continue;
        if (code === MT_SLOT) slot = value;
        else if (code === MT_TRACKING_ID && value < 0) down.delete(slot);
        else if (code === MT_TRACKING_ID) down.set(slot, []);
        else if (code === MT_X || code === MT_Y) (down.get(slot) ?? [])[code - MT_X] = value;
      }
      return [...down.values()];
    };
    const touches = (wanted: readonly (readonly [number, number])[]): Promise<void> =>
      eventually(() => {
        const told = fingers();
        expect(told).toHaveLength(wanted.length);
        wanted.forEach((at, finger) => {
          expectAt(told[finger]!, at);
        });
      });
    const screen = await Touchscreen.plug(daemon);
    screen.touch(0, 0.25, 0.25);
    await touches([[0.25, 0.25]]);
    screen.touch(1, 0.75, 0.5);
    await touches([[0.25, 0.25], [0.75, 0.5]]); // prettier-ignore
    screen.touch(0, 0.5, 0.125);
    await touches([[0.5, 0.125], [0.75, 0.5]]); // prettier-ignore
    screen.lift(0);
    await touches([[0.75, 0.5]]);
    screen.touch(0, 0.125, 0.875);
    await eventually(() => {
      expect(fingers()).toHaveLength(2);
    });
    screen.unplug();
    await touches([]);
  });
});

test('a QEMU that hangs has nothing down when it goes on, and holds up nobody meanwhile', async () => {
  const seatd = await Seatd.start('nogroup', true);
  const hung = await startBare('hung', 'static device=vga');
  const other = new MockGuest(`${folder}/other.qmp`);
  const daemon = await Daemon.start({
    guests: [linkTo(hung), linkTo({ name: 'other', qmp: `${folder}/other.qmp` })],
    outputs: { [FIRST]: { show: 'hung' }, [SECOND]: { show: 'other' } },
  });
  const keyboard = await Keyboard.plug(daemon);
  const mouse = await Mouse.plug(daemon);
  for (const guest of ['hung', 'other']) await connected(daemon, guest);
  keyboard.press('A');
  keyboard.press('B');
  mouse.press('left');
  await eventually(() => {
    expect(down(hung)).toEqual(['1e', '30']);
    expect(mouseOf(hung).buttons).toEqual([0, 1]);
  });
  hung.freeze();
  for (let move = 0; move < MOVES; move++) {
    mouse.move(1, move % 2 === 0 ? 1 : -1);
    await pause(1);
  }
  // The way out: no guest has the keyboard, and then it has it again.
  const escaped = async (wanted: boolean): Promise<void> => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(wanted);
    });
  };
  await escaped(true);
  await escaped(false);
  keyboard.press('N');
  mouse.move(1, 0);
  await pause(300);
  // The virtual terminals: away, and back.
  keyboard.chord('LeftCtrl', 'LeftAlt', 'F2');
  await daemon.said(/another session is in front: paused/);
  execFileSync('busybox', ['chvt', '1']);
  await daemon.said(/the card is ours again/);
  await eventually(async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Digit2');
    expect(await daemon.output(FIRST)).toMatchObject({ guest: 'other' });
  });
  const told = other.console.calls.length;
  keyboard.tap('S');
  await eventually(() => {
    expect(other.console.calls.slice(told).filter((call) => call.endsWith(' 31'))).toEqual([
      'Keyboard.Press 31',
      'Keyboard.Release 31',
    ]);
  });
  hung.thaw();
  await eventually(() => {
    expect(scancodes(hung)).toEqual(expect.arrayContaining(['9e', 'b0', '31', 'b1']));
    expect(down(hung)).toEqual([]);
  });
  for (const key of ['A', 'B', 'N'] as const) keyboard.release(key);
  mouse.release('left');
  await daemon.show('hung', FIRST);
  const from = scancodes(hung).length;
  await eventually(() => {
    keyboard.tap('P');
    expect(scancodes(hung).slice(from)).toContain('99');
  });
  await eventually(() => {
    expect(down(hung)).toEqual([]);
  });
  // What comes at once and does not fit into 16 bytes QEMU's PS/2 mouse tells when it is moved again. All of it came.
  let moved = MOVES + 1;
  await eventually(() => {
    mouse.move(1, 0);
    moved++;
    expect(mouseOf(hung)).toMatchObject({ buttons: [0, 1, 0] });
    expect(moved - mouseOf(hung).x).toBeLessThan(2);
  });
  await eventually(() => {
    expect(mouseOf(hung).x).toBe(moved);
  });
  for (const device of [keyboard, mouse]) device.unplug();
  await daemon.stop();
  other.close();
  await hung.stop();
  await seatd.stop();
});
