import { messageOf } from '../error';
import type { Log } from '../log';
import { CardError, type Card, type Pause } from './card';
import { FramebufferCache } from './framebuffers';

/** A card that has just come may not be ours to open yet: how often, and how many times, it is asked for. */
const RETRY_MS = 100;
const TRIES = 30;

/** The cards that are driven, in the order in which they were opened, and those guests' buffers that they show. */
export class Cards {
  readonly framebuffers = new FramebufferCache();
  readonly #cards: Card[] = [];
  /** Asked for until they are ours, by device node. */
  readonly #coming = new Map<string, NodeJS.Timeout>();
  /** Those that only render. */
  readonly #unusable = new Set<string>();
  #asleep = false;
  #stopped = false;
  /** See {@link Card.onPaused}. */
  onPaused: (card: Card, by: Pause | null) => void = () => undefined;
  /** A card has come while others were driven. */
  onCome: (card: Card) => void = () => undefined;
  /** A card has gone, and is closed as soon as nobody uses it any more: when this resolves. */
  onGone: (card: Card, error: Error) => Promise<void> = () => Promise.resolve();
  /** The only card that was left has gone. */
  onLast: (error: Error) => void = () => undefined;

  constructor(
    /** Opens a card, by its device node. Throws {@link CardError}. */
    private readonly openCard: (file: string, onLost: (error: Error) => void) => Card,
    private readonly log: Log,
  ) {}

  get all(): readonly Card[] {
    return this.#cards;
  }

  /** Whether a card, by its device node, is one of them. */
  drives(file: string): boolean {
    return this.#find(file) !== undefined;
  }

  /** Drives one more card. Throws {@link CardError}. */
  open(file: string): Card {
    const card = this.openCard(file, (error) => {
      this.#lose(card, error);
    });
    card.asleep = this.#asleep;
    card.onPaused = (by) => {
      this.onPaused(card, by);
    };
    this.#cards.push(card);
    this.framebuffers.add(card.imports);
    return card;
  }

  /** A card has come, or may be ours now; `file` is its device node. */
  come(file: string): void {
    if (!this.#stopped && !this.#coming.has(file) && !this.#unusable.has(file) && !this.drives(file))
      this.#ask(file, TRIES);
  }

  /** A card is not there any more. */
  go(file: string): void {
    clearTimeout(this.#coming.get(file));
    this.#coming.delete(file);
    this.#unusable.delete(file);
    const card = this.#find(file);
    if (card) this.#lose(card, new Error(`${file} has been removed`));
  }

  /** Whether a card is still there, as it is looked at now; `error` is what reading it failed with. */
  check(card: Card, error?: unknown): boolean {
    const gone = (error as NodeJS.ErrnoException | undefined)?.code === 'ENODEV' || !card.exists;
    if (gone) this.#lose(card, new Error(`${card.device} has gone`));
    return this.#cards.includes(card) && !gone;
  }

  /** Whether the session that they are of is in front. */
  set inFront(inFront: boolean) {
    for (const card of this.#cards) card.inFront = inFront;
  }

  /** Whether their monitors are switched off. */
  set asleep(asleep: boolean) {
    this.#asleep = asleep;
    for (const card of this.#cards) card.asleep = asleep;
  }

  /** See {@link Card.gather}; on all of them. */
  gather<T>(work: () => T): T {
    return this.#cards.reduce((inner, card) => () => card.gather(inner), work)();
  }

  /** See {@link Card.settled}. */
  async settled(): Promise<void> {
    await Promise.all(this.#cards.map((card) => card.settled()));
  }

  /** Puts back what every CRTC showed before we came. */
  async restore(): Promise<void> {
    await Promise.all(this.#cards.map((card) => card.restore(this.log)));
  }

  /** No more cards come. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#coming.values()) clearTimeout(timer);
    this.#coming.clear();
  }

  close(): void {
    this.stop();
    for (const card of this.#cards.splice(0)) card.close();
  }

  #find(file: string): Card | undefined {
    return this.#cards.find(({ device }) => device === file);
  }

  #ask(file: string, tries: number): void {
    this.#coming.delete(file);
    let card: Card;
    try {
      card = this.open(file);
    } catch (error) {
      if (!(error instanceof CardError)) throw error;
      const { reason } = error;
      // udev says whose a device is after it has been made; who had it last may not have let go.
      if ((reason === 'permission' || reason === 'busy') && tries > 1) {
        const timer = setTimeout(() => {
          this.#ask(file, tries - 1);
        }, RETRY_MS);
        this.#coming.set(file, timer);
        return;
      }
      if (reason === 'unusable') this.#unusable.add(file);
      if (reason === 'permission' || reason === 'busy') this.log.warning(messageOf(error));
      // It has gone again, or is one that only renders.
      else this.log.debug(messageOf(error));
      return;
    }
    this.onCome(card);
  }

  #lose(card: Card, error: Error): void {
    const at = this.#cards.indexOf(card);
    if (at < 0) return;
    if (this.#cards.length === 1) {
      this.onLast(error);
      return;
    }
    this.#cards.splice(at, 1);
    this.framebuffers.remove(card.imports);
    card.lose();
    this.onGone(card, error)
      .catch((problem: unknown) => {
        this.log.error(`${card.name}: ${String(problem)}`);
      })
      .finally(() => {
        card.close();
      });
  }
}
