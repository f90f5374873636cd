import { monotonic } from '../clock';

/** What an import costs in messages: it is a system call or five. */
export const SCANOUT_COST = 4;

/** How much a stranger may send: so many messages a millisecond, and a burst of them at once. */
export class Budget {
  #left: number;
  #at = monotonic();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly perMs: number,
    private readonly burst: number,
  ) {
    this.#left = burst;
  }

  spend(messages: number): void {
    this.#left -= messages;
  }

  /** Adds what has come together since the last time. */
  refill(): void {
    const now = monotonic();
    this.#left = Math.min(this.burst, this.#left + (now - this.#at) * this.perMs);
    this.#at = now;
  }

  /** Whether more was spent than there is, even with what has come together since. */
  get exhausted(): boolean {
    if (this.#left < 0) this.refill();
    return this.#left < 0;
  }

  /** Calls back once, when it is exhausted no more; asking again before that changes nothing. */
  whenBack(callback: () => void): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        callback();
      },
      Math.ceil(-this.#left / this.perMs) + 1,
    );
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/** What a guest's display is read at most: far above what a 240 Hz screen and a 1000 Hz mouse send. */
export function displayBudget(): Budget {
  return new Budget(10, 2000);
}
