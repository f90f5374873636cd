/** No flip event for this long: it is lost, whatever the driver promised. */
const LOST_MS = 1000;

/** The flip event that a CRTC waits for, and what those of its frames have told. */
export class FlipWatch {
  /** 0: no event is to come. */
  #cookie = 0;
  /** When the commit was made, CLOCK_MONOTONIC in ms. */
  since = 0;
  /** The one that was found late: given a second look, as its event may only be waiting to be read. */
  #late = 0;
  #sequence = -1;
  /** Vblanks between two frames at which nothing new was shown. */
  idleVblanks = 0;

  /** Something has been committed; `cookie` 0: without an event. */
  begin(cookie: number, now: number): void {
    this.#cookie = cookie;
    this.since = now;
  }

  expects(cookie: number): boolean {
    return cookie !== 0 && cookie === this.#cookie;
  }

  end(): void {
    this.#cookie = 0;
  }

  /** The event of a frame; `sequence` counts vblanks, in 32 bits. */
  frame(sequence: number): void {
    if (this.#sequence >= 0) this.idleVblanks += Math.max(0, ((sequence - this.#sequence) >>> 0) - 1);
    this.#sequence = sequence;
  }

  /** Vblanks are counted anew. */
  restart(): void {
    this.#sequence = -1;
  }

  /**
   * To be asked about once a second: whether the event will never come. One that is late is looked at twice: after a
   * pause of this process, timers run before the events that came meanwhile are read.
   */
  isLost(now: number): boolean {
    if (this.#cookie === 0 || now - this.since < LOST_MS) return false;
    if (this.#late === this.#cookie) return true;
    this.#late = this.#cookie;
    return false;
  }
}
