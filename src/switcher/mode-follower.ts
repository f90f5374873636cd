import { monotonic } from '../clock';
import type { HeadRef } from '../config/config';
import type { Size } from '../kms/fitting';
import { sameMode } from '../kms/modes';
import type { Output } from '../kms/output';
import type { Log } from '../log';
import { headName } from './layout';
import type { Outputs } from './outputs';

/** A screen has been of one size for so long before a mode is set for it: guests go through several while they start. */
const STABLE_MS = 250;
/** From one mode of an output to the next: its monitor is dark meanwhile, and guests are not to keep it so. */
const PAUSE_MS = 1000;

/** Of an output. */
interface Following {
  /** When its mode was changed last, CLOCK_MONOTONIC in ms. */
  changedAt: number;
  /** Looks again when a mode may be set. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Sets outputs whose modes follow their guests (`mode: guest`) to the modes of what they are to show: once that has kept
 * its size for a moment, and not too often. A screen that has had its size for long, whether anybody saw it or not, comes
 * to its output in the commit that sets its mode.
 */
export class ModeFollower {
  /** By the head's name; since when it has had that size. */
  readonly #screens = new Map<string, { readonly size: Size | null; readonly since: number }>();
  readonly #following = new Map<Output, Following>();

  constructor(
    private readonly outputs: Outputs,
    private readonly log: Log,
    /** What an output is to show has to be looked at once more. */
    private readonly again: (output: Output) => void,
  ) {}

  /** The size of what a head shows now, shown or hidden; null: nothing. Returns since when, CLOCK_MONOTONIC in ms. */
  observe(head: HeadRef, size: Size | null): number {
    const name = headName(head);
    const known = this.#screens.get(name) ?? { size: null, since: -Infinity };
    if (sameSize(known.size, size)) return known.since;
    const since = monotonic();
    this.#screens.set(name, { size, since });
    return since;
  }

  /**
   * An output is to show a head (null: none), which has this size. Where that needs another mode at once the output
   * commits nothing until it has that.
   */
  follow(output: Output, head: HeadRef | null, size: Size | null): void {
    const since = head ? this.observe(head, size) : -Infinity;
    const { outputs } = this;
    const following = this.#of(output);
    clearTimeout(following.timer);
    const before = outputs.screenOf(output);
    if (sameSize(size, before)) return;
    const [mode, modeNow] = [outputs.modeFor(output, size), outputs.modeFor(output, before)];
    if (!mode || !modeNow) {
      // Its mode is another's affair, or it is dark: what it is to be lit with is looked up then.
      outputs.chooseFor(output, size);
      return;
    }
    const changes = !sameMode(mode, modeNow);
    const now = monotonic();
    const due = Math.max(since + STABLE_MS, changes ? following.changedAt + PAUSE_MS : -Infinity);
    // The first mode has to be set in any case; and after a restart it may be there.
    const isFirst = output.frames === 0 && following.changedAt === -Infinity;
    if (due > now && !isFirst) {
      following.timer = setTimeout(() => {
        this.again(output);
      }, due - now);
      return;
    }
    outputs.chooseFor(output, size);
    if (changes) following.changedAt = now;
    const fitted = changes ? output.still(() => outputs.refit()) : outputs.refit();
    fitted.catch((error: unknown) => {
      this.log.error(`${output.name}: setting its guest's mode: ${String(error)}`);
    });
  }

  /** The output is no more. */
  forget(output: Output): void {
    clearTimeout(this.#following.get(output)?.timer);
    this.#following.delete(output);
  }

  /** Looks at nothing again. */
  stop(): void {
    for (const { timer } of this.#following.values()) clearTimeout(timer);
  }

  #of(output: Output): Following {
    let following = this.#following.get(output);
    if (!following) this.#following.set(output, (following = { changedAt: -Infinity, timer: undefined }));
    return following;
  }
}

function sameSize(a: Size | null, b: Size | null): boolean {
  return a === b || (a !== null && b !== null && a.width === b.width && a.height === b.height);
}
