/** A guest on a monitor waits no longer than this for the flip that shows its frame. */
const VISIBLE_MS = 20;
/**
 * A hidden one waits as long as its view says, which is less; QEMU gives up after a second, and says so in its log: a
 * busy host may be late.
 */
const HIDDEN_MS = 750;
/** Frames that may wait at once. QEMU sends one for each changed rectangle. */
const MOST = 64;

/**
 * The answers that QEMU waits for, one for each frame: until then the guest draws nothing more. Given when the frame
 * is on the panel, or when it has been waited for long enough. Allocates nothing for a frame.
 */
export class Answers {
  readonly #serials = new Float64Array(MOST);
  readonly #frames = new Float64Array(MOST);
  #first = 0;
  #count = 0;
  #visibleTimer: NodeJS.Timeout | undefined;
  #hiddenTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly isVisible: () => boolean,
    private readonly reply: (serial: number) => void,
  ) {}

  /** A frame that is to be answered to. */
  add(serial: number, frame: number): void {
    if (this.#count === MOST) this.all();
    const at = (this.#first + this.#count) % MOST;
    this.#serials[at] = serial;
    this.#frames[at] = frame;
    this.#count++;
    if (this.#count === 1) this.#arm();
  }

  /** All frames up to this one are on the panel. */
  shown(frame: number): void {
    while (this.#count > 0 && this.#frames[this.#first]! <= frame) this.#answer();
  }

  all(): void {
    while (this.#count > 0) this.#answer();
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#count = 0;
  }

  close(): void {
    this.forget();
    clearTimeout(this.#visibleTimer);
    clearTimeout(this.#hiddenTimer);
  }

  #answer(): void {
    const serial = this.#serials[this.#first]!;
    this.#first = (this.#first + 1) % MOST;
    this.#count--;
    this.reply(serial);
  }

  /** The oldest answer is due in a while. A timer that is not needed any more runs out once, for nothing. */
  #arm(): void {
    if (!this.isVisible()) {
      if (this.#hiddenTimer) this.#hiddenTimer.refresh();
      else
        this.#hiddenTimer = setTimeout(() => {
          this.all();
        }, HIDDEN_MS);
    } else if (this.#visibleTimer) this.#visibleTimer.refresh();
    else
      this.#visibleTimer = setTimeout(() => {
        // Hidden since: its view answers.
        if (this.#count > 0 && !this.isVisible()) this.#arm();
        else this.all();
      }, VISIBLE_MS);
  }
}
