import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as clock from '../../src/clock';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, type GuestInput } from '../../src/guest/sink';
import { InputDevices, type DeviceOwner, type InputEvents } from '../../src/input/devices';
import { Input } from '../../src/input/input';
import { Selector } from '../../src/input/selector';
import { parseTrigger } from '../../src/input/trigger';
import {
  INPUT_ABSOLUTE,
  INPUT_BUTTON,
  INPUT_DEVICE_ADDED,
  INPUT_DEVICE_REMOVED,
  INPUT_KEY,
  INPUT_MOTION,
  INPUT_TOUCH_CANCEL,
  INPUT_TOUCH_DOWN,
  INPUT_TOUCH_MOVE,
  INPUT_TOUCH_UP,
  INPUT_WHEEL,
  INPUT_WORDS,
  native,
  type Native,
  type NativeInput,
  type NativeInputDevice,
} from '../../src/native';
import { fakeLog } from './support/fake-card';

const words = new Int32Array(native.exchange);

/** libinput, played by hand. */
class Kernel {
  readonly devices = new Map<number, NonNullable<ReturnType<NativeInput['device']>>>();
  readonly leds: [number, number][] = [];
  readonly grabs: [number, boolean][] = [];
  readonly calls: string[] = [];
  grabbing: (id: number) => Promise<void> = () => Promise.resolve();
  readonly seats: string[] = [];
  closed = 0;
  nodes: Parameters<Native['openInput']>[1] | undefined;
  #onEvents: (count: number) => void = () => undefined;

  constructor() {
    jest.spyOn(native, 'openInput').mockImplementation((seat, nodes, onEvents) => {
      this.seats.push(seat);
      this.nodes = nodes;
      this.#onEvents = onEvents;
      return {
        device: (id) => this.devices.get(id),
        leds: (id, leds) => this.leds.push([id, leds]),
        grab: (id, grab) => {
          this.grabs.push([id, grab]);
          return this.grabbing(id);
        },
        suspend: () => this.calls.push('suspend'),
        resume: () => this.calls.push('resume'),
        close: () => this.closed++,
      };
    });
  }

  /** Keyboards by these numbers. */
  plug(...ids: number[]): void {
    for (const id of ids) if (!this.devices.has(id)) this.devices.set(id, keyboard);
    this.batch(...ids.map((id) => [INPUT_DEVICE_ADDED, id]));
  }

  /** One batch: kind, device, code, value, seconds, microseconds each. */
  batch(...events: number[][]): void {
    events.forEach((event, i) => {
      words.set([...event, 0, 0, 0, 0].slice(0, INPUT_WORDS), i * INPUT_WORDS);
    });
    this.#onEvents(events.length);
  }
}

const keyboard: NativeInputDevice = {
  name: 'AT keyboard',
  sysname: 'event0',
  keyboard: true,
  pointer: false,
  power: false,
  touch: false,
  seat: 'seat0',
  links: [],
};

let kernel: Kernel;
beforeEach(() => (kernel = new Kernel()));
afterEach(() => {
  jest.restoreAllMocks();
});

describe('input devices', () => {
  let calls: unknown[][];
  const note =
    (name: string) =>
    (...parameters: unknown[]) =>
      void calls.push([name, ...parameters]);
  const events: InputEvents = {
    key: note('key'),
    button: note('button'),
    motion: note('motion'),
    place: note('place'),
    wheel: note('wheel'),
    touch: note('touch'),
    gone: note('gone'),
    done: note('done'),
    busy: () => false,
  };
  beforeEach(() => (calls = []));

  const owner = (own = events): DeviceOwner => ({
    events: own,
    label: '',
    added: () => undefined,
    removed: ({ id }) => calls.push(['removed', id]),
    settle: () => undefined,
  });
  const open = (log = fakeLog(), own = events): InputDevices => {
    const theirs = owner(own);
    const devices = new InputDevices([theirs], () => theirs, log);
    devices.open();
    return devices;
  };

  test('deliver every kind of event, and the end of each batch', () => {
    open();
    expect(kernel.seats).toEqual(['seat0']);
    kernel.plug(1, 2, 3, 4);
    calls = [];
    kernel.batch(
      [INPUT_KEY, 1, 30, 1, 7, 500_000],
      [INPUT_KEY, 1, 30, 0, 7, 600_250],
      [INPUT_MOTION, 2, -256, 128, -200, 100],
      [INPUT_ABSOLUTE, 3, 65536, 0],
      [INPUT_BUTTON, 2, 0x110, 1],
      [INPUT_BUTTON, 2, 0x110, 0],
      [INPUT_WHEEL, 2, 0, -120],
      [INPUT_WHEEL, 2, 1, 60],
      [INPUT_TOUCH_DOWN, 4, 0, 0xffff0000 | 0],
      [INPUT_TOUCH_MOVE, 4, 9, 0x1234abcd],
      [INPUT_TOUCH_UP, 4, 0, 0],
      [INPUT_TOUCH_CANCEL, 4, 9, 0],
      [INPUT_DEVICE_REMOVED, 2],
      [99, 1, 2, 3],
    );
    kernel.batch();
    expect(calls).toEqual([
      ['key', 1, 30, true, 7500],
      ['key', 1, 30, false, 7600.25],
      ['motion', -256, 128, -200, 100],
      ['place', 65536, 0],
      ['button', 2, 0x110, true],
      ['button', 2, 0x110, false],
      ['wheel', false, -120],
      ['wheel', true, 60],
      ['touch', 0, TOUCH_DOWN, 0, 65535],
      ['touch', 9, TOUCH_MOVE, 0xabcd, 0x1234],
      ['touch', 0, TOUCH_UP, 0, 0],
      ['touch', 9, TOUCH_CANCEL, 0, 0],
      ['gone', 2],
      ['removed', 2],
      ['done'],
      ['done'],
    ]);
  });

  test('are not confused by what an event does to the exchange', () => {
    const spoil = {
      ...events,
      key: (...event: unknown[]) => {
        words.fill(-1);
        note('key')(...event);
      },
    };
    open(fakeLog(), spoil);
    kernel.plug(1);
    calls = [];
    kernel.batch([INPUT_KEY, 1, 30, 1], [INPUT_KEY, 1, 31, 1]);
    expect(calls.map(([, , code]) => code)).toEqual([30, 31, undefined]);
  });

  test('are named in the log', () => {
    const log = fakeLog();
    open(log);
    kernel.devices.set(1, keyboard);
    kernel.devices.set(2, {
      ...keyboard,
      ...{ name: 'Tablet', sysname: 'event1', keyboard: false, pointer: true },
    });
    kernel.devices.set(3, { ...keyboard, name: 'Both', sysname: 'event2', pointer: true, touch: true });
    kernel.devices.set(4, { ...keyboard, name: 'Lid', sysname: 'event3', keyboard: false });
    kernel.batch(...[1, 2, 3, 4, 5].map((id) => [INPUT_DEVICE_ADDED, id]));
    expect(log.lines).toEqual([
      'info: keyboard 1: AT keyboard (event0)',
      'info: pointer 1: Tablet (event1)',
      'info: keyboard 2: Both (event2)',
      'info: pointer 2: Both (event2)',
      'info: touchscreen 1: Both (event2)',
    ]);
  });

  test('that cannot be opened are a warning each, once', () => {
    const log = fakeLog();
    open(log);
    const missing = path.join(os.tmpdir(), 'no', 'such', 'event9');
    expect(kernel.nodes!.open(missing, fs.constants.O_RDONLY)).toBe(-2);
    expect(kernel.nodes!.open(missing, fs.constants.O_RDONLY)).toBe(-2);
    expect(log.lines).toEqual([`warning: ${missing} cannot be opened (ENOENT)`]);
  });

  test('that flood are a warning each, once', () => {
    let now = 1_000_000;
    jest.spyOn(clock, 'monotonic').mockImplementation(() => now);
    const log = fakeLog();
    open(log);
    kernel.devices.set(2, { ...keyboard, name: 'Mouse', sysname: 'event7', pointer: true });
    kernel.plug(1, 2);
    log.lines.length = 0;
    const move = (batches: number): void => {
      for (let count = 0; count < batches; count++)
        kernel.batch(...Array.from({ length: 100 }, () => [INPUT_MOTION, 2, 256, 0, 256, 0]));
    };
    // 8000 a second is a fast mouse.
    for (let second = 0; second < 3; second++) {
      move(80);
      now += 1000;
      kernel.batch([INPUT_KEY, 1, 30, 1], [INPUT_KEY, 1, 30, 0]);
    }
    expect(log.lines).toEqual([]);
    for (let second = 0; second < 3; second++) {
      move(240);
      now += 2000;
      kernel.batch([INPUT_KEY, 1, 30, 1], [INPUT_KEY, 1, 30, 0]);
    }
    expect(log.lines).toEqual([
      'warning: Mouse (event7) floods: 12000 events a second, and devices that are well make 8000 at most: unplug it, or keep it from kms-switcher by a udev rule with ENV{LIBINPUT_IGNORE_DEVICE}="1"',
    ]);
    // What it says goes on, and so does the rest.
    expect(calls.filter(([name]) => name === 'motion')).toHaveLength(96_000);
    expect(calls.filter(([name]) => name === 'key')).toHaveLength(12);
  });

  test('of a seat that cannot be had are a warning', () => {
    const log = fakeLog();
    jest.spyOn(native, 'openInput').mockImplementation(() => {
      throw new Error('no udev');
    });
    open(log).close();
    expect(log.lines).toEqual([
      'warning: no hotkeys, and no input for guests: the devices of seat0 cannot be opened: Error: no udev',
    ]);
  });
});

test('input goes from the devices to hotkeys and to the guest with the focus', () => {
  const got: string[] = [];
  const guest: GuestInput = {
    key: (head, code, down) => got.push(`${head}:${down ? '+' : '-'}${code}`),
    motion: (head, dx, dy) => got.push(`${head}:m${dx},${dy}`),
    place: () => undefined,
    button: () => undefined,
    wheel: () => undefined,
    absolute: () => false,
  };
  const actions: unknown[][] = [];
  const trigger = parseTrigger('Pause');
  const hotkeys = [{ source: 'Pause', trigger, action: { kind: 'next' } }] as const;
  const handler = { fired: (...action: unknown[]) => actions.push(action), released: () => undefined };
  const input = new Input([{ name: 'default', devices: [], bindings: { hotkeys }, handler }], fakeLog());
  input.open();
  kernel.plug(1, 2);
  expect(kernel.seats).toEqual(['seat0']);
  input.focus({ input: guest, head: 1 }, 'default');
  kernel.batch(
    [INPUT_KEY, 1, 30, 1, 1, 0],
    [INPUT_MOTION, 2, 512, 0, 256, 0],
    [INPUT_MOTION, 2, 512, 0, 256, 0],
  );
  kernel.batch([INPUT_KEY, 1, 119, 1, 2, 0], [INPUT_KEY, 1, 119, 0, 2, 0]);
  expect(got).toEqual(['1:+30', '1:m2,0']);
  expect(actions).toEqual([[{ kind: 'next' }, 2000]]);
  input.close();
  expect(kernel.closed).toBe(1);
  expect(got).toEqual(['1:+30', '1:m2,0', '1:-30']);
});

describe('while a guest has the focus', () => {
  const guest = (leds?: number): GuestInput & { report: ((leds: number) => void) | undefined } => ({
    key: () => undefined,
    motion: () => undefined,
    place: () => undefined,
    button: () => undefined,
    wheel: () => undefined,
    absolute: () => false,
    ...(leds !== undefined && { leds }),
    report: undefined,
    onLeds(listener) {
      this.report = listener;
    },
  });
  const log = fakeLog();
  let input: Input;
  beforeEach(() => {
    log.lines.length = 0;
    const handler = { fired: () => undefined, released: () => undefined };
    input = new Input([{ name: 'default', devices: [], bindings: { hotkeys: [] }, handler }], log);
    input.open();
    kernel.devices.set(1, keyboard);
    kernel.devices.set(2, { ...keyboard, name: 'Power Button', sysname: 'event1', power: true });
    kernel.devices.set(3, { ...keyboard, name: 'Mouse', sysname: 'event2', keyboard: false, pointer: true });
    kernel.devices.set(5, { ...keyboard, name: 'Lid Switch', sysname: 'event4', keyboard: false });
    kernel.batch(...[1, 2, 3, 5].map((id) => [INPUT_DEVICE_ADDED, id]));
    kernel.leds.length = 0;
  });
  afterEach(() => {
    input.close();
  });

  test('keyboards show its lock lights, and its alone', () => {
    const [windows, linux] = [guest(2), guest()];
    input.focus({ input: windows, head: 0 }, 'default');
    expect(kernel.leds).toEqual([
      [1, 2],
      [2, 2],
    ]);
    windows.report?.(3);
    expect(kernel.leds.at(-1)).toEqual([2, 3]);
    input.focus({ input: linux, head: 0 }, 'default');
    expect(kernel.leds.at(-1)).toEqual([2, 0]);
    expect(windows.report).toBeUndefined();
    linux.report?.(4);
    kernel.batch([INPUT_DEVICE_REMOVED, 1]);
    kernel.devices.set(4, keyboard);
    kernel.batch([INPUT_DEVICE_ADDED, 4]);
    expect(kernel.leds.at(-1)).toEqual([4, 4]);
    kernel.leds.length = 0;
    input.focus(null, 'default');
    expect(kernel.leds).toEqual([
      [2, 0],
      [4, 0],
    ]);
  });

  test('devices are its alone, but for the power button and what tells guests nothing', async () => {
    input.focus({ input: guest(), head: 0 }, 'default');
    expect(kernel.grabs.splice(0)).toEqual([
      [1, true],
      [3, true],
    ]);
    await Promise.resolve();
    kernel.devices.set(4, keyboard);
    kernel.batch([INPUT_DEVICE_ADDED, 4]);
    expect(kernel.grabs.splice(0)).toEqual([[4, true]]);
    await Promise.resolve();
    input.focus({ input: guest(), head: 1 }, 'default');
    expect(kernel.grabs).toEqual([]);
    input.focus(null, 'default');
    expect(kernel.grabs.map(([id, grab]) => [id, grab])).toEqual([
      [1, false],
      [3, false],
      [4, false],
    ]);
  });

  test('a device changes hands once none of its keys is down', async () => {
    kernel.batch([INPUT_KEY, 1, 28, 1]);
    input.focus({ input: guest(), head: 0 }, 'default');
    expect(kernel.grabs.splice(0)).toEqual([[3, true]]);
    kernel.batch([INPUT_BUTTON, 3, 0x110, 1]);
    kernel.batch([INPUT_KEY, 1, 28, 0]);
    expect(kernel.grabs.splice(0)).toEqual([[1, true]]);
    await Promise.resolve();
    input.focus(null, 'default');
    expect(kernel.grabs.splice(0)).toEqual([[1, false]]);
    await Promise.resolve();
    kernel.batch([INPUT_BUTTON, 3, 0x110, 0]);
    expect(kernel.grabs.splice(0)).toEqual([[3, false]]);
  });

  test('who changes their mind meanwhile gets what they wanted last', async () => {
    let finish: () => void = () => undefined;
    kernel.grabbing = () => new Promise((resolve) => (finish = resolve));
    input.focus({ input: guest(), head: 0 }, 'default');
    kernel.grabbing = () => Promise.resolve();
    kernel.batch([INPUT_DEVICE_REMOVED, 1]);
    input.focus(null, 'default');
    input.focus({ input: guest(), head: 0 }, 'default');
    input.focus(null, 'default');
    expect(kernel.grabs).toHaveLength(2);
    finish();
    await new Promise(setImmediate);
    expect(kernel.grabs.filter(([id]) => id === 3)).toEqual([
      [3, true],
      [3, false],
    ]);
  });

  test('a device that another program has for itself is a warning', async () => {
    kernel.grabbing = () => Promise.reject(Object.assign(new Error('EBUSY'), { code: 'EBUSY' }));
    input.focus({ input: guest(), head: 0 }, 'default');
    await new Promise(setImmediate);
    kernel.batch([INPUT_KEY, 1, 28, 1], [INPUT_KEY, 1, 28, 0]);
    expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([
      'warning: AT keyboard (event0): another program has taken it for itself: nothing of it comes here until it lets go',
      'warning: Mouse (event2): another program has taken it for itself: nothing of it comes here until it lets go',
    ]);
  });

  test('in the secure profile no guest lights a LED, and the device that switches does nothing else', () => {
    const fired: string[] = [];
    const log = fakeLog();
    const selector = new Selector('panel', [{ code: 59, action: { kind: 'next' } }], log, ({ kind }) =>
      fired.push(kind),
    );
    const handler = { fired: () => undefined, released: () => undefined };
    const seat = { name: 'default', devices: [], bindings: { hotkeys: [] }, handler };
    const secure = new Input([seat], log, undefined, selector);
    secure.open();
    kernel.batch();
    expect(log.lines.at(-1)).toContain('no device "panel" is here');
    const typed: unknown[] = [];
    const lit = { ...guest(7), key: (...key: unknown[]) => typed.push(key) };
    for (const [id, name] of [
      [8, 'panel'],
      [9, 'board'],
    ] as const) {
      kernel.devices.set(id, { ...keyboard, name, sysname: `event${id}`, pointer: true });
      kernel.batch([INPUT_DEVICE_ADDED, id]);
    }
    secure.focus({ input: lit, head: 0 }, 'default');
    kernel.batch(
      [INPUT_KEY, 8, 59, 1],
      [INPUT_KEY, 8, 59, 0],
      [INPUT_KEY, 8, 30, 1],
      [INPUT_BUTTON, 8, 0x110, 1],
    );
    kernel.batch([INPUT_MOTION, 8, 256, 256, 256, 256], [INPUT_WHEEL, 8, 0, 120], [INPUT_KEY, 9, 59, 1]);
    lit.report?.(1);
    expect([fired, typed, kernel.leds.filter(([, leds]) => leds !== 0)]).toEqual([
      ['next'],
      [[0, 59, true]],
      [],
    ]);
    kernel.batch([INPUT_DEVICE_REMOVED, 8]);
    expect(log.lines.at(-1)).toContain('the device that switches guests has gone');
    secure.close();
  });

  test('a suspended input has nothing down, and comes back with new devices', () => {
    const got: string[] = [];
    const typist = {
      ...guest(),
      key: (_: number, code: number, down: boolean) => got.push(`${down ? '+' : '-'}${code}`),
    };
    input.focus({ input: typist, head: 0 }, 'default');
    kernel.batch([INPUT_KEY, 1, 30, 1]);
    input.suspend();
    expect(got).toEqual(['+30', '-30']);
    kernel.batch([INPUT_KEY, 1, 30, 0], [INPUT_DEVICE_REMOVED, 1]);
    input.resume();
    expect(kernel.calls).toEqual(['suspend', 'resume']);
    expect(got).toEqual(['+30', '-30']);
  });
});

describe('several seats', () => {
  /** A guest that writes down its keys and the place of its pointer. */
  const writer = (undivided = false) => {
    const got: string[] = [];
    let report: ((leds: number) => void) | undefined;
    const input: GuestInput = {
      undivided,
      leds: 0,
      key: (head, code, down) => got.push(`${head}:${down ? '+' : '-'}${code}`),
      motion: (head, dx, dy) => got.push(`${head}:m${dx},${dy}`),
      place: () => undefined,
      button: (head, code, down) => got.push(`${head}:${down ? '+' : '-'}B${code - 0x110}`),
      wheel: () => undefined,
      absolute: () => false,
      onLeds: (listener) => (report = listener),
    };
    return {
      input,
      news: () => got.splice(0).join(' '),
      report: (leds: number) => report?.(leds),
      told: () => report,
    };
  };
  const log = fakeLog();
  let fired: string[];
  let input: Input;
  beforeEach(() => {
    fired = [];
    log.lines.length = 0;
    const hotkeys = [{ source: 'Pause', trigger: parseTrigger('Pause'), action: { kind: 'next' } }] as const;
    const seat = (name: string, devices: string[]) => ({
      ...{ name, devices, bindings: { hotkeys } },
      handler: { fired: () => fired.push(name), released: () => undefined },
    });
    input = new Input(
      [seat('left', ['Left *']), seat('right', ['Right *', 'udev:seat1']), seat('default', [])],
      log,
    );
    input.open();
    const names = ['Left keyboard', 'Left mouse', 'Right keyboard', 'Right mouse', 'Third keyboard'];
    for (const [i, name] of names.entries())
      kernel.devices.set(i + 1, {
        ...keyboard,
        name,
        sysname: `event${i}`,
        keyboard: name.endsWith('keyboard'),
        pointer: name.endsWith('mouse'),
      });
    kernel.plug(1, 2, 3, 4, 5);
    kernel.leds.length = 0;
  });
  afterEach(() => {
    input.close();
  });

  test('read the devices of each seat of udev’s that is named, and say whose a device is', () => {
    expect(kernel.seats).toEqual(['seat0', 'seat1']);
    expect(log.lines).toContain('info: keyboard 1: Left keyboard (event0), seat left');
    expect(log.lines).toContain('info: keyboard 3: Third keyboard (event4), seat default');
    expect(input.devicesOf('right').map(({ name }) => name)).toEqual(['Right keyboard', 'Right mouse']);
    kernel.batch([INPUT_DEVICE_REMOVED, 3]);
    kernel.devices.set(6, { ...keyboard, name: 'Anything', seat: 'seat1' });
    kernel.plug(6);
    expect(input.devicesOf('right').map(({ name }) => name)).toEqual(['Right mouse', 'Anything']);
  });

  test('bring keys, buttons and motion each to its own guest, and a device of no seat’s to none', () => {
    const [windows, linux] = [writer(), writer()];
    input.focus({ input: windows.input, head: 0 }, 'left');
    input.focus({ input: linux.input, head: 1 }, 'right');
    kernel.batch(
      [INPUT_KEY, 1, 30, 1],
      [INPUT_KEY, 3, 31, 1],
      [INPUT_MOTION, 2, 256, 0, 256, 0],
      [INPUT_MOTION, 4, 0, 512, 0, 512],
      [INPUT_BUTTON, 4, 0x110, 1],
      [INPUT_KEY, 5, 32, 1],
      [INPUT_KEY, 5, 32, 0],
    );
    expect(windows.news()).toBe('0:+30 0:m1,0');
    expect(linux.news()).toBe('1:+31 1:m0,2 1:+B0');
    input.focus(null, 'left');
    expect(windows.news()).toBe('0:-30');
    expect(linux.news()).toBe('');
    kernel.batch([INPUT_DEVICE_REMOVED, 3], [INPUT_DEVICE_REMOVED, 4]);
    expect(linux.news()).toBe('1:-31 1:-B0');
  });

  test('have hotkeys of their own: half of one on each keyboard is none', () => {
    const linux = writer();
    input.focus({ input: linux.input, head: 0 }, 'right');
    kernel.batch(
      [INPUT_KEY, 1, 119, 1],
      [INPUT_KEY, 1, 119, 0],
      [INPUT_KEY, 3, 30, 1],
      [INPUT_KEY, 3, 119, 1],
    );
    kernel.batch([INPUT_KEY, 5, 119, 1]);
    expect(fired).toEqual(['left', 'right', 'default']);
    expect(linux.news()).toBe('0:+30');
  });

  test('grab what is typed to a guest, and leave the others', () => {
    input.focus({ input: writer().input, head: 0 }, 'right');
    expect(kernel.grabs).toEqual([
      [3, true],
      [4, true],
    ]);
  });

  test('of one guest share its lights, until the last has left it', () => {
    const windows = writer();
    input.focus({ input: windows.input, head: 0 }, 'left');
    input.focus({ input: windows.input, head: 1 }, 'right');
    windows.report(2);
    expect(kernel.leds).toEqual([
      [1, 2],
      [3, 2],
    ]);
    input.focus(null, 'left');
    windows.report(3);
    expect(kernel.leds.slice(2)).toEqual([
      [1, 0],
      [3, 3],
    ]);
    input.focus(null, 'right');
    expect(windows.told()).toBeUndefined();
  });

  test('hold a key that a guest’s heads share until both have let it go', () => {
    const sensors = writer(true);
    input.focus({ input: sensors.input, head: 0 }, 'left');
    input.focus({ input: sensors.input, head: 1 }, 'right');
    kernel.batch([INPUT_KEY, 1, 42, 1], [INPUT_KEY, 3, 42, 1], [INPUT_KEY, 1, 42, 0]);
    expect(sensors.news()).toBe('0:+42');
    input.focus(null, 'right');
    expect(sensors.news()).toBe('1:-42');
  });

  test('have a key each where the heads have a keyboard each', () => {
    const linux = writer();
    input.focus({ input: linux.input, head: 0 }, 'left');
    input.focus({ input: linux.input, head: 1 }, 'right');
    kernel.batch([INPUT_KEY, 1, 42, 1], [INPUT_KEY, 3, 42, 1], [INPUT_KEY, 1, 42, 0]);
    expect(linux.news()).toBe('0:+42 1:+42 0:-42');
  });

  test('are all released when the devices are another session’s', () => {
    const [windows, linux] = [writer(), writer()];
    input.focus({ input: windows.input, head: 0 }, 'left');
    input.focus({ input: linux.input, head: 0 }, 'right');
    kernel.batch([INPUT_KEY, 1, 30, 1], [INPUT_KEY, 3, 31, 1]);
    input.suspend();
    expect(windows.news()).toBe('0:+30 0:-30');
    expect(linux.news()).toBe('0:+31 0:-31');
    expect(kernel.calls).toEqual(['suspend', 'suspend']);
  });
});
