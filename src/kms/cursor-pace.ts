/** A commit made this long before a vblank still makes it: scanout ends before the vblank, timers are coarse. */
const MARGIN_MS = 3;

/**
 * When a pointer that has moved goes to the panel without a frame: late in the refresh. Until then a frame may come and
 * take it along, and all the moves of a 1000 Hz mouse become one; made earlier, that commit would keep the CRTC from
 * the guest's frame until the vblank. A guest that draws until the last moment has the refresh after its frame to
 * itself. CLOCK_MONOTONIC in ms.
 */
export class CursorPace {
  #due = -Infinity;
  /** The last that is known of. */
  #vblank = NaN;
  #late = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    /** Of the mode, in ms. */
    private readonly period: number,
    /** It is time. */
    private readonly ring: () => void,
  ) {}

  /** Whether it is time; else `ring` is called when it is. */
  isDue(now: number): boolean {
    const wait = this.#due - now;
    if (wait <= 0) return true;
    // Whatever a driver's clock says, no pointer waits for more than two refreshes.
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#due = -Infinity;
        this.ring();
      },
      Math.min(wait, 2 * this.period),
    );
    return false;
  }

  /** A frame that was committed at `committed` is on the panel since `at`. */
  frame(at: number, committed: number): void {
    const late = this.#late || (committed - this.#vblank) % this.period > this.period - MARGIN_MS;
    this.#late = false;
    this.#next(at, late ? 2 : 1);
  }

  /** The pointer alone is; `overtaken`: a frame came when it was on its way already. */
  pointer(at: number, overtaken: boolean): void {
    this.#late = overtaken;
    this.#next(at, 1);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(at: number, periods: number): void {
    this.close();
    this.#vblank = at;
    this.#due = at + Math.max(0, periods * this.period - MARGIN_MS);
  }
}
