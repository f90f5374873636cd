import { modifierBits } from './keys';

/** More than anyone presses within the time in which a hotkey is decided. */
const CAPACITY = 64;

/**
 * Key events that wait until it is known whether they are a hotkey, in the order in which they happened. No call
 * allocates.
 */
export class WithheldKeys {
  readonly #devices = new Int32Array(CAPACITY);
  readonly #codes = new Uint16Array(CAPACITY);
  readonly #downs = new Uint8Array(CAPACITY);
  /** The number of the tap that a press is; 0: none, as for modifiers and releases. */
  readonly #taps = new Int32Array(CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** false: it is full. */
  push(device: number, code: number, down: boolean, tap = 0): boolean {
    if (this.#length === CAPACITY) return false;
    const at = this.#length++;
    this.#devices[at] = device;
    this.#codes[at] = code;
    this.#downs[at] = down ? 1 : 0;
    this.#taps[at] = tap;
    return true;
  }

  /** Whether the press of a key waits here, and its release does not. */
  holds(device: number, code: number): boolean {
    for (let at = this.#length - 1; at >= 0; at--) {
      if (this.#devices[at] === device && this.#codes[at] === code) return this.#downs[at] === 1;
    }
    return false;
  }

  /** Where a tap begins, with the modifiers that went down for it. */
  startOf(tap: number): number {
    let at = 0;
    while (at < this.#length && !(this.#taps[at]! >= tap)) at++;
    while (at > 0 && this.#downs[at - 1] === 1 && modifierBits.has(this.#codes[at - 1]!)) at--;
    return at;
  }

  /** Takes the first `count` events out and calls with each. */
  take(count: number, call: (device: number, code: number, down: boolean) => void): void {
    for (let at = 0; at < count; at++) call(this.#devices[at]!, this.#codes[at]!, this.#downs[at] === 1);
    this.#devices.copyWithin(0, count, this.#length);
    this.#codes.copyWithin(0, count, this.#length);
    this.#downs.copyWithin(0, count, this.#length);
    this.#taps.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}
