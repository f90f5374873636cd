import * as fs from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { monotonic } from '../clock';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, type TouchPhase } from '../guest/sink';
import type { Log } from '../log';
import { defaultUdevSeat } from './device-names';
import {
  EXCHANGE_BYTES,
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
  type NativeInput,
  type NativeInputDevice,
} from '../native';
import { isVirtualDevice } from './virtual-device';

const exchange = new Int32Array(native.exchange, 0, EXCHANGE_BYTES / 4);

const ENODEV = 19;
/** More events a second than any device makes that is well: mice report 8000 times at most. */
const FLOOD = 10_000;
const SECOND_MS = 1000;
/** In the order of INPUT_TOUCH_*. */
const TOUCH_PHASES = [TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, TOUCH_CANCEL] as const;

/** Where events go, one call each, in the units of the addon (INPUT_* in native.ts). */
export interface InputEvents {
  /** `at`: CLOCK_MONOTONIC in ms. */
  key(device: number, code: number, down: boolean, at: number): void;
  button(device: number, code: number, down: boolean): void;
  /** `rawDx`, `rawDy`: before acceleration. */
  motion(dx: number, dy: number, rawDx: number, rawDy: number): void;
  place(x: number, y: number): void;
  wheel(horizontal: boolean, distance: number): void;
  /** `x` and `y` as of `place`; of no meaning where the finger is lifted. */
  touch(finger: number, phase: TouchPhase, x: number, y: number): void;
  /** The device was unplugged. */
  gone(device: number): void;
  /** That was all that has happened so far. */
  done(): void;
  /** Whether a device has a key or button down. */
  busy(device: number): boolean;
}

/** Who opens the nodes of devices. */
export interface DeviceFiles {
  /** A file descriptor, or `-errno`. */
  open(path: string, flags: number): number;
  close(fd: number): void;
}

/** A keyboard or pointer that is there. */
export interface InputDevice {
  readonly id: number;
  readonly info: NativeInputDevice;
  /** Lights exactly these LEDs: bits as of {@link NativeInput.leds}. */
  light(leds: number): void;
  /** See {@link NativeInput.grab}. */
  grab(grab: boolean): Promise<void>;
}

/** What a device is called in messages. */
export function deviceName({ info: { name, sysname } }: InputDevice): string {
  return `${name} (${sysname})`;
}

/** A device, whose it is, and how much it says. */
interface Known {
  readonly device: InputDevice;
  readonly owner: DeviceOwner;
  /** Since the second began. */
  events: number;
  flooded: boolean;
}

/** Whose devices are. */
export interface DeviceOwner {
  /** What is done with theirs. */
  readonly events: InputEvents;
  /** What is added to their name in messages; '': nothing. */
  readonly label: string;
  added(device: InputDevice): void;
  /** It was unplugged; `events` have been told. */
  removed(device: InputDevice): void;
  /** A batch has been handled. */
  settle(): void;
}

/** The keyboards and pointers of seats of udev's, read with libinput; each belongs to one of several owners. */
export class InputDevices {
  /** The batch in work: what an event leads to may use the exchange. */
  readonly #batch = new Int32Array(exchange.length);
  readonly #refused = new Set<string>();
  readonly #inputs: NativeInput[] = [];
  readonly #devices = new Map<number, Known>();
  /** When the second began, CLOCK_MONOTONIC in ms. */
  #second = 0;
  #keyboards = 0;
  #pointers = 0;
  #touchscreens = 0;

  constructor(
    private readonly owners: readonly DeviceOwner[],
    private readonly ownerOf: (device: NativeInputDevice) => DeviceOwner,
    private readonly log: Log,
    private readonly files: DeviceFiles = ownFiles,
    /** Somebody did something; what that was has been told. */
    private readonly onActivity: () => void = () => undefined,
  ) {}

  /** Starts listening. Without any device, or the right to one, that is a warning: the control socket still works. */
  open(seat = defaultUdevSeat): void {
    let input: NativeInput | undefined;
    try {
      input = native.openInput(
        seat,
        {
          open: (path, flags) => this.#openDevice(path, flags),
          close: (fd) => {
            this.files.close(fd);
          },
        },
        (count) => {
          // Nothing comes before openInput has returned.
          this.#read(count, input!);
        },
      );
      this.#inputs.push(input);
    } catch (error) {
      this.log.warning(
        `no hotkeys, and no input for guests: the devices of ${seat} cannot be opened: ${String(error)}`,
      );
    }
  }

  close(): void {
    for (const { device, owner } of this.#devices.values()) owner.removed(device);
    this.#devices.clear();
    for (const input of this.#inputs.splice(0)) input.close();
  }

  /** All devices are closed; their owners are told that they have gone. */
  suspend(): void {
    for (const input of this.#inputs) input.suspend();
  }

  /** The devices that are there now come anew. */
  resume(): void {
    for (const input of this.#inputs) {
      try {
        input.resume();
      } catch (error) {
        this.log.warning(`no input for now: the devices cannot be opened again: ${String(error)}`);
      }
    }
  }

  #openDevice(path: string, flags: number): number {
    // What goes to a guest must not come back, nor go on to another.
    if (isVirtualDevice(path)) return -ENODEV;
    const fd = this.files.open(path, flags);
    if (fd >= 0) this.#refused.delete(path);
    else if (!this.#refused.has(path)) {
      const code = getSystemErrorName(fd);
      const fix = code === 'EACCES' ? ': run as root, run seatd, or add this user to the group "input"' : '';
      this.log.warning(`${path} cannot be opened (${code})${fix}`);
      this.#refused.add(path);
    }
    return fd;
  }

  #read(count: number, input: NativeInput): void {
    const length = count * INPUT_WORDS;
    // Word by word: a subarray to copy from would be an object per batch.
    for (let i = 0; i < length; i++) this.#batch[i] = exchange[i]!;
    for (let at = 0; at < length; at += INPUT_WORDS) {
      const id = this.#batch[at + 1]!;
      if (this.#batch[at] === INPUT_DEVICE_ADDED) this.#added(id, input);
      const known = this.#devices.get(id);
      if (!known) continue;
      const { device, owner } = known;
      known.events++;
      this.#event(at, owner.events);
      if (this.#batch[at] !== INPUT_DEVICE_REMOVED) continue;
      this.#devices.delete(id);
      owner.removed(device);
    }
    for (const { events } of this.owners) events.done();
    for (const owner of this.owners) owner.settle();
    this.onActivity();
    const now = monotonic();
    if (now >= this.#second + SECOND_MS) this.#measure(now);
  }

  /** A second or more has passed: says of each device once that it floods. */
  #measure(now: number): void {
    const seconds = (now - this.#second) / 1000;
    this.#second = now;
    for (const known of this.#devices.values()) {
      const rate = Math.round(known.events / seconds);
      known.events = 0;
      if (rate <= FLOOD || known.flooded) continue;
      known.flooded = true;
      this.log.warning(
        `${deviceName(known.device)} floods: ${rate} events a second, and devices that are well make 8000 at most: unplug it, or keep it from kms-switcher by a udev rule with ENV{LIBINPUT_IGNORE_DEVICE}="1"`,
      );
    }
  }

  #event(at: number, events: InputEvents): void {
    const device = this.#batch[at + 1]!;
    const code = this.#batch[at + 2]!;
    const value = this.#batch[at + 3]!;
    switch (this.#batch[at]) {
      case INPUT_KEY: {
        const ms = this.#batch[at + 4]! * 1000 + this.#batch[at + 5]! / 1000;
        events.key(device, code, value !== 0, ms);
        break;
      }
      case INPUT_MOTION:
        events.motion(code, value, this.#batch[at + 4]!, this.#batch[at + 5]!);
        break;
      case INPUT_ABSOLUTE:
        events.place(code, value);
        break;
      case INPUT_BUTTON:
        events.button(device, code, value !== 0);
        break;
      case INPUT_WHEEL:
        events.wheel(code === 1, value);
        break;
      case INPUT_TOUCH_DOWN:
      case INPUT_TOUCH_MOVE:
      case INPUT_TOUCH_UP:
      case INPUT_TOUCH_CANCEL:
        events.touch(code, TOUCH_PHASES[this.#batch[at] - INPUT_TOUCH_DOWN]!, value & 0xffff, value >>> 16);
        break;
      case INPUT_DEVICE_REMOVED:
        events.gone(device);
        break;
    }
  }

  #added(id: number, input: NativeInput): void {
    const info = this.#inputs.includes(input) ? input.device(id) : undefined;
    if (!info) return;
    const device: InputDevice = {
      id,
      info,
      light: (leds) => {
        input.leds(id, leds);
      },
      grab: (grab) => input.grab(id, grab),
    };
    const owner = this.ownerOf(info);
    this.#devices.set(id, { device, owner, events: 0, flooded: false });
    owner.added(device);
    const what = `${deviceName(device)}${owner.label}`;
    if (info.keyboard) this.log.info(`keyboard ${++this.#keyboards}: ${what}`);
    if (info.pointer) this.log.info(`pointer ${++this.#pointers}: ${what}`);
    if (info.touch) this.log.info(`touchscreen ${++this.#touchscreens}: ${what}`);
  }
}

const ownFiles: DeviceFiles = {
  open: (path, flags) => {
    try {
      return fs.openSync(path, flags);
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -constants.errno.EIO;
    }
  },
  close: (fd) => {
    fs.closeSync(fd);
  },
};
