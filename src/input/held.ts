/** KEY_CNT of <linux/input-event-codes.h>: keys and buttons share one range. */
export const CODES = 0x300;

const DOWN = 1;
const PASSED = 2;

/**
 * Which keys are down on which device, and which presses the guest knows of; the guest may learn of either later than
 * it happens. Of two devices that hold the same key the guest sees one press and, with the last that lets go, one
 * release. No call allocates, but for the first press of a device.
 */
export class HeldKeys {
  /** Per device: DOWN and PASSED by code. */
  readonly #devices = new Map<number, Uint8Array>();
  /** How many devices hold a key. */
  readonly #down = new Uint8Array(CODES);
  /** How many hold it with the guest's knowledge: it has the key down while there is one. */
  readonly #passed = new Uint8Array(CODES);
  #count = 0;

  /** A device's key goes down. false: it was down already (a repeat), or is no key. */
  press(device: number, code: number): boolean {
    if (code >= CODES) return false;
    let keys = this.#devices.get(device);
    if (!keys) {
      keys = new Uint8Array(CODES);
      this.#devices.set(device, keys);
    }
    if (keys[code]! & DOWN) return false;
    keys[code]! |= DOWN;
    this.#down[code]!++;
    this.#count++;
    return true;
  }

  /** A device's key goes up. false: it was not down. */
  lift(device: number, code: number): boolean {
    const keys = this.#devices.get(device);
    if (!keys || !(keys[code]! & DOWN)) return false;
    keys[code]! &= ~DOWN;
    this.#down[code]!--;
    this.#count--;
    return true;
  }

  /** The guest is to know of a press. Whether it has to be told: it may have the key down, by another device. */
  pass(device: number, code: number): boolean {
    const keys = this.#devices.get(device);
    if (!keys || keys[code]! & PASSED) return false;
    keys[code]! |= PASSED;
    this.#passed[code]!++;
    return this.#passed[code] === 1;
  }

  /** The guest is to know of a release. Whether it has to be told: it may not know of the press. */
  drop(device: number, code: number): boolean {
    const keys = this.#devices.get(device);
    if (!keys || !(keys[code]! & PASSED)) return false;
    keys[code]! &= ~PASSED;
    this.#passed[code]!--;
    return this.#passed[code] === 0;
  }

  /** Whether the guest has the key down by this device. */
  passed(device: number, code: number): boolean {
    return ((this.#devices.get(device)?.[code] ?? 0) & PASSED) !== 0;
  }

  /** Whether any device holds the key. */
  isDown(code: number): boolean {
    return this.#down[code]! > 0;
  }

  /** Whether any device holds any key. */
  get any(): boolean {
    return this.#count > 0;
  }

  /** Whether a device holds any key. */
  holdsAny(device: number): boolean {
    return this.#devices.get(device)?.some((state) => state & DOWN) ?? false;
  }

  /** A key may stay down on its devices, but the guest's is up from now on. Whether it has to be told. */
  withhold(code: number): boolean {
    if (!this.#passed[code]) return false;
    this.#passed[code] = 0;
    for (const keys of this.#devices.values()) keys[code]! &= ~PASSED;
    return true;
  }

  /** Withholds all keys, those of `last` after the others; calls with each that the guest has to be told is up. */
  withholdAll(up: (code: number) => void, last?: ReadonlyMap<number, unknown>): void {
    for (let code = 0; code < CODES; code++) if (!last?.has(code) && this.withhold(code)) up(code);
    for (const code of last?.keys() ?? []) if (this.withhold(code)) up(code);
  }

  /** Calls with each key that a device holds. */
  eachDown(device: number, call: (code: number) => void): void {
    const keys = this.#devices.get(device);
    if (!keys) return;
    for (let code = 0; code < CODES; code++) if (keys[code]! & DOWN) call(code);
  }

  /** Forgets a device that has gone, all of whose keys are up. */
  forget(device: number): void {
    this.#devices.delete(device);
  }

  get devices(): IterableIterator<number> {
    return this.#devices.keys();
  }
}
