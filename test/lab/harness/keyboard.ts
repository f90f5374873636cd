import { native, type NativeUinput } from '../../../src/native';
import type { Daemon } from './daemon';
import { eventually } from './eventually';

const EV_KEY = 1;

/** Keys the tests press: <linux/input-event-codes.h>. */
const KEYS = {
  Esc: 1, Digit1: 2, Digit2: 3, Digit3: 4, Tab: 15, O: 24, P: 25, LeftCtrl: 29, A: 30, S: 31, H: 35, LeftAlt: 56, F1: 59, F2: 60, F3: 61,
  B: 48, N: 49, ScrollLock: 70, LeftShift: 42, Right: 106, Left: 105, RightCtrl: 97, RightAlt: 100,
} as const; // prettier-ignore

export type Key = keyof typeof KEYS;

/** A keyboard plugged in through uinput: real evdev events. */
export class Keyboard {
  /** The lights that are on: bit 0 NumLock, 1 CapsLock, 2 ScrollLock. */
  leds = 0;

  private constructor(private readonly device: NativeUinput) {
    device.onLeds((leds) => (this.leds = leds));
  }

  /** Plugs one in and waits until the daemon has taken it. */
  static async plug(
    daemon: Pick<Daemon, 'said'>,
    name = 'lab keyboard',
    taken = new RegExp(`keyboard \\d+: ${name}`),
  ): Promise<Keyboard> {
    const device = native.createUinput(name);
    await eventually(() => {
      if (device.devnode === '') throw new Error(`udev has made no device of ${name}`);
    });
    await daemon.said(taken);
    return new Keyboard(device);
  }

  /** Presses and releases keys one after another. */
  tap(...keys: Key[]): void {
    for (const key of keys) this.chord(key);
  }

  /** Holds all but the last while the last is tapped. */
  chord(...keys: Key[]): void {
    for (const key of keys) this.press(key);
    for (const key of keys.toReversed()) this.release(key);
  }

  press(key: Key): void {
    this.code(KEYS[key], true);
  }

  release(key: Key): void {
    this.code(KEYS[key], false);
  }

  /** Any key, by its evdev code. */
  code(code: number, down: boolean): void {
    this.device.emit(EV_KEY, code, down ? 1 : 0);
  }

  get devnode(): string {
    return this.device.devnode;
  }

  unplug(): void {
    this.device.close();
  }
}
