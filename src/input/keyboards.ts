import * as fs from 'node:fs';
import type { Action, Hotkey } from '../config/config';
import type { Log } from '../log';
import {
  EXCHANGE_BYTES,
  INPUT_DEVICE_ADDED,
  INPUT_DEVICE_REMOVED,
  INPUT_KEY,
  INPUT_WORDS,
  native,
  type NativeInput,
} from '../native';
import { HotkeyMatcher } from './hotkeys';

const words = new Uint32Array(native.exchange, 0, EXCHANGE_BYTES / 4);

/** The local keyboards of a seat, as one stream of keys that hotkeys are looked for in. */
export class Keyboards {
  readonly #matcher: HotkeyMatcher;
  #input: NativeInput | undefined;
  #refused = new Set<string>();
  #count = 0;

  constructor(
    hotkeys: readonly Hotkey[],
    private readonly log: Log,
    /** `at`: when the key went down, CLOCK_MONOTONIC in ms. */
    private readonly onAction: (action: Action, at: number) => void,
  ) {
    this.#matcher = new HotkeyMatcher(hotkeys);
  }

  /** Starts listening. Without any keyboard, or the right to one, that is a warning: the control socket still works. */
  open(seat = 'seat0'): void {
    try {
      this.#input = native.openInput(
        seat,
        {
          open: (path, flags) => this.#openDevice(path, flags),
          close: (fd) => {
            fs.closeSync(fd);
          },
        },
        (count) => {
          this.#events(count);
        },
      );
    } catch (error) {
      this.log.warning(`no hotkeys: the keyboards of ${seat} cannot be opened: ${String(error)}`);
    }
  }

  close(): void {
    this.#input?.close();
  }

  #openDevice(path: string, flags: number): number {
    try {
      return fs.openSync(path, flags);
    } catch (error) {
      const { errno = -1, code } = error as NodeJS.ErrnoException;
      if (!this.#refused.has(path)) {
        const fix = code === 'EACCES' ? ': run as root, or add this user to the group "input"' : '';
        this.log.warning(`${path} cannot be opened (${code ?? 'unknown error'})${fix}`);
        this.#refused.add(path);
      }
      return errno;
    }
  }

  #events(count: number): void {
    // What an action does may use the exchange: keys are taken out first.
    const events = words.slice(0, count * INPUT_WORDS);
    for (let at = 0; at < events.length; at += INPUT_WORDS) {
      const kind = events[at]!;
      const device = events[at + 1]!;
      if (kind === INPUT_KEY) {
        const ms = events[at + 4]! * 1000 + events[at + 5]! / 1000;
        const value = events[at + 3];
        const action = this.#matcher.key(events[at + 2]!, value === 0 ? 0 : 1, ms);
        if (action) this.onAction(action, ms);
      } else if (kind === INPUT_DEVICE_ADDED) {
        this.#added(device);
      } else if (kind === INPUT_DEVICE_REMOVED) {
        // Its keys cannot be released any more.
        this.#matcher.reset();
      }
    }
  }

  #added(id: number): void {
    const device = this.#input?.device(id);
    if (!device?.keyboard) return;
    this.#count++;
    this.log.info(`keyboard ${this.#count}: ${device.name} (${device.sysname})`);
  }
}
