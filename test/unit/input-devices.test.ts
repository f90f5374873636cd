import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { GuestInput } from '../../src/guest/sink';
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
  seat = '';
  closed = 0;
  nodes: Parameters<Native['openInput']>[1] | undefined;
  #onEvents: (count: number) => void = () => undefined;

  constructor() {
    jest.spyOn(native, 'openInput').mockImplementation((seat, nodes, onEvents) => {
      this.seat = seat;
      this.nodes = nodes;
      this.#onEvents = onEvents;
      const nothing = (): void => undefined;
      const device = (id: number) => this.devices.get(id);
      return { device, suspend: nothing, resume: nothing, close: () => this.closed++ };
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
    gone: note('gone'),
    done: note('done'),
  };
  beforeEach(() => (calls = []));

  test('deliver every kind of event, and the end of each batch', () => {
    new InputDevices(events, fakeLog()).open('seat1');
    expect(kernel.seat).toBe('seat1');
    kernel.batch(
      [INPUT_KEY, 1, 30, 1, 7, 500_000],
      [INPUT_KEY, 1, 30, 0, 7, 600_250],
      [INPUT_MOTION, 2, -256, 128],
      [INPUT_ABSOLUTE, 3, 65536, 0],
      [INPUT_BUTTON, 2, 0x110, 1],
      [INPUT_BUTTON, 2, 0x110, 0],
      [INPUT_WHEEL, 2, 0, -120],
      [INPUT_WHEEL, 2, 1, 60],
      [INPUT_DEVICE_REMOVED, 2],
      [99, 1, 2, 3],
    );
    kernel.batch();
    expect(calls).toEqual([
      ['key', 1, 30, true, 7500],
      ['key', 1, 30, false, 7600.25],
      ['motion', -256, 128],
      ['place', 65536, 0],
      ['button', 2, 0x110, true],
      ['button', 2, 0x110, false],
      ['wheel', false, -120],
      ['wheel', true, 60],
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
    kernel.devices.set(1, { name: 'AT keyboard', sysname: 'event0', keyboard: true, pointer: false });
    kernel.devices.set(2, { name: 'Tablet', sysname: 'event1', keyboard: false, pointer: true });
    kernel.devices.set(3, { name: 'Both', sysname: 'event2', keyboard: true, pointer: true });
    kernel.devices.set(4, { name: 'Lid', sysname: 'event3', keyboard: false, pointer: false });
    kernel.batch(...[1, 2, 3, 4, 5].map((id) => [INPUT_DEVICE_ADDED, id]));
    expect(log.lines).toEqual([
      'info: keyboard 1: AT keyboard (event0)',
      'info: pointer 1: Tablet (event1)',
      'info: keyboard 2: Both (event2)',
      'info: pointer 2: Both (event2)',
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
  const input = new Input(hotkeys, fakeLog(), (...action) => actions.push(action));
  input.open();
  expect(kernel.seat).toBe('seat0');
  input.focus({ input: guest, head: 1 });
  kernel.batch([INPUT_KEY, 1, 30, 1, 1, 0], [INPUT_MOTION, 2, 256, 0], [INPUT_MOTION, 2, 256, 0]);
  kernel.batch([INPUT_KEY, 1, 119, 1, 2, 0], [INPUT_KEY, 1, 119, 0, 2, 0]);
  expect(got).toEqual(['1:+30', '1:m2,0']);
  expect(actions).toEqual([[{ kind: 'next' }, 2000]]);
  input.close();
  expect(kernel.closed).toBe(1);
  expect(got).toEqual(['1:+30', '1:m2,0', '1:-30']);
});
