import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, type GuestInput } from '../../src/guest/sink';
import { InputDevices, type InputEvents } from '../../src/input/devices';
import { Input } from '../../src/input/input';
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
  seat = '';
  closed = 0;
  nodes: Parameters<Native['openInput']>[1] | undefined;
  #onEvents: (count: number) => void = () => undefined;

  constructor() {
    jest.spyOn(native, 'openInput').mockImplementation((seat, nodes, onEvents) => {
      this.seat = seat;
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

  /** One batch: kind, device, code, value, seconds, microseconds each. */
  batch(...events: number[][]): void {
    events.forEach((event, i) => {
      words.set([...event, 0, 0, 0, 0].slice(0, INPUT_WORDS), i * INPUT_WORDS);
    });
    this.#onEvents(events.length);
  }
}

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

  test('deliver every kind of event, and the end of each batch', () => {
    new InputDevices(events, fakeLog()).open('seat1');
    expect(kernel.seat).toBe('seat1');
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
    new InputDevices(spoil, fakeLog()).open('seat0');
    kernel.batch([INPUT_KEY, 1, 30, 1], [INPUT_KEY, 1, 31, 1]);
    expect(calls.map(([, , code]) => code)).toEqual([30, 31, undefined]);
  });

  test('are named in the log', () => {
    const log = fakeLog();
    new InputDevices(events, log).open('seat0');
    kernel.devices.set(1, {
      name: 'AT keyboard',
      sysname: 'event0',
      keyboard: true,
      pointer: false,
      power: false,
      touch: false,
    });
    kernel.devices.set(2, {
      name: 'Tablet',
      sysname: 'event1',
      keyboard: false,
      pointer: true,
      power: false,
      touch: false,
    });
    kernel.devices.set(3, {
      name: 'Both',
      sysname: 'event2',
      keyboard: true,
      pointer: true,
      power: false,
      touch: true,
    });
    kernel.devices.set(4, {
      name: 'Lid',
      sysname: 'event3',
      keyboard: false,
      pointer: false,
      power: false,
      touch: false,
    });
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
    new InputDevices(events, log).open('seat0');
    const missing = path.join(os.tmpdir(), 'no', 'such', 'event9');
    expect(kernel.nodes!.open(missing, fs.constants.O_RDONLY)).toBe(-2);
    expect(kernel.nodes!.open(missing, fs.constants.O_RDONLY)).toBe(-2);
    expect(log.lines).toEqual([`warning: ${missing} cannot be opened (ENOENT)`]);
  });

  test('of a seat that cannot be had are a warning', () => {
    const log = fakeLog();
    jest.spyOn(native, 'openInput').mockImplementation(() => {
      throw new Error('no udev');
    });
    const devices = new InputDevices(events, log);
    devices.open('seat0');
    devices.close();
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
  const input = new Input({ hotkeys }, fakeLog(), handler);
  input.open();
  expect(kernel.seat).toBe('seat0');
  input.focus({ input: guest, head: 1 });
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
  const keyboard = {
    name: 'AT keyboard',
    sysname: 'event0',
    keyboard: true,
    pointer: false,
    power: false,
    touch: false,
  };
  const log = fakeLog();
  let input: Input;
  beforeEach(() => {
    log.lines.length = 0;
    input = new Input({ hotkeys: [] }, log, { fired: () => undefined, released: () => undefined });
    input.open();
    kernel.devices.set(1, keyboard);
    kernel.devices.set(2, { ...keyboard, name: 'Power Button', sysname: 'event1', power: true });
    kernel.devices.set(3, { ...keyboard, name: 'Mouse', sysname: 'event2', keyboard: false, pointer: true });
    kernel.batch(...[1, 2, 3].map((id) => [INPUT_DEVICE_ADDED, id]));
    kernel.leds.length = 0;
  });
  afterEach(() => {
    input.close();
  });

  test('keyboards show its lock lights, and its alone', () => {
    const [windows, linux] = [guest(2), guest()];
    input.focus({ input: windows, head: 0 });
    expect(kernel.leds).toEqual([
      [1, 2],
      [2, 2],
    ]);
    windows.report?.(3);
    expect(kernel.leds.at(-1)).toEqual([2, 3]);
    input.focus({ input: linux, head: 0 });
    expect(kernel.leds.at(-1)).toEqual([2, 0]);
    expect(windows.report).toBeUndefined();
    linux.report?.(4);
    kernel.batch([INPUT_DEVICE_REMOVED, 1]);
    kernel.devices.set(4, keyboard);
    kernel.batch([INPUT_DEVICE_ADDED, 4]);
    expect(kernel.leds.at(-1)).toEqual([4, 4]);
    kernel.leds.length = 0;
    input.focus(null);
    expect(kernel.leds).toEqual([
      [2, 0],
      [4, 0],
    ]);
  });

  test('devices are its alone, but for the power button', async () => {
    input.focus({ input: guest(), head: 0 });
    expect(kernel.grabs.splice(0)).toEqual([
      [1, true],
      [3, true],
    ]);
    await Promise.resolve();
    kernel.devices.set(4, keyboard);
    kernel.batch([INPUT_DEVICE_ADDED, 4]);
    expect(kernel.grabs.splice(0)).toEqual([[4, true]]);
    await Promise.resolve();
    input.focus({ input: guest(), head: 1 });
    expect(kernel.grabs).toEqual([]);
    input.focus(null);
    expect(kernel.grabs.map(([id, grab]) => [id, grab])).toEqual([
      [1, false],
      [3, false],
      [4, false],
    ]);
  });

  test('a device changes hands once none of its keys is down', async () => {
    kernel.batch([INPUT_KEY, 1, 28, 1]);
    input.focus({ input: guest(), head: 0 });
    expect(kernel.grabs.splice(0)).toEqual([[3, true]]);
    kernel.batch([INPUT_BUTTON, 3, 0x110, 1]);
    kernel.batch([INPUT_KEY, 1, 28, 0]);
    expect(kernel.grabs.splice(0)).toEqual([[1, true]]);
    await Promise.resolve();
    input.focus(null);
    expect(kernel.grabs.splice(0)).toEqual([[1, false]]);
    await Promise.resolve();
    kernel.batch([INPUT_BUTTON, 3, 0x110, 0]);
    expect(kernel.grabs.splice(0)).toEqual([[3, false]]);
  });

  test('who changes their mind meanwhile gets what they wanted last', async () => {
    let finish: () => void = () => undefined;
    kernel.grabbing = () => new Promise((resolve) => (finish = resolve));
    input.focus({ input: guest(), head: 0 });
    kernel.grabbing = () => Promise.resolve();
    kernel.batch([INPUT_DEVICE_REMOVED, 1]);
    input.focus(null);
    input.focus({ input: guest(), head: 0 });
    input.focus(null);
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
    input.focus({ input: guest(), head: 0 });
    await new Promise(setImmediate);
    kernel.batch([INPUT_KEY, 1, 28, 1], [INPUT_KEY, 1, 28, 0]);
    expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([
      'warning: AT keyboard (event0): another program has taken it for itself: nothing of it comes here until it lets go',
      'warning: Mouse (event2): another program has taken it for itself: nothing of it comes here until it lets go',
    ]);
  });

  test('a suspended input has nothing down, and comes back with new devices', () => {
    const got: string[] = [];
    const typist = {
      ...guest(),
      key: (_: number, code: number, down: boolean) => got.push(`${down ? '+' : '-'}${code}`),
    };
    input.focus({ input: typist, head: 0 });
    kernel.batch([INPUT_KEY, 1, 30, 1]);
    input.suspend();
    expect(got).toEqual(['+30', '-30']);
    kernel.batch([INPUT_KEY, 1, 30, 0], [INPUT_DEVICE_REMOVED, 1]);
    input.resume();
    expect(kernel.calls).toEqual(['suspend', 'resume']);
    expect(got).toEqual(['+30', '-30']);
  });
});
