/** Looks at one thing after another, each for a while. */
export class Scan {
  #timer: NodeJS.Timeout | undefined;

  /** `step` shows the next one. */
  constructor(private readonly step: () => void) {}

  get running(): boolean {
    return this.#timer !== undefined;
  }

  start(dwellMs: number): void {
    this.stop();
    this.#timer = setInterval(this.step, dwellMs);
    this.step();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
