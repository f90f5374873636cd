import * as fs from 'node:fs';
import { native, type NativeCard } from '../native';
import type { ServiceManager } from './service-manager';

const PREFIX = 'card-';

/**
 * Carries the pictures on the panels over a restart. The framebuffers live as long as the card's file is open
 * somewhere: the service manager keeps it, and the next process takes the card with a file of its own, shows its own
 * pictures, and only then lets go of the old one, with which everything that it held goes, whether or not its owner
 * could clear up.
 *
 *     old    ── FDSTORE ──▶ service manager ──▶ kept file ── dropped once our own frames are on the panels
 *     new    opens its own, becomes master, FDSTORE, commits ──────────────────▲
 */
export class Handover {
  readonly #predecessors: { readonly name: string; readonly card: NativeCard }[] = [];
  #keeping = false;

  constructor(
    private readonly manager: ServiceManager,
    /** Whether pictures stay on the panels at all while nobody is there to answer for them. */
    private readonly keep: boolean,
  ) {
    for (const { name, fd } of manager.kept) {
      try {
        if (name.startsWith(PREFIX)) this.#predecessors.push({ name, card: native.openCard(name, fd) });
        else manager.drop(name);
      } catch {
        manager.drop(name); // The card has gone meanwhile.
      }
      fs.closeSync(fd);
    }
    // Root may take the right to commit from a file whose process has gone; a seat manager has done so already.
    for (const { card } of this.#predecessors) card.dropMaster();
    if (!keep) this.finish();
  }

  /** Whether pictures of a predecessor are on the panels. */
  get taking(): boolean {
    return this.#predecessors.length > 0;
  }

  /** Whether they will stay there when this process ends, however it does. */
  get keeping(): boolean {
    return this.#keeping;
  }

  /** Has the file of a card (`card1`) kept. */
  store(card: string, fd: number): void {
    if (!this.keep || !this.manager.listens) return;
    this.manager.keep(nameOf(card), fd);
    this.#keeping = true;
  }

  /** The card has gone: there is nothing to keep of it. */
  drop(card: string): void {
    if (this.#keeping) this.manager.drop(nameOf(card));
  }

  /** Our own pictures are on the panels, or the card cannot be had otherwise: lets go of the predecessors' files. */
  finish(): void {
    for (const { name, card } of this.#predecessors.splice(0)) {
      card.close();
      this.manager.drop(name);
    }
  }
}

/** Of this process' file of a card: its predecessor's has another. */
function nameOf(card: string): string {
  return `${PREFIX}${process.pid}-${card}`;
}
