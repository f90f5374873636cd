import type { BufferLayout } from '../buffers';
import { sameKind, type Framebuffer } from './framebuffers';

/** Kinds that are remembered: a guest has one or two. */
const MOST = 16;

/** Buffers that the display engine cannot tell apart, and why it does not scan them out. */
interface Refused {
  readonly layout: BufferLayout;
  readonly exporter: string;
  readonly reason: string;
}

/**
 * The kinds of buffers that a card has taken as framebuffers, and then refused to scan out on one output; the next one
 * of such a kind is not tried there again.
 */
export class Refusals {
  readonly #refused: Refused[] = [];

  /** Why a buffer is not to be tried. */
  of(framebuffer: Framebuffer): string | undefined {
    return this.#find(framebuffer)?.reason;
  }

  add(framebuffer: Framebuffer, reason: string): void {
    const { layout, exporter } = framebuffer;
    this.#refused.push({ layout, exporter, reason });
    if (this.#refused.length > MOST) this.#refused.shift();
  }

  clear(): void {
    this.#refused.length = 0;
  }

  #find(framebuffer: Framebuffer): Refused | undefined {
    for (const refused of this.#refused)
      if (sameKind(refused.layout, framebuffer.layout) && refused.exporter === framebuffer.exporter)
        return refused;
    return undefined;
  }
}
