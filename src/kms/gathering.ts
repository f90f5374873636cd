import type { Commit, Light } from './commit';
import { isPassing, Withdrawn } from './set-failure';

/** Outputs that are not ready when the last bracket closes hold the others up for so long; then they go alone. */
const PATIENCE_MS = 50;

/** A CRTC that is to be set. */
export interface Wish extends Light {
  /** Its place among those that are set one after another. */
  readonly rank: number;
  /** Whether it is still to be lit that way. */
  readonly isWanted: () => boolean;
}

/** What of a card it needs. */
export interface Gathered {
  readonly commit: Pick<Commit, 'set' | 'setAll' | 'off'>;
  /** Whether nobody sees what it shows, or it is not ours. */
  readonly hidden: boolean;
  /** Whether the kernel still has it. */
  readonly exists: boolean;
  /** Whether an output is to be set, has not said so, and nothing is known that keeps it from that. */
  readonly awaited: boolean;
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Nobody is waited for any more. */
  settle(): void;
}

/** What somebody waits for. */
interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

type Joined = Wish & Waiting<boolean>;
type Leaving = { readonly crtc: number } & Waiting<void>;

/**
 * Brings those CRTCs of a card that are to be set at the same time into one commit. While a bracket is open, and a
 * moment longer if somebody is missing, whoever wants its CRTC set joins:
 *
 *     bracket  ( set A    set B )     set C                    set D
 *                               └───── 50 ms at most ─────┘      alone
 *                                     A, B and C: one commit
 *
 * If the card refuses that, nothing has changed, and each is set alone, so that as many are lit as can be. Where one
 * can only follow the other (legacy) nobody waits. Flips are not gathered, not even those of one layout: each CRTC has
 * a vblank of its own, and the commit of several would be done when the last of them is.
 */
export class Gathering {
  /** Brackets that are open. */
  #open = 0;
  #patience: NodeJS.Timeout | undefined;
  #joined: Joined[] = [];
  /** CRTCs that leave their connectors. */
  #leaving: Leaving[] = [];

  constructor(private readonly card: Gathered) {}

  /** Whether anybody waits for others. */
  get waits(): boolean {
    return this.#joined.length > 0 || this.#leaving.length > 0 || this.#patience !== undefined;
  }

  /**
   * Runs work in a bracket, which closes when that is done or its promise settled. `patient`: whoever is missing then
   * is waited for.
   */
  gather<T>(work: () => T, patient = true): T {
    if (!this.card.commit.setAll) return work();
    const close = (): void => {
      this.#open--;
      if (patient && this.#open === 0 && this.card.awaited)
        this.#patience ??= setTimeout(() => {
          this.#patience = undefined;
          this.#commitIfDue();
        }, PATIENCE_MS);
      this.#commitIfDue();
    };
    this.#open++;
    let result: T | undefined;
    try {
      result = work();
      return result instanceof Promise ? (result.finally(close) as T) : result;
    } finally {
      if (!(result instanceof Promise)) close();
    }
  }

  /** Sets a CRTC, alone or with others; whether it was seamless. Rejects with {@link Withdrawn} if not wanted by then. */
  set(wish: Wish): Promise<boolean> {
    const { target, scanout } = wish;
    if (!this.#isOpen) return this.card.exclusive(() => this.card.commit.set(target, scanout));
    return new Promise((resolve, reject) => {
      this.#joined.push({ ...wish, resolve, reject });
      this.#commitIfDue();
    });
  }

  /**
   * Takes a CRTC from its connector: in the commit that gives it to another, else by itself. To be awaited outside of
   * brackets only.
   */
  off(crtc: number): Promise<void> {
    if (!this.#isOpen) return this.card.exclusive(() => this.card.commit.off(crtc));
    return new Promise((resolve, reject) => {
      this.#leaving.push({ crtc, resolve, reject });
    });
  }

  /** The card has gone, or is closed. */
  close(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    for (const { reject } of [...this.#joined.splice(0), ...this.#leaving.splice(0)]) reject(new Withdrawn());
    this.card.settle();
  }

  get #isOpen(): boolean {
    return this.#open > 0 || this.#patience !== undefined;
  }

  #commitIfDue(): void {
    if (this.#open > 0 || (this.#patience !== undefined && this.card.awaited)) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    const joined = this.#joined.splice(0).sort((a, b) => a.rank - b.rank);
    const leaving = this.#leaving.splice(0);
    if (joined.length + leaving.length === 0) this.card.settle();
    else void this.card.exclusive(() => this.#commit(joined, leaving));
  }

  async #commit(joined: readonly Joined[], leaving: readonly Leaving[]): Promise<void> {
    const wishes = joined.filter((wish) => this.#isStillWanted(wish));
    const taken = new Set(wishes.map(({ target }) => target.crtc));
    const { commit } = this.card;
    for (const { crtc, resolve, reject } of leaving)
      if (!taken.has(crtc)) await commit.off(crtc).then(resolve, reject);
    const set = (await this.#setTogether(wishes)) ?? (await this.#setOneByOne(wishes));
    for (const { crtc, resolve, reject } of leaving) {
      if (set.has(crtc)) resolve();
      else if (taken.has(crtc)) await commit.off(crtc).then(resolve, reject);
    }
  }

  /** The CRTCs that are set; undefined: the card refuses them as they are together, and nothing has changed. */
  async #setTogether(wishes: readonly Joined[]): Promise<ReadonlySet<number> | undefined> {
    if (wishes.length < 2) return undefined;
    try {
      const seamless = await this.card.commit.setAll!(wishes);
      for (const { resolve } of wishes) resolve(seamless);
      return new Set(wishes.map(({ target }) => target.crtc));
    } catch (error) {
      // None of them would fare any better alone.
      if (!isPassing(error) && this.card.exists) return undefined;
      for (const { reject } of wishes) reject(error);
      return new Set();
    }
  }

  async #setOneByOne(wishes: readonly Joined[]): Promise<ReadonlySet<number>> {
    const set = new Set<number>();
    for (const wish of wishes) {
      const { target, scanout, resolve, reject } = wish;
      // Each may take seconds.
      if (!this.#isStillWanted(wish)) continue;
      try {
        resolve(await this.card.commit.set(target, scanout));
        set.add(target.crtc);
      } catch (error) {
        reject(error);
      }
    }
    return set;
  }

  #isStillWanted({ isWanted, reject }: Joined): boolean {
    const wanted = isWanted() && !this.card.hidden;
    if (!wanted) reject(new Withdrawn());
    return wanted;
  }
}
