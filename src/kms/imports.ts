import type { BufferLayout } from '../buffers';
import { fourccName } from '../fourcc';
import { isNativeError, type NativeCard } from '../native';
import { knowsLayout } from './exporters';
import { isImplicit } from './formats';
import type { Framebuffer } from './framebuffers';
import { findsPlanes } from './quirks';

/** What a card made of a guest's buffer. */
export interface Imported {
  /** The kernel's framebuffer; 0: there is none. */
  readonly id: number;
  /** Why the card does not scan it out where it lies; undefined: it does, as far as is known. */
  readonly refusal: string | undefined;
}

/** The kernel framebuffers of one card, by the buffers they are made of: each made when it is first asked for. */
export class Imports {
  readonly #made = new Map<Framebuffer, Imported>();
  #closeFbMissing = false;

  constructor(
    private readonly card: NativeCard,
    /** Whether no other device has a GPU. */
    private readonly isAlone: () => boolean = () => true,
  ) {}

  of(framebuffer: Framebuffer): Imported {
    let made = this.#made.get(framebuffer);
    if (!made) this.#made.set(framebuffer, (made = this.#import(framebuffer)));
    return made;
  }

  /** The buffer is not shown any more: frees the kernel object. */
  forget(framebuffer: Framebuffer): void {
    const id = this.#made.get(framebuffer)?.id ?? 0;
    this.#made.delete(framebuffer);
    if (id !== 0) this.#remove(id);
  }

  #import(framebuffer: Framebuffer): Imported {
    const { layout, format } = framebuffer;
    const unread = this.#unreadable(framebuffer);
    if (unread !== undefined) return { id: 0, refusal: unread };
    try {
      return { id: this.#add(layout, format), refusal: undefined };
    } catch (error) {
      if (!isNativeError(error)) throw error;
      const { width, height, modifierHigh: high, modifierLow: low } = layout;
      const modifier = isImplicit(layout)
        ? 'implicit modifier'
        : `modifier 0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
      const what = error.syscall.includes('PRIME')
        ? 'the file descriptor is not a dma-buf this card can import'
        : `the card takes no ${width}x${height} ${fourccName(format)} buffer with ${modifier}`;
      return { id: 0, refusal: `${what} (${error.code}, ${error.syscall})` };
    }
  }

  /** Why the driver would take it and show something else. */
  #unreadable({ layout, exporters }: Framebuffer): string | undefined {
    // What is no dma-buf is refused by the kernel.
    if (exporters.includes('')) return undefined;
    const driver = this.card.driverName();
    if (!findsPlanes(driver, layout)) return `${driver} finds planes only in one memory, from its start`;
    if (!isImplicit(layout)) return undefined;
    if (knowsLayout({ driver, alone: this.isAlone() }, exporters)) return undefined;
    return `it has no modifier and was made by ${exporters.join(' and ')}: ${driver} does not know how it lies in memory`;
  }

  #add(layout: BufferLayout, format: number): number {
    const { width, height, modifierHigh: high, modifierLow: low, planes } = layout;
    // The addon takes one fd for all planes, or one for each.
    const [first] = planes;
    const fds = planes.every(({ fd }) => fd < 0 || fd === first!.fd)
      ? [first!.fd]
      : planes.map(({ fd }) => (fd < 0 ? first!.fd : fd));
    return this.card.importFramebuffer(
      {
        width,
        height,
        format,
        modifier: isImplicit(layout) ? undefined : { high, low },
        offsets: planes.map(({ offset }) => offset),
        pitches: planes.map(({ pitch }) => pitch),
      },
      fds,
    );
  }

  #remove(id: number): void {
    if (!this.#closeFbMissing) {
      if (this.card.closeFramebuffer(id) === 0) return;
      this.#closeFbMissing = true;
    }
    // Without CLOSEFB (Linux < 6.8) the removal may wait for a commit, so a worker does it. It can only fail when the
    // card has gone, and then the framebuffer has gone with it.
    this.card.removeFramebuffer(id).catch(() => undefined);
  }
}
