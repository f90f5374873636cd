import type { GuestInput } from '../guest/sink';
import { CODES } from './held';

/**
 * How many users have each key and button of a guest down. What they share of it sees a key go down with the first of
 * them, and up with the last.
 */
export class SharedKeys {
  /** By head; all in one where the heads share their devices. */
  readonly #counts = new WeakMap<GuestInput, Uint8Array[]>();

  /** One user's key goes down or up. Whether that is something new to the guest. */
  change(input: GuestInput, head: number, code: number, down: boolean): boolean {
    let heads = this.#counts.get(input);
    if (!heads) {
      heads = [];
      this.#counts.set(input, heads);
    }
    const counts = (heads[input.undivided ? 0 : head] ??= new Uint8Array(CODES));
    const before = counts[code]!;
    counts[code] = before + (down ? 1 : -1);
    return before === (down ? 0 : 1);
  }
}
