import type { BufferLayout } from '../buffers';
import { monotonic } from '../clock';
import { sameKind, type Framebuffer } from './framebuffers';

/** Kinds that are remembered: a guest has one or two. */
const MOST = 16;

/** What was refused for want of something is tried again after so long, then after twice as long. */
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 600_000;

/** Buffers that the display engine cannot tell apart, and why it does not scan them out. */
interface Refused {
  readonly layout: BufferLayout;
  readonly exporters: string;
  readonly reason: string;
  /** When one may be tried again (CLOCK_MONOTONIC, ms), and how long that was waited for. */
  until: number;
  pause: number;
}

/**
 * The kinds of buffers that a card has taken as framebuffers, and then refused to scan out on one output; the next one
 * of such a kind is not tried there again.
 */
export class Refusals {
  readonly #refused: Refused[] = [];

  get any(): boolean {
    return this.#refused.length > 0;
  }

  /** Why a buffer is not to be tried now. */
  of(framebuffer: Framebuffer): string | undefined {
    const refused = this.#find(framebuffer);
    return refused && (refused.until === Infinity || monotonic() < refused.until)
      ? refused.reason
      : undefined;
  }

  /** Whether a buffer has been refused, though it may be tried now. */
  has(framebuffer: Framebuffer): boolean {
    return this.#find(framebuffer) !== undefined;
  }

  /** For good; `passing`: for a while. */
  add(framebuffer: Framebuffer, reason: string, passing = false): void {
    const { layout } = framebuffer;
    const known = this.#find(framebuffer);
    const pause = known ? Math.min(known.pause * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    this.remove(framebuffer);
    const exporters = framebuffer.exporters.join();
    this.#refused.push({ layout, exporters, reason, until: passing ? monotonic() + pause : Infinity, pause });
    if (this.#refused.length > MOST) this.#refused.shift();
  }

  /** It has been taken after all; whether that is news. */
  remove(framebuffer: Framebuffer): boolean {
    const known = this.#find(framebuffer);
    if (known) this.#refused.splice(this.#refused.indexOf(known), 1);
    return known !== undefined;
  }

  clear(): void {
    this.#refused.length = 0;
  }

  #find(framebuffer: Framebuffer): Refused | undefined {
    if (this.#refused.length === 0) return undefined;
    const exporters = framebuffer.exporters.join();
    for (const refused of this.#refused)
      if (sameKind(refused.layout, framebuffer.layout) && refused.exporters === exporters) return refused;
    return undefined;
  }
}
