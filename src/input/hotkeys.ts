import type { Action, GuestConfig, Hotkey, OutputConfig } from '../config/config';
import { modifierBits } from './keys';
import { modifiersMatch, parseTrigger } from './trigger';
import type { Step } from './trigger';

/** The longest time between two taps of a sequence. */
const tapMs = 1000;

interface Candidate {
  readonly steps: readonly Step[];
  readonly action: Action;
}

/**
 * Follows the keys of all keyboards as one stream and says when a hotkey is complete.
 *
 * It remembers the last few taps, each with the modifiers that were held, and on every press looks whether
 * a trigger ends here; so stray keys before a sequence do no harm, and any other key within it breaks it.
 * Of two that end here the longer wins, then the one with fewer sides left open.
 */
export class HotkeyMatcher {
  /** By the code of the last key, in the order in which they win. */
  readonly #candidates = new Map<number, Candidate[]>();
  /** The last taps, a ring. */
  readonly #codes: Uint16Array;
  readonly #modifiers: Uint8Array;
  #taps = 0;
  #next = 0;
  #lastMs = 0;
  #held = 0;
  /** Whether modifiers went down and no other key since: released now, that was a tap of a modifier. */
  #bare = false;

  constructor(hotkeys: readonly Hotkey[]) {
    let longest = 1;
    for (const { trigger, action } of hotkeys) {
      const { steps } = trigger;
      const last = steps.at(-1)!.code;
      this.#candidates.set(last, [...(this.#candidates.get(last) ?? []), { steps, action }]);
      longest = Math.max(longest, steps.length);
    }
    for (const candidates of this.#candidates.values())
      candidates.sort((a, b) => b.steps.length - a.steps.length || openSides(a.steps) - openSides(b.steps));
    this.#codes = new Uint16Array(longest);
    this.#modifiers = new Uint8Array(longest);
  }

  /** Takes one key event: its evdev code, 1 pressed, 0 released or 2 repeated, and when. */
  key(code: number, value: 0 | 1 | 2, timeMs: number): Action | undefined {
    if (value === 2) return undefined;
    const bit = modifierBits.get(code);
    if (bit !== undefined) this.#modifier(bit, value);
    else if (value === 1) return this.#tap(code, timeMs);
    return undefined;
  }

  #modifier(bit: number, value: 0 | 1): void {
    if (value === 1) {
      this.#held |= bit;
      this.#bare = true;
    } else {
      this.#held &= ~bit;
      if (this.#bare) this.#taps = 0;
      this.#bare = false;
    }
  }

  #tap(code: number, timeMs: number): Action | undefined {
    const size = this.#codes.length;
    if (timeMs - this.#lastMs > tapMs) this.#taps = 0;
    this.#lastMs = timeMs;
    this.#bare = false;
    this.#codes[this.#next] = code;
    this.#modifiers[this.#next] = this.#held;
    this.#next = (this.#next + 1) % size;
    if (this.#taps < size) this.#taps++;

    const candidates = this.#candidates.get(code);
    if (candidates === undefined) return undefined;
    for (const { steps, action } of candidates) {
      if (!this.#endsWith(steps)) continue;
      this.#taps = 0;
      return action;
    }
    return undefined;
  }

  #endsWith(steps: readonly Step[]): boolean {
    const size = this.#codes.length;
    if (steps.length > this.#taps) return false;
    for (let i = 0; i < steps.length; i++) {
      const at = (this.#next - steps.length + i + size) % size;
      const step = steps[i]!;
      if (this.#codes[at] !== step.code || !modifiersMatch(step.modifiers, this.#modifiers[at]!))
        return false;
    }
    return true;
  }
}

/** How many modifiers may be of either side. */
function openSides(steps: readonly Step[]): number {
  let open = 0;
  for (const { modifiers } of steps)
    for (let both = modifiers & (modifiers >> 4); both; both &= both - 1) open++;
  return open;
}

/** The hotkeys of a config that has none of its own: those people know from QEMU and from hardware KVM switches. */
export function defaultHotkeys(guests: readonly GuestConfig[], outputs: readonly OutputConfig[]): Hotkey[] {
  const leader = 'ScrollLock ScrollLock';
  const hotkeys: Hotkey[] = [];
  const add = (source: string, action: Action) =>
    hotkeys.push({ trigger: parseTrigger(source), action, source });
  guests.slice(0, 9).forEach(({ name }, i) => {
    const show: Action = { kind: 'show', head: { guest: name, head: 0 } };
    add(`Ctrl+Alt+${i + 1}`, show);
    add(`${leader} ${i + 1}`, show);
  });
  add('Ctrl+Alt+Right', { kind: 'next' });
  add('Ctrl+Alt+Left', { kind: 'previous' });
  add(`${leader} N`, { kind: 'next' });
  add(`${leader} P`, { kind: 'previous' });
  add(`${leader} B`, { kind: 'blank' });
  // With a single output these would but take keys from the guest.
  if (outputs.length !== 1) {
    add('Ctrl+Alt+Tab', { kind: 'focus' });
    add(`${leader} Tab`, { kind: 'focus' });
    add(`${leader} S`, { kind: 'swap' });
  }
  return hotkeys;
}
