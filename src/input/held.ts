/** KEY_CNT of <linux/input-event-codes.h>: keys and buttons share one range. */
const CODES = 0x300;

const WITHHELD = 1;
const PASSED = 2;

/**
 * Which keys are down on which device, and which of these presses the guest has seen. Of two devices that hold the
 * same key the guest sees one press and, with the last that lets go, one release. No call allocates, but for the first
 * press of a device.
 */
export class HeldKeys {
  /** Per device: 0 (up), WITHHELD or PASSED by code. */
  readonly #devices = new Map<number, Uint8Array>();
  /** How many devices hold a key. */
  readonly #down = new Uint8Array(CODES);
  /** How many of them with the guest's knowledge: it has the key down while there is one. */
  readonly #passed = new Uint8Array(CODES);

  /** A device's key goes down, withheld at first. false: it was down already (a repeat), or is no key. */
  press(device: number, code: number): boolean {
    if (code >= CODES) return false;
    let keys = this.#devices.get(device);
    if (!keys) {
      keys = new Uint8Array(CODES);
      this.#devices.set(device, keys);
    }
    if (keys[code] !== 0) return false;
    keys[code] = WITHHELD;
    this.#down[code]!++;
    return true;
  }

  /** The press is the guest's to know. Whether it has to be told: it may have the key down, by another device. */
  pass(device: number, code: number): boolean {
    const keys = this.#devices.get(device);
    if (keys?.[code] !== WITHHELD) return false;
    keys[code] = PASSED;
    this.#passed[code]!++;
    return this.#passed[code] === 1;
  }

  /** A device's key goes up. Whether the guest has to be told. */
  release(device: number, code: number): boolean {
    const keys = this.#devices.get(device);
    const state = keys?.[code];
    if (!keys || !state) return false;
    keys[code] = 0;
    this.#down[code]!--;
    if (state !== PASSED) return false;
    this.#passed[code]!--;
    return this.#passed[code] === 0;
  }

  isDown(code: number): boolean {
    return this.#down[code]! > 0;
  }

  /** A key that stays down on its devices is withheld from now on. Whether the guest has to be told that it is up. */
  withhold(code: number): boolean {
    if (!this.#passed[code]) return false;
    this.#passed[code] = 0;
    for (const keys of this.#devices.values()) if (keys[code] === PASSED) keys[code] = WITHHELD;
    return true;
  }

  /** Withholds all keys, those of `last` after the others; calls with each that the guest has to be told is up. */
  withholdAll(up: (code: number) => void, last?: ReadonlyMap<number, unknown>): void {
    for (let code = 0; code < CODES; code++) if (!last?.has(code) && this.withhold(code)) up(code);
    for (const code of last?.keys() ?? []) if (this.withhold(code)) up(code);
  }

  /** A device has gone, its keys with it. Calls with each that was down, after `release`, and what that returned. */
  drop(device: number, up: (code: number, told: boolean) => void): void {
    const keys = this.#devices.get(device);
    if (!keys) return;
    for (let code = 0; code < CODES; code++) if (keys[code]) up(code, this.release(device, code));
    this.#devices.delete(device);
  }
}
