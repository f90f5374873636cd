import * as fs from 'node:fs';
import { isNativeError, native, type NativeCard, type NativeMapping } from '../native';
import { bytesPerPixel, fourccName, opaque } from './formats';

/** How a guest's pixels lie in its buffer. Bytes and pixels; the modifier in two halves, to need no BigInt. */
export interface BufferLayout {
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly pitch: number;
  readonly offset: number;
  readonly modifierHigh: number;
  readonly modifierLow: number;
}

/** DRM_FORMAT_MOD_INVALID: the layout is the exporting driver's secret ("implicit"). */
const INVALID_HIGH = 0x00ffffff;
const INVALID_LOW = 0xffffffff;

/** A buffer that cannot be shown, and why, in words for the guest's owner. */
export class BufferRefused extends Error {
  override name = 'BufferRefused';
}

/** Most buffers one guest may have imported at a time; a head cycles through three or four. */
const MAX_PER_OWNER = 64;

/**
 * A kernel framebuffer made of a guest's buffer. It keeps the dma-buf's fd, so that the inode it is recognised by
 * cannot be given to another buffer. Freed when its owner has left (or it is the oldest of too many) and nobody
 * retains it.
 */
export class Framebuffer {
  /** Next framebuffer of the same dma-buf with another layout. */
  next: Framebuffer | undefined;
  /** Why the hardware does not scan it out where it lies, once it has refused. */
  directRefusal: string | undefined;
  #uses = 0;
  #orphaned = false;
  #mapping: NativeMapping | undefined;

  constructor(
    private readonly cache: FramebufferCache,
    readonly owner: object,
    readonly id: number,
    readonly fd: number,
    readonly device: number,
    readonly inode: number,
    readonly layout: BufferLayout,
  ) {}

  get width(): number {
    return this.layout.width;
  }
  get height(): number {
    return this.layout.height;
  }
  get format(): number {
    return opaque(this.layout.format);
  }
  get used(): boolean {
    return this.#uses > 0;
  }

  retain(): void {
    this.#uses++;
  }

  release(): void {
    this.#uses--;
    if (this.#uses === 0 && this.#orphaned) this.#free();
  }

  /** Nobody will ask for it again: free it as soon as it is unused. */
  orphan(): void {
    if (this.#orphaned) return;
    this.#orphaned = true;
    if (this.#uses === 0) this.#free();
  }

  /** The pixels for the copy path, mapped once. Throws for layouts that are not plain rows. */
  mapping(): NativeMapping {
    if (this.layout.modifierHigh !== 0 || this.layout.modifierLow !== 0) {
      throw new BufferRefused('its layout is tiled: only linear buffers can be copied');
    }
    this.#mapping ??= native.mapDmabuf(this.fd, bytesNeeded(this.layout, bytesPerPixel(this.format) ?? 4));
    return this.#mapping;
  }

  #free(): void {
    this.#mapping?.close();
    this.cache.forget(this);
    fs.closeSync(this.fd);
  }
}

/** Framebuffers of one card by what they are made of: a buffer that comes again costs no import. */
export class FramebufferCache {
  readonly #byInode = new Map<number, Framebuffer>();
  readonly #byOwner = new Map<object, Set<Framebuffer>>();
  #closeFbMissing = false;

  constructor(private readonly card: NativeCard) {}

  get size(): number {
    let count = 0;
    for (const owned of this.#byOwner.values()) count += owned.size;
    return count;
  }

  /**
   * The framebuffer for a dma-buf. Takes over `fd` in every case: kept, or closed when the buffer is known or refused.
   * Throws {@link BufferRefused}.
   */
  get(owner: object, fd: number, device: number, inode: number, layout: BufferLayout): Framebuffer {
    for (let known = this.#byInode.get(inode); known !== undefined; known = known.next) {
      if (known.device === device && known.owner === owner && sameLayout(known.layout, layout)) {
        fs.closeSync(fd);
        return known;
      }
    }
    try {
      return this.#import(owner, fd, device, inode, layout);
    } catch (error) {
      native.discard(fd);
      throw error;
    }
  }

  /** The owner has gone: its framebuffers are freed as soon as no output shows them. */
  releaseOwner(owner: object): void {
    for (const framebuffer of [...(this.#byOwner.get(owner) ?? [])]) framebuffer.orphan();
  }

  /** For {@link Framebuffer} alone: drops the entry and the kernel object. */
  forget(framebuffer: Framebuffer): void {
    const { inode, owner } = framebuffer;
    let link = this.#byInode.get(inode);
    if (link === framebuffer) {
      if (framebuffer.next) this.#byInode.set(inode, framebuffer.next);
      else this.#byInode.delete(inode);
    } else {
      while (link !== undefined && link.next !== framebuffer) link = link.next;
      if (link) link.next = framebuffer.next;
    }
    const owned = this.#byOwner.get(owner);
    owned?.delete(framebuffer);
    if (owned?.size === 0) this.#byOwner.delete(owner);
    this.#remove(framebuffer.id);
  }

  #import(owner: object, fd: number, device: number, inode: number, layout: BufferLayout): Framebuffer {
    const format = opaque(layout.format);
    const pixel = bytesPerPixel(format);
    if (pixel === undefined)
      throw new BufferRefused(`pixel format ${fourccName(layout.format)} is not supported`);
    const { width, height, pitch, offset } = layout;
    if (pitch < width * pixel) {
      throw new BufferRefused(`stride ${pitch} is too short for ${width} pixels of ${pixel} bytes`);
    }
    const implicit = layout.modifierHigh === INVALID_HIGH && layout.modifierLow === INVALID_LOW;
    const id = this.#addFramebuffer(fd, {
      width,
      height,
      format,
      modifier: implicit ? undefined : { high: layout.modifierHigh, low: layout.modifierLow },
      offsets: [offset],
      pitches: [pitch],
    });
    // Asked only now that it is known for a dma-buf: any other file's server could keep us waiting.
    // 0: a kernel that does not say (before 5.3); the driver has checked then.
    const size = fs.fstatSync(fd).size;
    const needed = bytesNeeded(layout, pixel);
    if (size > 0 && needed > size) {
      this.#remove(id);
      throw new BufferRefused(
        `${width}x${height} with stride ${pitch} needs ${needed} bytes, the buffer has ${size}`,
      );
    }
    const framebuffer = new Framebuffer(this, owner, id, fd, device, inode, { ...layout });
    framebuffer.next = this.#byInode.get(inode);
    this.#byInode.set(inode, framebuffer);
    const owned = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, owned);
    owned.add(framebuffer);
    if (owned.size > MAX_PER_OWNER) this.#evictOldest(owned, framebuffer);
    return framebuffer;
  }

  #addFramebuffer(fd: number, layout: Parameters<NativeCard['importFramebuffer']>[0]): number {
    try {
      return this.card.importFramebuffer(layout, [fd]);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      const modifier = layout.modifier
        ? `modifier 0x${layout.modifier.high.toString(16)}${layout.modifier.low.toString(16).padStart(8, '0')}`
        : 'implicit modifier';
      const what = error.syscall.includes('PRIME')
        ? 'the file descriptor is not a dma-buf this card can import'
        : `the card takes no ${layout.width}x${layout.height} ${fourccName(layout.format)} buffer with ${modifier}`;
      throw new BufferRefused(`${what} (${error.code}, ${error.syscall})`, { cause: error });
    }
  }

  #evictOldest(owned: Set<Framebuffer>, newest: Framebuffer): void {
    for (const framebuffer of owned) {
      if (framebuffer !== newest && !framebuffer.used) {
        framebuffer.orphan();
        return;
      }
    }
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

/** Up to the last pixel: the last row need not be padded. */
function bytesNeeded({ width, height, pitch, offset }: BufferLayout, pixel: number): number {
  return offset + pitch * (height - 1) + width * pixel;
}

function sameLayout(a: BufferLayout, b: BufferLayout): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.format === b.format &&
    a.pitch === b.pitch &&
    a.offset === b.offset &&
    a.modifierHigh === b.modifierHigh &&
    a.modifierLow === b.modifierLow
  );
}
