import { clamp } from '../clamp';
import { isNativeError } from '../native';
import type { Card } from './card';
import type { Framebuffer } from './framebuffers';
import type { Lighting } from './lighting';
import { fillPanel, newScanout } from './scanout';

/**
 * The monitor could not be lit: cables and link training sometimes take a second try, at first after so many pauses,
 * then after twice as many. At each its guest is answered, which does not wait longer than a second for that.
 */
export const UNLIT_PAUSE_MS = 500;
const FIRST_PAUSES = 4;
const MOST_PAUSES = 128;
/** What has nothing to do with the mode that was to be set. */
const TROUBLES = ['ENOMEM', 'EIO', 'ENODEV', 'ETIMEDOUT', 'EINTR', 'EAGAIN'];

/** What was to be set is not wanted any more, or nobody would see it. */
export class Withdrawn extends Error {
  override name = 'Withdrawn';
}

/** Why a set failed: `cause`, or `refusal`, if it is the buffer's fault; neither: nobody wants it any more. */
export interface SetFailure {
  readonly cause?: unknown;
  readonly refusal?: string;
}

/**
 * Of a set that has been refused: the buffer, null for one of ours, is to blame only if one of ours would do.
 * `isWanted`: whether the output is still to be lit that way.
 */
export async function judgeSet(
  card: Card,
  lighting: Lighting,
  framebuffer: Framebuffer | null,
  error: unknown,
  isWanted: () => boolean,
): Promise<SetFailure> {
  if (isPassing(error) || !framebuffer || !card.exists) return { cause: error };
  try {
    const scanout = fillPanel(newScanout(), await lighting.copier.blank(), lighting.mode);
    if (!isWanted()) throw new Error('it is to be dark, or lit another way');
    await card.exclusive(() => card.commit.lights(lighting, scanout));
  } catch (cause) {
    return { cause };
  }
  // Drivers may take a buffer as a framebuffer and refuse to scan it out (amdgpu: foreign system memory).
  return { refusal: `the card does not scan this buffer out (${String(error)})` };
}

/** Whether a commit was refused for a reason of the moment: not master, or something else has not ended yet. */
export function isPassing(error: unknown): boolean {
  return error instanceof Withdrawn || isNativeError(error, 'EACCES') || isNativeError(error, 'EBUSY');
}

/** Whether a commit failed for what no other mode would mend. */
export function isTrouble(error: unknown): boolean {
  return isNativeError(error) && TROUBLES.includes(error.code);
}

/** How many pauses of {@link UNLIT_PAUSE_MS} there are before a monitor that cannot be lit is tried again. */
export class Patience {
  #left = 0;
  #last = 0;

  /** Whether it is not tried yet. */
  get waits(): boolean {
    return this.#left > 0;
  }

  /** A pause is over. */
  paused(): void {
    this.#left--;
  }

  /** A try has failed, and one more pause begun; returns whether it is the first in a row. */
  failed(): boolean {
    const first = this.#last === 0;
    this.#last = clamp(this.#last * 2, FIRST_PAUSES, MOST_PAUSES);
    this.#left = this.#last - 1;
    return first;
  }

  /** There is a reason to try at once. */
  reset(): void {
    this.#left = this.#last = 0;
  }
}
