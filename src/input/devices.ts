import * as fs from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { TOUCH_CANCEL, TOUCH_DOWN, TOUCH_MOVE, TOUCH_UP, type TouchPhase } from '../guest/sink';
import type { Log } from '../log';
import { Grabs } from './grabs';
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
} from '../native';
import { isVirtualDevice } from './virtual-device';

const exchange = new Int32Array(native.exchange, 0, EXCHANGE_BYTES / 4);

const ENODEV = 19;
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

/** The keyboards and pointers of a seat, read with libinput. */
export class InputDevices {
  /** The batch in work: what an event leads to may use the exchange. */
  readonly #batch = new Int32Array(exchange.length);
  readonly #refused = new Set<string>();
  readonly #grabs: Grabs;
  readonly #lit = new Set<number>();
  #leds = 0;
  #input: NativeInput | undefined;
  #keyboards = 0;
  #pointers = 0;
  #touchscreens = 0;

  constructor(
    private readonly events: InputEvents,
    private readonly log: Log,
    private readonly files: DeviceFiles = ownFiles,
    /** Somebody did something; what that was has been told. */
    private readonly onActivity: () => void = () => undefined,
  ) {
    this.#grabs = new Grabs(
      () => this.#input,
      (device) => events.busy(device),
      log,
    );
  }

  /** Starts listening. Without any device, or the right to one, that is a warning: the control socket still works. */
  open(seat: string): void {
    try {
      this.#input = native.openInput(
        seat,
        {
          open: (path, flags) => this.#openDevice(path, flags),
          close: (fd) => {
            this.files.close(fd);
          },
        },
        (count) => {
          this.#read(count);
        },
      );
    } catch (error) {
      this.log.warning(
        `no hotkeys, and no input for guests: the devices of ${seat} cannot be opened: ${String(error)}`,
      );
    }
  }

  close(): void {
    this.light(0);
    this.#input?.close();
    this.#input = undefined;
  }

  /** Lights these LEDs on all keyboards, and on those that come: bits as of {@link NativeInput.leds}. */
  light(leds: number): void {
    if (leds === this.#leds) return;
    this.#leds = leds;
    for (const id of this.#lit) this.#input?.leds(id, leds);
  }

  /** Whether others that read the devices, such as the host's console, get nothing of them. */
  grab(grab: boolean): void {
    this.#grabs.want(grab);
  }

  /** All devices are closed; `events` are told that they have gone. */
  suspend(): void {
    this.#input?.suspend();
  }

  /** The devices that are there now come anew. */
  resume(): void {
    try {
      this.#input?.resume();
    } catch (error) {
      this.log.warning(`no input for now: the devices cannot be opened again: ${String(error)}`);
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

  #read(count: number): void {
    const length = count * INPUT_WORDS;
    // Word by word: a subarray to copy from would be an object per batch.
    for (let i = 0; i < length; i++) this.#batch[i] = exchange[i]!;
    for (let at = 0; at < length; at += INPUT_WORDS) this.#event(at);
    this.events.done();
    this.#grabs.settle();
    this.onActivity();
  }

  #event(at: number): void {
    const device = this.#batch[at + 1]!;
    const code = this.#batch[at + 2]!;
    const value = this.#batch[at + 3]!;
    switch (this.#batch[at]) {
      case INPUT_KEY: {
        const ms = this.#batch[at + 4]! * 1000 + this.#batch[at + 5]! / 1000;
        this.events.key(device, code, value !== 0, ms);
        break;
      }
      case INPUT_MOTION:
        this.events.motion(code, value, this.#batch[at + 4]!, this.#batch[at + 5]!);
        break;
      case INPUT_ABSOLUTE:
        this.events.place(code, value);
        break;
      case INPUT_BUTTON:
        this.events.button(device, code, value !== 0);
        break;
      case INPUT_WHEEL:
        this.events.wheel(code === 1, value);
        break;
      case INPUT_TOUCH_DOWN:
      case INPUT_TOUCH_MOVE:
      case INPUT_TOUCH_UP:
      case INPUT_TOUCH_CANCEL:
        this.events.touch(
          code,
          TOUCH_PHASES[this.#batch[at] - INPUT_TOUCH_DOWN]!,
          value & 0xffff,
          value >>> 16,
        );
        break;
      case INPUT_DEVICE_ADDED:
        this.#added(device);
        break;
      case INPUT_DEVICE_REMOVED:
        this.#lit.delete(device);
        this.#grabs.removed(device);
        this.events.gone(device);
        break;
    }
  }

  #added(id: number): void {
    const device = this.#input?.device(id);
    if (!device) return;
    const { name, sysname, power } = device;
    // The host's power button stays the host's.
    if (!power) this.#grabs.added(id, `${name} (${sysname})`);
    if (device.keyboard) {
      this.#lit.add(id);
      this.#input?.leds(id, this.#leds);
    }
    if (device.keyboard) this.log.info(`keyboard ${++this.#keyboards}: ${name} (${sysname})`);
    if (device.pointer) this.log.info(`pointer ${++this.#pointers}: ${name} (${sysname})`);
    if (device.touch) this.log.info(`touchscreen ${++this.#touchscreens}: ${name} (${sysname})`);
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
