import type { Hotkey } from '../config/config';
import { modifierBits } from './keys';
import { modifiersMatch, type Step } from './trigger';

/** The longest time between two taps of a sequence, in ms. */
export const TAP_MS = 1000;

/** What a press is: of no hotkey; the beginning of one, perhaps; the end of one. */
export type Match = 'none' | 'open' | 'fired';

/**
 * Follows the keys of all keyboards as one stream and says when a hotkey is complete, and while one may have begun.
 *
 * It remembers the last few taps, each with the modifiers that were held, and on every press looks whether
 * a trigger ends here; so stray keys before a sequence do no harm, and any other key within it breaks it.
 * Of two that end here the longer wins, then the one with fewer sides left open.
 */
export class HotkeyMatcher {
  /** By the code of the last key, in the order in which they win. */
  readonly #byLast = new Map<number, Hotkey[]>();
  /** Keys that go to the guest whatever the hotkeys say, by code; for 0 modifiers that are not withheld. */
  readonly #passthrough = new Map<number, Step[]>();
  /** The last taps, a ring. */
  readonly #codes: Uint16Array;
  readonly #modifiers: Uint8Array;
  /** How many of them are of the newest possible hotkey. */
  #taps = 0;
  #next = 0;
  #number = 0;
  #lastMs = 0;
  #held = 0;
  /** Whether modifiers went down and no other key since: released now, that was a tap of a modifier. */
  #bare = false;
  #open = false;
  #start = 1;
  #fired: Hotkey | undefined;
  #holding: Hotkey | undefined;

  constructor(
    private readonly hotkeys: readonly Hotkey[],
    passthrough: readonly Step[] = [],
  ) {
    let longest = 1;
    for (const hotkey of hotkeys) {
      const { steps } = hotkey.trigger;
      const last = steps.at(-1)!.code;
      this.#byLast.set(last, [...(this.#byLast.get(last) ?? []), hotkey]);
      longest = Math.max(longest, steps.length);
    }
    for (const ending of this.#byLast.values())
      ending.sort((a, b) => length(b) - length(a) || openSides(a.trigger.steps) - openSides(b.trigger.steps));
    for (const step of passthrough)
      this.#passthrough.set(step.code, [...(this.#passthrough.get(step.code) ?? []), step]);
    this.#codes = new Uint16Array(longest);
    this.#modifiers = new Uint8Array(longest);
  }

  /** The hotkey that the last press completed. */
  get fired(): Hotkey | undefined {
    return this.#fired;
  }
  /** The hotkey that is complete once the key pressed last has been held for a while. */
  get holding(): Hotkey | undefined {
    return this.#holding;
  }
  /** Whether what was pressed may still become a hotkey. */
  get open(): boolean {
    return this.#open;
  }
  /** The number of the newest tap, and that of the first one of what may become, or was, a hotkey. */
  get tap(): number {
    return this.#number;
  }
  get start(): number {
    return this.#start;
  }
  /** When the newest tap was; the taps of what may become a hotkey: 0 while there are but modifiers. */
  get tapMs(): number {
    return this.#lastMs;
  }
  get taps(): number {
    return this.#taps;
  }

  /** A key goes down: its evdev code, and when (ms). */
  press(code: number, timeMs: number): Match {
    this.#fired = this.#holding = undefined;
    if (timeMs - this.#lastMs > TAP_MS) this.#taps = 0;
    const bit = modifierBits.get(code);
    return bit === undefined ? this.#tap(code, timeMs) : this.#modifier(bit);
  }

  /** The key is up on all keyboards. */
  release(code: number): void {
    const bit = modifierBits.get(code);
    if (bit !== undefined) {
      this.#held &= ~bit;
      if (this.#bare) this.forget();
      this.#bare = false;
    }
    if (this.#holding?.trigger.steps.at(-1)?.code !== code) return;
    this.#holding = undefined;
    this.#keep(this.#prefix());
  }

  /** The key pressed last was held for as long as {@link holding} wants. */
  fireHeld(): void {
    this.#fire(this.#holding!);
    this.#holding = undefined;
  }

  /** The taps so far lead to nothing. Modifiers that are held still count. */
  forget(): void {
    this.#taps = 0;
    this.#open = false;
    this.#fired = this.#holding = undefined;
  }

  #modifier(bit: number): Match {
    this.#held |= bit;
    this.#bare = true;
    if (this.#passthrough.get(0)?.some(({ modifiers }) => modifiers & bit)) this.forget();
    else this.#keep(this.#prefix(bit));
    return this.#open ? 'open' : 'none';
  }

  #tap(code: number, timeMs: number): Match {
    this.#number++;
    this.#lastMs = timeMs;
    this.#bare = false;
    if (this.#passthrough.get(code)?.some(({ modifiers }) => modifiersMatch(modifiers, this.#held))) {
      this.forget();
      return 'none';
    }
    const size = this.#codes.length;
    this.#codes[this.#next] = code;
    this.#modifiers[this.#next] = this.#held;
    this.#next = (this.#next + 1) % size;
    if (this.#taps < size) this.#taps++;

    for (const hotkey of this.#byLast.get(code) ?? NONE) {
      if (length(hotkey) > this.#taps || !this.#endsWith(hotkey.trigger.steps, length(hotkey))) continue;
      if (!hotkey.hold) {
        this.#fire(hotkey);
        return 'fired';
      }
      this.#holding ??= hotkey;
    }
    this.#keep(Math.max(this.#prefix(), this.#holding ? length(this.#holding) : -1));
    return this.#open ? 'open' : 'none';
  }

  #fire(hotkey: Hotkey): void {
    this.#fired = hotkey;
    this.#start = this.#number - length(hotkey) + 1;
    this.#taps = 0;
    this.#open = false;
  }

  /** The last `taps` may become a hotkey; -1: nothing may. */
  #keep(taps: number): void {
    this.#taps = Math.max(0, taps);
    this.#open = taps >= 0;
    this.#start = this.#number - this.#taps + 1;
  }

  /**
   * How many taps at the end are the beginning of a hotkey, of the longest such. With the bit of a modifier: of those
   * whose next step is pressed with it, and with all others that are held; that may be 0 taps. -1: there is none.
   */
  #prefix(bit = 0): number {
    let most = -1;
    for (const { trigger } of this.hotkeys) {
      const { steps } = trigger;
      for (let count = Math.min(this.#taps, steps.length - 1); count > most; count--) {
        const { modifiers } = steps[count]!;
        const goesOn = bit === 0 ? count > 0 : (modifiers & bit) !== 0 && (this.#held & ~modifiers) === 0;
        if (goesOn && this.#endsWith(steps, count)) most = count;
      }
    }
    return most;
  }

  /** Whether the last taps are the first `count` steps. */
  #endsWith(steps: readonly Step[], count: number): boolean {
    const size = this.#codes.length;
    for (let i = 0; i < count; i++) {
      const at = (this.#next - count + i + size) % size;
      const step = steps[i]!;
      if (this.#codes[at] !== step.code || !modifiersMatch(step.modifiers, this.#modifiers[at]!))
        return false;
    }
    return true;
  }
}

const NONE: readonly Hotkey[] = [];

function length({ trigger }: Hotkey): number {
  return trigger.steps.length;
}

/** How many modifiers may be of either side. */
function openSides(steps: readonly Step[]): number {
  let open = 0;
  for (const { modifiers } of steps)
    for (let both = modifiers & (modifiers >> 4); both; both &= both - 1) open++;
  return open;
}
