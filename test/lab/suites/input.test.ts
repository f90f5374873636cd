/** Keyboard and pointer, from evdev to the guest. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { monotonic } from '../../../src/clock';
import { qnum } from '../../../src/guest/qemu/qnum';
import { InputModel, isModifier, seen, type ModelHotkey, type Seen } from '../../unit/support/input-model';
import { Random } from '../../unit/support/random';
import {
  cliAll,
  Daemon,
  eventually,
  Keyboard,
  linkTo,
  MockGuest,
  modesetsDuring,
  Mouse,
  pause,
  PictureGuest,
  scancodes,
  scratch,
  Seatd,
  startBare,
  textsIn,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const OUTPUTS = [FIRST, SECOND, THIRD];
/** Of the random test, which is long/input.test.ts's: it wants a machine that is never late by a fifth of a second. */
const EVENTS = Number(process.env.LAB_INPUT_EVENTS ?? 0);
const NAMES = ['alpha', 'beta', 'gamma'] as const;
const [CTRL, ALT, SHIFT, SUPER, A, B, N, ONE, TWO, THREE, SCROLL] = [
  29, 56, 42, 125, 30, 48, 49, 2, 3, 4, 70,
];
/** A key per keyboard that is of no hotkey, whatever is held with it: it decides what waits. */
const DECISIVE = [44, 45];
const LEFT = 0x110;
/**
 * A button that is up and down again sooner is one that bounces:
 * https://wayland.freedesktop.org/libinput/doc/latest/button-debouncing.html
 */
const DEBOUNCE_MS = 25;

/** The evdev code of each of QEMU's numbers. */
const evdevOf = new Map(
  Array.from({ length: 0x300 }, (_, code) => [qnum(code), code] as const).filter(
    ([number]) => number !== undefined,
  ),
);
/** QEMU's buttons are others than evdev's: the left one is 0, and a notch of the wheel is one of 3 and 4. */
const buttonOf = (button: number): number => LEFT + button;
const WHEEL = [3, 4];

/** A QEMU that writes down what it is told, as what a user would see. */
class Typed {
  readonly down = new Set<number>();
  readonly seen: Seen[] = [];
  readonly wrong: string[] = [];
  /** How often each modifier went down. */
  readonly told = new Map<number, number>();
  readonly moved = { x: 0, y: 0 };
  #read = 0;

  constructor(readonly guest: MockGuest) {}

  /** Takes what has come since. */
  update(): this {
    const { calls } = this.guest.qemu.console;
    for (; this.#read < calls.length; this.#read++) this.#take(calls[this.#read]!);
    return this;
  }

  #take(call: string): void {
    const motion = /^Mouse\.RelMotion (-?\d+) (-?\d+)$/.exec(call);
    if (motion) {
      this.moved.x += Number(motion[1]);
      this.moved.y += Number(motion[2]);
    }
    const match = /^(Keyboard|Mouse)\.(Press|Release) (\d+)$/.exec(call);
    if (!match) return;
    const [, device, what, number] = match;
    const code = device === 'Mouse' ? buttonOf(Number(number)) : evdevOf.get(Number(number))!;
    const isDown = what === 'Press';
    if (isDown === this.down.has(code)) this.wrong.push(call);
    if (!isDown) {
      this.down.delete(code);
      return;
    }
    this.down.add(code);
    if (isModifier(code)) this.told.set(code, (this.told.get(code) ?? 0) + 1);
    else this.seen.push(seen(this.#nameOf(device!, code), [...this.down].filter(isModifier)));
  }

  #nameOf(device: string, code: number): string {
    if (device === 'Keyboard') return `+${code}`;
    return WHEEL.includes(code - LEFT) ? 'w' : `B${code}`;
  }
}

const directory = scratch();
const socket = (name: string): string => path.join(directory, `${name}.qmp`);

let daemon: Daemon;
let keyboard: Keyboard;
let guests: Typed[];

async function start(more: object = {}): Promise<void> {
  guests = NAMES.map((name) => new Typed(new MockGuest(socket(name))));
  daemon = await Daemon.start({
    guests: NAMES.map((name) => linkTo({ name, qmp: socket(name) })),
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' }, [THIRD]: { show: 'gamma' } },
    ...more,
  });
  keyboard = await Keyboard.plug(daemon);
  for (const name of NAMES) {
    await eventually(async () => {
      expect(await daemon.guest(name)).toMatchObject({ connected: true });
    });
  }
}

async function stop(): Promise<void> {
  keyboard.unplug();
  await daemon.stop();
  for (const { guest } of guests) guest.close();
}

const calls = (index: number): string[] =>
  guests[index]!.guest.qemu.console.calls.filter((call) => /^(Keyboard|Mouse)/.test(call));

/** Waits until a guest has got these keys since `from`, as `+30 -30`. */
async function got(index: number, keys: string, from = 0): Promise<void> {
  await eventually(() => {
    const told = calls(index)
      .slice(from)
      .map((call) => call.replace(/^Keyboard.Press /, '+').replace(/^Keyboard.Release /, '-'));
    expect(told.join(' ')).toBe(keys);
  }, 20);
}

describe('hotkeys of a config without any', () => {
  beforeAll(() => start());
  afterAll(stop);

  test('are nothing any guest sees', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(SECOND, { focused: true });
    keyboard.tap('ScrollLock', 'ScrollLock', 'Tab');
    await daemon.outputIs(THIRD, { focused: true });
    keyboard.tap('ScrollLock', 'ScrollLock', 'Right');
    await daemon.outputIs(THIRD, { guest: 'alpha' });
    keyboard.chord('RightCtrl', 'RightAlt', 'Digit3');
    await daemon.outputIs(THIRD, { guest: 'gamma' });
    keyboard.tap('A');
    await got(2, '+30 -30');
    expect([calls(0), calls(1)]).toEqual([[], []]);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(FIRST, { focused: true });
  });

  test('keep nothing that is not theirs', async () => {
    const from = calls(0).length;
    keyboard.chord('LeftCtrl', 'A');
    await got(0, '+29 +30 -30 -29', from);
    keyboard.tap('LeftCtrl');
    await got(0, '+29 +30 -30 -29 +29 -29', from);
    keyboard.press('LeftAlt');
    await got(0, '+29 +30 -30 -29 +29 -29 +56', from);
    keyboard.release('LeftAlt');
    keyboard.tap('ScrollLock', 'A');
    await got(0, '+29 +30 -30 -29 +29 -29 +56 -56 +70 -70 +30 -30', from);
    keyboard.tap('ScrollLock');
    await got(0, '+29 +30 -30 -29 +29 -29 +56 -56 +70 -70 +30 -30 +70 -70', from);
  });

  test('the escape takes the keyboard from all guests, and gives it back', async () => {
    const before = NAMES.map((_, index) => calls(index).length);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(true);
    });
    keyboard.tap('A', 'B');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await eventually(async () => {
      expect((await daemon.status()).escaped).toBe(false);
    });
    keyboard.tap('N');
    await got(0, '+49 -49', before[0]);
    expect([calls(1).length, calls(2).length]).toEqual(before.slice(1));
  });

  test('what is typed to a guest is read by nobody else', async () => {
    const reader = fs.openSync(keyboard.devnode, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const read = (): number => {
      try {
        return fs.readSync(reader, Buffer.alloc(24 * 64));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
        throw error;
      }
    };
    try {
      const from = calls(0).length;
      keyboard.tap('A');
      await got(0, '+30 -30', from);
      expect(read()).toBe(0);
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
      await eventually(() => {
        keyboard.tap('A');
        expect(read()).toBeGreaterThan(0);
      });
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
      await eventually(async () => {
        expect((await daemon.status()).escaped).toBe(false);
      });
      await eventually(() => {
        read();
        keyboard.tap('A');
        expect(read()).toBe(0);
      });
    } finally {
      fs.closeSync(reader);
    }
  });

  test('more than the kernel keeps for a reader leaves no key down that is up, and none up that is down', async () => {
    // What was typed before has come.
    keyboard.tap('N');
    await eventually(() => {
      expect(calls(0).at(-1)).toBe('Keyboard.Release 49');
    });
    const from = calls(0).length;
    keyboard.press('A');
    keyboard.press('B');
    await got(0, '+30 +48', from);
    daemon.signal('SIGSTOP');
    // 64 events are kept; of more the reader learns but the last state, after SYN_DROPPED.
    for (let count = 0; count < 100; count++) keyboard.tap('N');
    keyboard.release('A');
    keyboard.press('P');
    daemon.signal('SIGCONT');
    await eventually(() => {
      expect([...guests[0]!.update().down].sort()).toEqual([48, 25].sort());
    });
    keyboard.release('B');
    keyboard.release('P');
    keyboard.tap('N');
    await eventually(() => {
      expect(calls(0).slice(-2)).toEqual(['Keyboard.Press 49', 'Keyboard.Release 49']);
    });
    expect(guests[0]!.update().down.size).toBe(0);
    expect(guests[0]!.wrong).toEqual([]);
    expect([calls(1), calls(2)].flat().filter((call) => call.endsWith(' 25'))).toEqual([]);
  });

  test('lock lights are those of the guest that has the keyboard, on every keyboard', async () => {
    // As evdev and as QEMU number them.
    const [NUM, CAPS, SCROLL_LOCK] = [1, 2, 4];
    const bits: Readonly<Record<number, number>> = { [SCROLL_LOCK]: 1, [NUM]: 2, [CAPS]: 4 };
    const second = await Keyboard.plug(daemon, 'second lit keyboard');
    const lit = (leds: number): Promise<void> =>
      eventually(() => {
        expect([keyboard.leds, second.leds]).toEqual([leds, leds]);
      });
    const light = (index: number, ...leds: number[]): void => {
      const modifiers = leds.reduce((all, led) => all | bits[led]!, 0);
      const { qemu } = guests[index]!.guest;
      qemu.console.change(qemu.main!, { modifiers });
    };
    light(0, CAPS);
    light(1, NUM, SCROLL_LOCK);
    await lit(CAPS);
    for (const [index, leds] of [
      [1, NUM | SCROLL_LOCK],
      [2, 0],
      [0, CAPS],
    ] as const) {
      keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
      await daemon.outputIs(OUTPUTS[index]!, { focused: true });
      await lit(leds);
    }
    // Of one that has not the keyboard: at the next switch.
    light(1, NUM);
    light(0, CAPS, NUM);
    await lit(CAPS | NUM);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await lit(NUM);
    // Nobody's while the keyboard is taken from all.
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await lit(0);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Esc');
    await lit(NUM);
    for (let count = 0; count < 2; count++) keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(FIRST, { focused: true });
    for (const index of [0, 1]) light(index);
    await lit(0);
    second.unplug();
  });

  test('a keyboard that is unplugged with keys held leaves none down', async () => {
    const other = await Keyboard.plug(daemon, 'short-lived keyboard');
    const from = calls(0).length;
    for (const key of ['LeftCtrl', 'A', 'B'] as const) other.press(key);
    await got(0, '+29 +30 +48', from);
    other.unplug();
    await eventually(() => {
      expect(guests[0]!.update().down.size).toBe(0);
    });
    const before = calls(1).length;
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(SECOND, { focused: true });
    keyboard.tap('N');
    await got(1, '+49 -49', before);
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    keyboard.chord('LeftCtrl', 'LeftAlt', 'Tab');
    await daemon.outputIs(FIRST, { focused: true });
  });

  test('a guest that is killed with keys held has none down when it is back', async () => {
    for (const key of ['LeftCtrl', 'A'] as const) keyboard.press(key);
    await eventually(() => {
      expect([...guests[0]!.update().down]).toEqual([CTRL, A]);
    });
    guests[0]!.guest.close();
    await eventually(async () => {
      expect(await daemon.guest('alpha')).toMatchObject({ connected: false });
    });
    // The next has none of them, either.
    const before = calls(1).length;
    await daemon.show('beta', FIRST);
    keyboard.tap('N');
    await got(1, '+49 -49', before);
    await daemon.show('alpha', FIRST);
    guests[0] = new Typed(new MockGuest(socket('alpha')));
    await eventually(async () => {
      expect(await daemon.guest('alpha')).toMatchObject({ connected: true });
    });
    for (const key of ['A', 'LeftCtrl', 'N'] as const) {
      if (key === 'N') keyboard.tap(key);
      else keyboard.release(key);
    }
    await eventually(() => {
      expect(calls(0)).toContain('Keyboard.Release 49');
    });
    expect(guests[0].update().seen).toEqual(['+49 []']);
    expect(guests[0].down.size).toBe(0);
  });
});

test('what the config passes through is the guest’s at once, and no part of a hotkey', async () => {
  await start({
    hotkeys: { 'Ctrl+F2': { show: 'beta' } },
    passthrough: ['F1', 'Ctrl'],
  });
  keyboard.tap('F1');
  await got(0, '+59 -59');
  // No modifier is withheld, though it may begin a hotkey, which it does.
  keyboard.press('LeftCtrl');
  await got(0, '+59 -59 +29');
  keyboard.press('F2');
  await daemon.outputIs(FIRST, { guest: 'beta' });
  keyboard.release('F2');
  keyboard.release('LeftCtrl');
  keyboard.tap('F1');
  await got(1, '+59 -59');
  await got(0, '+59 -59 +29 -29');
  await stop();
});

test('keys held when another console comes to the front are up in the guest, there and back again', async () => {
  const seatd = await Seatd.start('nogroup', true);
  await start();
  await daemon.said(/session: seatd/);
  const console = (vt: number): void => void execFileSync('busybox', ['chvt', `${vt}`]);
  const held = ['LeftShift', 'A', 'B'] as const;
  for (const key of held) keyboard.press(key);
  await got(0, '+42 +30 +48');
  console(2);
  await daemon.said(/another session is in front: paused/);
  await eventually(() => {
    expect(guests[0]!.update().down.size).toBe(0);
  });
  const told = calls(0).length;
  keyboard.release('B');
  keyboard.tap('N');
  console(1);
  await daemon.said(/the card is ours again/);
  await eventually(() => {
    // The devices are opened again: what was held all the time is nobody's until it is pressed again.
    keyboard.tap('P');
    expect(calls(0).slice(told)).toContain('Keyboard.Release 25');
  });
  keyboard.release('A');
  keyboard.release('LeftShift');
  keyboard.tap('A');
  await eventually(() => {
    expect(calls(0).at(-1)).toBe('Keyboard.Release 30');
  });
  const since = guests[0]!.update().seen.slice(2);
  expect(since.filter((what) => what !== '+25 []')).toEqual(['+30 []']);
  expect([guests[0]!.wrong, guests[0]!.down.size, calls(1), calls(2)]).toEqual([[], 0, [], []]);
  await stop();
  await seatd.stop();
});

describe('what hotkeys can do besides', () => {
  let pictures: PictureGuest[];
  beforeAll(async () => {
    daemon = await Daemon.start({
      guests: NAMES,
      outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: {}, [THIRD]: {} },
      layouts: { desk: { [FIRST]: 'beta', [SECOND]: 'alpha' }, night: { [FIRST]: 'gamma' } },
      hotkeys: {
        ScrollLock: { hold: 'help' },
        'Ctrl+Alt+H': 'help',
        'Ctrl+Alt+A': { scan: { dwell: '1s' } },
        'Ctrl+Alt+N': { layout: 'night' },
      },
      passthrough: ['F1'],
    });
    pictures = NAMES.map((name) => new PictureGuest(daemon.socket(name), name, '--static'));
    keyboard = await Keyboard.plug(daemon);
    for (const name of NAMES) {
      await eventually(async () => {
        expect((await daemon.guest(name)).heads).toHaveLength(1);
      });
    }
  });
  afterAll(async () => {
    keyboard.unplug();
    for (const picture of pictures) await picture.stop();
    await daemon.stop();
  });

  test('help is on the panel while the key is held, without a modeset', async () => {
    await daemon.outputIs(FIRST, { guest: 'alpha', path: 'direct' });
    const lines = await modesetsDuring(async () => {
      keyboard.press('ScrollLock');
      await daemon.outputIs(FIRST, { guest: 'alpha', path: 'picture' });
      keyboard.release('ScrollLock');
      await daemon.outputIs(FIRST, { guest: 'alpha', path: 'direct' });
      for (const key of ['LeftCtrl', 'LeftAlt', 'H'] as const) keyboard.press(key);
      await daemon.outputIs(FIRST, { guest: 'alpha', path: 'picture' });
      for (const key of ['H', 'LeftAlt', 'LeftCtrl'] as const) keyboard.release(key);
      await daemon.outputIs(FIRST, { guest: 'alpha', path: 'direct' });
    });
    expect(lines).toEqual([]);
  });

  test('help lists every hotkey, and the ways out that no config takes away', async () => {
    keyboard.press('ScrollLock');
    await daemon.outputIs(FIRST, { path: 'picture' });
    const { png } = await daemon.screenshot(FIRST);
    keyboard.release('ScrollLock');
    const lines = [
      ...['hold ScrollLock', 'Ctrl+Alt+H', 'this list', 'Ctrl+Alt+A', 'each guest for 1 s'],
      ...['Ctrl+Alt+N', 'layout night', 'Ctrl+Alt+Esc', 'keyboard to no guest, and back'],
      ...['Ctrl+Alt+F1 to F12', 'virtual terminals 1 to 12'],
    ];
    expect(textsIn(png.image, [...lines, 'layout desk'])).toEqual(lines);
    await daemon.outputIs(FIRST, { path: 'direct' });
  });

  test('layouts are shown by name, by hotkey and by command', async () => {
    const [shown, refused] = await cliAll(
      ['desk', 'dsk'].map((name) => ['layout', name, '--control', daemon.control]),
    );
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(refused!.stderr).toBe('kms-switcher: there is no layout dsk: the config has desk, night');
    await daemon.outputIs(FIRST, { guest: 'beta', path: 'direct' });
    await daemon.outputIs(SECOND, { guest: 'alpha', path: 'direct' });
    keyboard.chord('LeftCtrl', 'LeftAlt', 'N');
    await daemon.outputIs(FIRST, { guest: 'gamma', path: 'direct' });
    await daemon.outputIs(SECOND, { guest: 'alpha', path: 'direct' });
  });

  test('a scan shows one guest after another until the next hotkey', async () => {
    keyboard.chord('LeftCtrl', 'LeftAlt', 'A');
    await daemon.outputIs(FIRST, { guest: 'beta' });
    await daemon.outputIs(FIRST, { guest: 'gamma' });
    await daemon.outputIs(FIRST, { guest: 'beta' });
    keyboard.chord('LeftCtrl', 'LeftAlt', 'A');
    await eventually(async () => {
      const { guest } = await daemon.output(FIRST);
      await pause(2500);
      expect((await daemon.output(FIRST)).guest).toBe(guest);
    });
    await daemon.outputIs(SECOND, { guest: 'alpha' });
  });
});

test('a guest gets every key there is, as its keyboard would say it', async () => {
  const qemu = await startBare('typist', 'static device=vga');
  daemon = await Daemon.start({
    guests: [linkTo(qemu)],
    outputs: { [FIRST]: { show: 'typist' } },
    hotkeys: {},
  });
  keyboard = await Keyboard.plug(daemon);
  await eventually(async () => {
    expect(await daemon.guest('typist')).toMatchObject({ connected: true });
  });
  const failures: string[] = [];
  const silent: number[] = [];
  // A, which all keyboards have, ends what there is to wait for: QEMU keeps the order. Evdev's 84 is no key.
  const codes = [...evdevOf.values()].filter((code) => code !== A && code !== 84).sort((a, b) => a - b);
  // QEMU's keyboard holds 16 bytes.
  for (let first = 0; first < codes.length; first += 2) {
    const pair = codes.slice(first, first + 2);
    const from = scancodes(qemu).length;
    for (const code of pair) {
      keyboard.code(code, true);
      keyboard.code(code, false);
      keyboard.tap('A');
    }
    const found = await eventually(
      () => {
        const parts = scancodes(qemu)
          .slice(from)
          .join(' ')
          .split(/ ?1e 9e ?/);
        expect(parts).toHaveLength(pair.length + 1);
        return parts;
      },
      20,
      10,
    );
    pair.forEach((code, i) => {
      if (found[i] === '') silent.push(code);
      else if (found[i] !== wire(code)) failures.push(`${code}: ${found[i]} instead of ${wire(code)}`);
    });
  }
  keyboard.unplug();
  await daemon.stop();
  await qemu.stop();
  expect(failures).toEqual([]);
  expect(silent).toEqual(UNKNOWN_TO_PS2);
  expect(codes.length - silent.length).toBeGreaterThan(130);
});

/**
 * Keys of the table of which QEMU tells its PS/2 keyboard nothing: Linefeed, Hangul, Hanja, Again, Undo, Copy, Paste, Find,
 * Cut, Help, Menu, X-fer, Www, F16 to F24, Print.
 */
const UNKNOWN_TO_PS2 = [
  101, 122, 123, 129, 131, 133, 135, 136, 137, 138, 139, 147, 150, 186, 187, 188, 189, 190, 191, 192, 193,
  194, 210,
];

/** What a PS/2 keyboard says in set 1 for a tap. */
function wire(code: number): string {
  const number = qnum(code)!;
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  if (code === 99) return 'e0 2a e0 37 e0 b7 e0 aa'; // PrintScreen pretends a Shift
  if (code === 119) return 'e1 1d 45 e1 9d c5'; // Pause has no release
  const [make, release] = [hex(number & 0x7f), hex(number | 0x80)];
  return number < 0x80 ? `${make} ${release}` : `e0 ${make} e0 ${release}`;
}

const HOTKEYS: ModelHotkey[] = NAMES.map((_, index) => ({
  name: `Ctrl+Alt+${index + 1}`,
  steps: [[ONE + index, ['Ctrl', 'Alt']]],
}));

if (EVENTS > 0)
  test(`${EVENTS} random events through uinput reach exactly the guest the model says`, async () => {
    await start({
      hotkeys: Object.fromEntries(HOTKEYS.map(({ name }, i) => [name, { focus: OUTPUTS[i]! }])),
    });
    const random = new Random(5);
    /** The guest on each output, and the output with the focus. */
    const places = [0, 1, 2];
    let focused = 0;
    const model = new InputModel(3, HOTKEYS, (name) => places[(focused = Number(name.at(-1)) - 1)]!);
    model.moveFocus(0);
    const boards = [keyboard, await Keyboard.plug(daemon, 'second keyboard')];
    const mouse = await Mouse.plug(daemon);
    // Those that both keyboards have are modifiers, so that no other key is typed on two at once.
    const keys = [
      [CTRL, ALT, SHIFT, ONE, ONE, TWO, TWO, A, SCROLL],
      [CTRL, ALT, SUPER, THREE, THREE, B, N],
    ];
    let events = 0;
    const key = (device: number, code: number, down: boolean): void => {
      boards[device]!.code(code, down);
      model.key(device, code, down, events++);
    };
    const moved = NAMES.map(() => ({ x: 0, y: 0 }));
    /** Of several devices the kernel keeps no order: each is awaited. */
    const settle = async (device: number): Promise<void> => {
      key(device, DECISIVE[device]!, true);
      key(device, DECISIVE[device]!, false);
      await arrived();
    };
    const arrived = async (): Promise<void> => {
      const missing = (): boolean =>
        guests.some((guest, index) => guest.update().seen.length < model.expected[index]!.length);
      for (const end = monotonic() + 60_000; missing() && monotonic() < end;) await pause(2);
      const last = (all: Seen[]): Seen[] => all.slice(-20);
      expect(guests.map(({ seen }) => last(seen))).toEqual(model.expected.map(last));
    };
    while (events < EVENTS) {
      const device = random.below(2);
      // No more than the kernel keeps for a reader that is late: 64 events, two for each key.
      for (const end = events + random.below(20); events <= end;) {
        const code = random.pick(keys[device]!);
        if (random.chance(0.25)) {
          for (const held of [CTRL, ALT, code]) key(device, held, true);
          for (const held of [code, ALT, CTRL]) key(device, held, false);
        } else key(device, code, random.chance(0.5));
      }
      await settle(device);
      const what = random.below(32);
      if (what < 5) {
        const down = random.chance(0.6);
        if (down) mouse.press('left');
        else mouse.release('left');
        model.button(2, LEFT, down);
        events++;
        await arrived();
        await pause(2 * DEBOUNCE_MS);
      } else if (what === 7) {
        mouse.wheel(random.chance(0.5) ? 1 : -1);
        model.wheel();
        events++;
        await arrived();
      } else if (what === 8) {
        const [x, y] = [random.below(41) - 20, random.below(41) - 20];
        mouse.move(x, y);
        moved[places[focused]!]!.x += x;
        moved[places[focused]!]!.y += y;
        events++;
        await eventually(() => {
          expect(guests.map((guest) => guest.update().moved)).toEqual(moved);
        });
      } else if (what === 5) {
        const to = random.below(3);
        await daemon.show(NAMES[to]!, OUTPUTS[focused]);
        const from = places.indexOf(to);
        [places[focused], places[from]] = [places[from]!, places[focused]!];
        model.moveFocus(to);
        events++;
      } else if (what === 6) {
        boards[1]!.unplug();
        boards[1] = await Keyboard.plug(daemon, `keyboard of event ${events}`);
        model.gone(1);
        events++;
      }
    }
    for (const device of [0, 1]) {
      for (const code of keys[device]!) key(device, code, false);
      await settle(device);
    }
    mouse.release('left');
    await eventually(() => {
      expect(guests.map((guest) => [...guest.update().down])).toEqual([[], [], []]);
    });
    guests.forEach((guest, index) => {
      expect(guest.seen).toEqual(model.expected[index]);
      expect(guest.wrong).toEqual([]);
      expect(guest.seen.length).toBeGreaterThan(EVENTS / 50);
      for (const code of [CTRL, ALT, SHIFT, SUPER]) {
        const told = guest.told.get(code) ?? 0;
        expect(told).toBeGreaterThanOrEqual(model.must.get(`${index}:${code}`) ?? 0);
        expect(told).toBeLessThanOrEqual(model.may.get(`${index}:${code}`) ?? 0);
      }
    });
    expect(model.fired.length).toBeGreaterThan(EVENTS / 200);
    boards[1]!.unplug();
    mouse.unplug();
    await stop();
  });
