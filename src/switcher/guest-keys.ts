import type { GuestInput } from '../guest/sink';
import type { Keymap } from '../input/keymap';
import { KEY_LEFTSHIFT, type Stroke } from '../input/stroke';
import { CHORD_PACE, play, TEXT_PACE, type Pace } from '../input/typist';
import type { GuestState } from './guests';
import { CommandError } from './layout';

const KEY_CAPSLOCK = 58;
/** LED_CAPSL. */
const CAPSLOCK_ON = 2;

const nothing = (): undefined => undefined;
/** Has the keyboard of a guest that keys are sent to: what the user does reaches nobody, the host neither. */
export const NOBODY: GuestInput = {
  key: nothing,
  motion: nothing,
  place: nothing,
  button: nothing,
  wheel: nothing,
  absolute: () => false,
};

/** How far a text has come, in keys. */
export interface Progress {
  readonly typed: number;
  readonly of: number;
}

/**
 * Keys pressed in a guest on purpose, whoever has the keyboard. One at a time for each guest; meanwhile the user's own
 * keys and pointer are withheld from it, so that nothing mixes.
 */
export class GuestKeys {
  readonly #playing = new Map<GuestState, AbortController>();

  /** `changed`: another guest is, or is no longer, busy. */
  constructor(private readonly changed: () => void) {}

  busy(guest: GuestState): boolean {
    return this.#playing.has(guest);
  }

  /** Presses chords. Rejects with {@link CommandError}, as do the others; what is wrong from the start is thrown. */
  send(guest: GuestState, head: number, strokes: readonly Stroke[]): Promise<void> {
    const input = inputOf(guest);
    return this.#exclusively(guest, (signal) => this.#play(guest, input, head, strokes, CHORD_PACE, signal));
  }

  /** Types a text, CapsLock off meanwhile. `signal` ends it. Throws {@link KeymapError} before the first key. */
  type(
    guest: GuestState,
    head: number,
    text: string,
    keymap: Keymap,
    signal: AbortSignal,
    progress: (progress: Progress) => void,
  ): Promise<void> {
    const input = inputOf(guest);
    const strokes = keymap.strokes(text);
    const capsLock: Stroke[] =
      ((input.leds ?? 0) & CAPSLOCK_ON) === 0 ? [] : [{ code: KEY_CAPSLOCK, modifiers: [] }];
    return this.#exclusively(guest, async (cancelled) => {
      const either = AbortSignal.any([signal, cancelled]);
      const tell = (typed: number): void => {
        progress({ typed, of: strokes.length });
      };
      await this.#play(guest, input, head, capsLock, CHORD_PACE, either);
      try {
        await this.#play(guest, input, head, strokes, TEXT_PACE, either, tell);
      } finally {
        if (guest.session)
          await play(capsLock, CHORD_PACE, () => ({ input, head }), new AbortController().signal);
      }
    });
  }

  /** Wakes it by whatever its link can, and with a key that does nothing. */
  wake(guest: GuestState, head: number): Promise<void> {
    guest.link.wanted();
    const input = inputOf(guest);
    const shift = [{ code: KEY_LEFTSHIFT, modifiers: [] }];
    return this.#exclusively(guest, (signal) => this.#play(guest, input, head, shift, CHORD_PACE, signal));
  }

  /** Ends whatever is being typed, in a moment. */
  cancel(reason: string): void {
    for (const controller of this.#playing.values()) controller.abort(new CommandError(reason));
  }

  #exclusively(guest: GuestState, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { guest: name } = guest.link;
    if (this.#playing.has(guest))
      throw new CommandError(`keys are being sent to ${name} already: wait until that is done`);
    const controller = new AbortController();
    this.#playing.set(guest, controller);
    this.changed();
    return work(controller.signal).finally(() => {
      this.#playing.delete(guest);
      this.changed();
    });
  }

  #play(
    guest: GuestState,
    input: GuestInput,
    head: number,
    strokes: readonly Stroke[],
    pace: Pace,
    signal: AbortSignal,
    typed?: (count: number) => void,
  ): Promise<void> {
    const { session } = guest;
    const where = (): { input: GuestInput; head: number } => {
      if (guest.session === session) return { input, head };
      throw new CommandError(`${guest.link.guest} has gone: not all keys were sent`);
    };
    return play(strokes, pace, where, signal, typed);
  }
}

/** What a guest's keys are sent by. Throws {@link CommandError} with what to do where there is nothing. */
function inputOf({ link, session, left, condition, devices }: GuestState): GuestInput {
  const { guest: name, kind } = link;
  const input = devices ?? link.input;
  if (input?.trouble !== undefined) throw new CommandError(`${name} takes no keys: ${input.trouble}`);
  if (!session) {
    const why = link.trouble ?? left;
    throw new CommandError(`${name} is not connected${why === undefined ? '' : `: ${why}`}`);
  }
  if (!input)
    throw new CommandError(
      `${name} takes no keys: its link (${kind}) carries none; add "input: uinput" to it in the config (docs/input.md)`,
    );
  if (condition === 'paused' || condition === 'crashed' || condition === 'shut down')
    throw new CommandError(
      `${name} ${condition === 'paused' ? 'is' : 'has'} ${condition}: it takes no keys now`,
    );
  return input;
}
