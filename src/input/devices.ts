import * as fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { Log } from '../log';
import {
  EXCHANGE_BYTES,
  INPUT_ABSOLUTE,
  INPUT_BUTTON,
  INPUT_DEVICE_ADDED,
  INPUT_DEVICE_REMOVED,
  INPUT_KEY,
  INPUT_MOTION,
  INPUT_WHEEL,
  INPUT_WORDS,
  native,
  type NativeInput,
} from '../native';

const exchange = new Int32Array(native.exchange, 0, EXCHANGE_BYTES / 4);

/** Where events go, one call each, in the units of the addon (INPUT_* in native.ts). */
export interface InputEvents {
  /** `at`: CLOCK_MONOTONIC in ms. */
  key(device: number, code: number, down: boolean, at: number): void;
  button(device: number, code: number, down: boolean): void;
  motion(dx: number, dy: number): void;
  place(x: number, y: number): void;
  wheel(horizontal: boolean, distance: number): void;
  /** The device was unplugged. */
  gone(device: number): void;
  /** That was all that has happened so far. */
  done(): void;
}

/** What opens input devices. */
export interface DeviceFiles {
  /** An fd, or `-errno`. */
  open(path: string, flags: number): number;
  close(fd: number): void;
}

const ownFiles: DeviceFiles = {
  open: (path, flags) => {
    try {
      return fs.openSync(path, flags);
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -1;
    }
  },
  close: (fd) => {
    fs.closeSync(fd);
  },
};

/** The keyboards and pointers of a seat, read with libinput. */
export class InputDevices {
  /** The batch in work: what an event leads to may use the exchange. */
  readonly #batch = new Int32Array(exchange.length);
  readonly #refused = new Set<string>();
  #input: NativeInput | undefined;
  #keyboards = 0;
  #pointers = 0;

  constructor(
    private readonly events: InputEvents,
    private readonly log: Log,
    private readonly files: DeviceFiles = ownFiles,
  ) {}

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

  suspend(): void {
    this.#keyboards = this.#pointers = 0;
    this.#input?.suspend();
  }

  resume(): void {
    this.#input?.resume();
  }

  close(): void {
    this.#input?.close();
  }

  #openDevice(path: string, flags: number): number {
    const fd = this.files.open(path, flags);
    if (fd < 0 && !this.#refused.has(path)) {
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
        this.events.motion(code, value);
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
      case INPUT_DEVICE_ADDED:
        this.#added(device);
        break;
      case INPUT_DEVICE_REMOVED:
        this.events.gone(device);
        break;
    }
  }

  #added(id: number): void {
    const device = this.#input?.device(id);
    if (!device) return;
    const { name, sysname } = device;
    if (device.keyboard) this.log.info(`keyboard ${++this.#keyboards}: ${name} (${sysname})`);
    if (device.pointer) this.log.info(`pointer ${++this.#pointers}: ${name} (${sysname})`);
  }
}
