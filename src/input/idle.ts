/** Tells when nobody has touched anything for a while, and when somebody does again. */
export class Idle {
  #last = performance.now();
  #idle = false;
  #timer: NodeJS.Timeout;

  constructor(
    private readonly ms: number,
    private readonly changed: (idle: boolean) => void,
  ) {
    this.#timer = this.#check(ms);
  }

  /** Somebody did something. Cheap: called for every batch of input. */
  active(): void {
    this.#last = performance.now();
    if (!this.#idle) return;
    this.#idle = false;
    this.#timer = this.#check(this.ms);
    this.changed(false);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #check(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const left = this.#last + this.ms - performance.now();
      if (left > 0) {
        this.#timer = this.#check(left);
        return;
      }
      this.#idle = true;
      this.changed(true);
    }, ms).unref();
  }
}
