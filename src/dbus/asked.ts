/** Most calls of a peer that wait for their answers. A power of two. */
const MOST = 1024;

/** Calls of a peer that want an answer, by serials of our own: a peer's may be anything. Allocates nothing for one. */
export class Asked {
  readonly #serials = new Float64Array(MOST);
  readonly #theirs = new Uint32Array(MOST);
  readonly #senders: string[] = Array<string>(MOST).fill('');
  readonly #free = Uint16Array.from({ length: MOST }, (_, index) => MOST - 1 - index);
  #left = MOST;
  #rounds = 0;

  get full(): boolean {
    return this.#left === 0;
  }

  /** Our serial for a call. */
  add(serial: number, sender: string): number {
    const slot = this.#free[--this.#left]!;
    const ours = ++this.#rounds * MOST + slot;
    this.#serials[slot] = ours;
    this.#theirs[slot] = serial;
    this.#senders[slot] = sender;
    return ours;
  }

  has(ours: number): boolean {
    return ours > 0 && this.#serials[ours % MOST] === ours;
  }

  /** The peer's serial. */
  serial(ours: number): number {
    return this.#theirs[ours % MOST]!;
  }

  sender(ours: number): string {
    return this.#senders[ours % MOST]!;
  }

  /** It is answered. */
  remove(ours: number): void {
    const slot = ours % MOST;
    this.#serials[slot] = 0;
    this.#free[this.#left++] = slot;
  }

  clear(): void {
    for (let slot = 0; slot < MOST; slot++) if (this.#serials[slot] !== 0) this.remove(this.#serials[slot]!);
  }
}
