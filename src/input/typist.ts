import type { GuestInput } from '../guest/sink';
import type { Stroke } from './stroke';

/** How long a key is down, and then up, in ms: what the slowest guest still takes for one. */
export interface Pace {
  readonly downMs: number;
  readonly upMs: number;
}

/** Some fifty characters a second, as much as guests take that are asked for keys by interrupts. */
export const TEXT_PACE: Pace = { downMs: 10, upMs: 10 };
/** By hand, and quick. */
export const CHORD_PACE: Pace = { downMs: 50, upMs: 50 };

/** Where strokes go, asked before each: it may have gone, or be another. Throws what ends the typing. */
export type Typewriter = () => { readonly input: GuestInput; readonly head: number };

/**
 * Plays strokes one after the other. Resolves when the last key is up; rejects, with all keys up, with what `where` or
 * `signal` ends it with. `typed` is told how many are done.
 */
export async function play(
  strokes: readonly Stroke[],
  pace: Pace,
  where: Typewriter,
  signal: AbortSignal,
  typed: (count: number) => void = () => undefined,
): Promise<void> {
  for (const [index, { code, modifiers }] of strokes.entries()) {
    signal.throwIfAborted();
    const { input, head } = where();
    for (const modifier of modifiers) input.key(head, modifier, true);
    input.key(head, code, true);
    await pause(pace.downMs);
    input.key(head, code, false);
    for (const modifier of modifiers.toReversed()) input.key(head, modifier, false);
    typed(index + 1);
    await Promise.all([pause(pace.upMs), input.taken?.(head)]);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
