import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP } from '../../src/guest/sink';
import { isVirtualDevice } from '../../src/input/virtual-device';
import { VirtualDevices } from '../../src/input/virtual-devices';
import type { NativeUinput, UinputShape } from '../../src/native';

const KINDS = ['keyboard', 'mouse', 'tablet', 'touchscreen'];

/** uinput that writes down what it is told. */
class Kernel {
  readonly shapes: UinputShape[] = [];
  readonly open = new Set<string>();
  readonly got: string[] = [];
  light: (leds: number) => void = () => undefined;
  refuse: ((shape: UinputShape) => Error | undefined) | undefined;

  readonly make = (shape: UinputShape): Promise<NativeUinput> => {
    const error = this.refuse?.(shape);
    if (error) return Promise.reject(error);
    const kind = shape.phys.split('-').at(-1)!;
    this.shapes.push(shape);
    this.open.add(kind);
    return Promise.resolve({
      devnode: `/dev/input/event${this.shapes.length}`,
      emit: () => undefined,
      write: (events, count) => {
        const report = Array.from({ length: count }, (_, i) => events.slice(3 * i, 3 * i + 3).join(':'));
        this.got.push(`${kind[0]}${kind[1]} ${report.join(' ')}`);
        return 0;
      },
      onLeds: (callback) => (this.light = callback),
      close: () => this.open.delete(kind),
    });
  };

  get news(): string[] {
    return this.got.splice(0);
  }
}

let directory: string;
let kernel: Kernel;
let devices: VirtualDevices;
beforeEach(async () => {
  directory = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'devices-')), 'input');
  kernel = new Kernel();
  devices = new VirtualDevices('sensors', directory, kernel.make);
  await devices.open();
});
afterEach(() => {
  devices.close();
  fs.rmSync(path.dirname(directory), { recursive: true });
});

test('are a keyboard, a mouse, a tablet and a touchscreen, named and linked after the guest', async () => {
  expect(kernel.shapes.map(({ name }) => name)).toEqual(KINDS.map((kind) => `kms-switcher sensors ${kind}`));
  expect(kernel.shapes.map(({ phys }) => phys)).toEqual(KINDS.map((kind) => `kms-switcher-sensors-${kind}`));
  expect(devices.links).toEqual(KINDS.map((kind) => path.join(directory, `sensors-${kind}`)));
  expect(devices.links.map((link) => fs.readlinkSync(link))).toEqual(
    [1, 2, 3, 4].map((number) => `/dev/input/event${number}`),
  );
  devices.close();
  expect([...kernel.open]).toEqual([]);
  await expect(fs.promises.readdir(directory).then((left) => left.length)).resolves.toBeLessThanOrEqual(4);
  while (fs.readdirSync(directory).length > 0) await new Promise(setImmediate);
});

test('take the place of links that were left behind', async () => {
  const again = new VirtualDevices('sensors', directory, kernel.make);
  await again.open();
  expect(fs.readlinkSync(again.links[0]!)).toBe('/dev/input/event5');
  again.close();
});

test('keys', () => {
  devices.key(0, 30, true);
  devices.key(1, 30, false);
  expect(kernel.news).toEqual(['ke 1:30:1', 'ke 1:30:0']);
});

test('motion: whole steps, and what is left of one is kept', () => {
  devices.motion(0, 1.5, -0.5);
  devices.motion(0, 0.25, -0.25);
  devices.motion(0, 0.25, -0.25);
  devices.motion(0, -3, 0);
  expect(kernel.news).toEqual(['mo 2:0:1', 'mo 2:0:1 2:1:-1', 'mo 2:0:-3']);
});

test('places, clamped', () => {
  devices.place(0, 0.5, 1);
  devices.place(0, -1, 2);
  expect(kernel.news).toEqual(['ta 3:0:16384 3:1:32767', 'ta 3:0:0 3:1:32767']);
});

test('buttons and wheels are of what moved last; a button goes up where it went down', () => {
  devices.button(0, 0x110, true);
  devices.place(0, 0, 0);
  devices.button(0, 0x110, false);
  devices.button(0, 0x111, true);
  devices.wheel(0, 0, 1);
  devices.motion(0, 1, 0);
  devices.button(0, 0x111, false);
  expect(kernel.news).toEqual([
    'mo 1:272:1',
    'ta 3:0:0 3:1:0',
    'mo 1:272:0',
    'ta 1:273:1',
    'ta 2:11:-120 2:8:-1',
    'mo 2:0:1',
    'ta 1:273:0',
  ]);
});

test('wheels: fine and in notches, which add up alike', () => {
  for (let quarter = 0; quarter < 4; quarter++) devices.wheel(0, 0.25, -0.5);
  devices.wheel(0, 0.001, 0);
  expect(kernel.news).toEqual([
    'mo 2:12:30 2:11:60',
    'mo 2:12:30 2:11:60 2:8:1',
    'mo 2:12:30 2:11:60',
    'mo 2:12:30 2:6:1 2:11:60 2:8:1',
  ]);
});

test('touches, of several fingers', () => {
  devices.touch(0, 0, TOUCH_DOWN, 0, 0);
  devices.touch(0, 1, TOUCH_DOWN, 1, 1);
  devices.touch(0, 0, TOUCH_UP, 0, 0);
  devices.touch(0, 1, TOUCH_MOVE, 0.5, 1);
  devices.touch(0, 1, TOUCH_CANCEL, 0, 0);
  devices.touch(0, 1, TOUCH_MOVE, 0, 0);
  devices.touch(0, 10, TOUCH_DOWN, 0, 0);
  expect(kernel.news).toEqual([
    'to 3:47:0 3:57:1 3:53:0 3:54:0 3:0:0 3:1:0 1:330:1',
    'to 3:47:1 3:57:2 3:53:32767 3:54:32767',
    'to 3:47:0 3:57:-1',
    'to 3:47:1 3:53:16384 3:54:32767 3:0:16384 3:1:32767',
    'to 3:47:1 3:57:-1 1:330:0',
  ]);
});

test('lights, and whoever asks is told', () => {
  const told: number[] = [];
  kernel.light(1);
  expect(devices.leds).toBe(1);
  devices.onLeds((leds) => told.push(leds));
  kernel.light(3);
  devices.onLeds(undefined);
  kernel.light(0);
  expect([told, devices.leds]).toEqual([[3], 0]);
});

test('what cannot be made is said with its remedy, and leaves nothing', async () => {
  const errors = [
    [{ code: 'ENOENT' }, 'there is no /dev/uinput: load the kernel module (modprobe uinput)'],
    [{ code: 'EACCES' }, /no permission for \/dev\/uinput: run as root/],
    [{ code: 'ENOMEM' }, 'out of memory'],
  ] as const;
  devices.close();
  for (const [code, message] of errors) {
    kernel.refuse = ({ phys }) =>
      phys.endsWith('tablet')
        ? Object.assign(new Error('out of memory'), code, { syscall: 'open' })
        : undefined;
    const none = new VirtualDevices('none', directory, kernel.make);
    await expect(none.open()).rejects.toThrow(message);
    expect([...kernel.open]).toEqual([]);
    none.key(0, 30, true);
    none.motion(0, 1, 1);
    none.touch(0, 0, TOUCH_DOWN, 0, 0);
    none.close();
  }
  expect(kernel.news).toEqual([]);
});

test('links that cannot be made take the devices with them', async () => {
  devices.close();
  fs.writeFileSync(path.join(path.dirname(directory), 'file'), '');
  const none = new VirtualDevices('none', path.join(path.dirname(directory), 'file'), kernel.make);
  await expect(none.open()).rejects.toThrow(/its links in .* cannot be made: EEXIST/);
  expect([...kernel.open]).toEqual([]);
});

test('closed while they are made: none stays', async () => {
  devices.close();
  const none = new VirtualDevices('none', directory, kernel.make);
  const opening = none.open();
  none.close();
  await opening;
  expect([...kernel.open]).toEqual([]);
});

test('are known by where they are plugged in, so that nobody reads them back', () => {
  const sysfs = path.join(path.dirname(directory), 'sys');
  for (const [event, phys] of [
    ['event1', 'usb-0000:00:14.0-1/input0\n'],
    ['event2', 'kms-switcher-sensors-keyboard\n'],
  ] as const) {
    fs.mkdirSync(path.join(sysfs, event, 'device'), { recursive: true });
    fs.writeFileSync(path.join(sysfs, event, 'device/phys'), phys);
  }
  const known = ['event1', 'event2', 'event3'].map((name) => isVirtualDevice(`/dev/input/${name}`, sysfs));
  expect(known).toEqual([false, true, false]);
});
