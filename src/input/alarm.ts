import { monotonic } from '../clock';

/** Calls once a time has passed. Moving the time on, as with every key, costs nothing. */
export class Alarm {
  #at = Infinity;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;

  constructor(private readonly ring: (now: number) => void) {}

  /** CLOCK_MONOTONIC in ms; Infinity: never. */
  set(at: number): void {
    this.#at = at;
    if (this.#timer && this.#timerAt <= at) return;
    if (at !== Infinity) this.#arm();
  }

  clear(): void {
    this.#at = Infinity;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerAt = this.#at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        // After a busy spell what has happened in time is read first.
        setImmediate(() => {
          this.#check();
        });
      },
      Math.max(0, this.#at - monotonic()) + 1,
    );
  }

  #check(): void {
    if (this.#timer || this.#at === Infinity) return;
    const now = monotonic();
    if (now <= this.#at) {
      this.#arm();
      return;
    }
    this.#at = Infinity;
    this.ring(now);
  }
}
