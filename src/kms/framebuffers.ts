import type { BufferLayout } from '../buffers';
import * as fs from 'node:fs';
import { native, type NativeMapping } from '../native';
import { fourccName } from '../fourcc';
import { bytesPerPixel, isImplicit, opaque } from './formats';
import type { Imports } from './imports';

/** A buffer that cannot be shown, and why, in words for the guest's owner. */
export class BufferRefused extends Error {
  override name = 'BufferRefused';
}

/**
 * Exporters whose buffers are plain rows, whatever the modifier does not say: memory of processes (udmabuf), the system
 * heap, and drivers without a GPU. QEMU (10.1 and later) sends the first with an implicit modifier.
 */
const LINEAR_EXPORTERS = new Set(['udmabuf', 'system', 'vgem', 'vkms']);

/** Most buffers one guest may have imported at a time; a head cycles through three or four. */
const MAX_PER_OWNER = 64;

/**
 * A guest's buffer, of which each card that shows it makes a kernel framebuffer (its {@link Imports}). It keeps the
 * dma-buf's fd, so that the inode it is recognised by cannot be given to another buffer. Freed when its owner has left
 * (or it is the oldest of too many) and nobody retains it.
 */
export class Framebuffer {
  /** Next framebuffer of the same dma-buf with another layout. */
  next: Framebuffer | undefined;
  #uses = 0;
  #orphaned = false;
  #mapping: NativeMapping | undefined;
  #exporter: string | undefined;

  constructor(
    private readonly cache: FramebufferCache,
    readonly owner: object,
    readonly layout: BufferLayout,
  ) {}

  /** What the cache finds it by. */
  get inode(): number {
    return this.layout.planes[0]!.inode;
  }

  get width(): number {
    return this.layout.width;
  }
  get height(): number {
    return this.layout.height;
  }
  get format(): number {
    return opaque(this.layout.format);
  }
  /** What made its memory; '' where the kernel does not say. */
  get exporter(): string {
    return (this.#exporter ??= exporterOf(this.layout.planes[0]!.fd));
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
    this.#mapping ??= this.#map();
    return this.#mapping;
  }

  #map(): NativeMapping {
    const { layout } = this;
    const secret = secretOf(layout);
    if (secret !== undefined) throw new BufferRefused(`${secret}: only linear buffers can be copied`);
    return native.mapDmabuf(layout.planes[0]!.fd, bytesNeeded(layout, bytesPerPixel(this.format) ?? 4));
  }

  #free(): void {
    this.#mapping?.close();
    this.cache.forget(this);
    for (const { fd } of this.layout.planes) if (fd >= 0) fs.closeSync(fd);
  }
}

/** Guests' buffers by what they are recognised by, for all cards: one that comes again costs no import. */
export class FramebufferCache {
  readonly #byInode = new Map<number, Framebuffer>();
  readonly #byOwner = new Map<object, Set<Framebuffer>>();
  readonly #cards = new Set<Imports>();

  /** A card may show them from now on. */
  add(card: Imports): void {
    this.#cards.add(card);
  }

  /** The card has gone, and what it made of them with it. */
  remove(card: Imports): void {
    this.#cards.delete(card);
  }

  get size(): number {
    let count = 0;
    for (const owned of this.#byOwner.values()) count += owned.size;
    return count;
  }

  /**
   * The framebuffer for a buffer, which the card that `shower` finds will show first. Takes over the planes' fds in
   * every case: kept, or closed when the buffer is known or refused. Throws {@link BufferRefused}.
   */
  get(owner: object, layout: BufferLayout, shower?: () => Imports | undefined): Framebuffer {
    const first = layout.planes[0];
    for (let known = this.#byInode.get(first?.inode ?? 0); known !== undefined; known = known.next) {
      if (known.owner === owner && sameLayout(known.layout, layout)) {
        for (const { fd } of layout.planes) if (fd >= 0) fs.closeSync(fd);
        return known;
      }
    }
    try {
      return this.#import(owner, layout, shower?.());
    } catch (error) {
      for (const { fd } of layout.planes) if (fd >= 0) native.discard(fd);
      throw error;
    }
  }

  /** The owner has gone: its framebuffers are freed as soon as no output shows them. */
  releaseOwner(owner: object): void {
    for (const framebuffer of [...(this.#byOwner.get(owner) ?? [])]) framebuffer.orphan();
  }

  /** For {@link Framebuffer} alone: drops the entry and the kernel objects. */
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
    this.#withdraw(framebuffer);
  }

  #import(owner: object, layout: BufferLayout, shower: Imports | undefined): Framebuffer {
    const { width, height, planes } = layout;
    const format = opaque(layout.format);
    const pixel = bytesPerPixel(format);
    if (pixel === undefined || planes.length === 0)
      throw new BufferRefused(`pixel format ${fourccName(layout.format)} is not supported`);
    const { pitch } = planes[0]!;
    if (pitch < width * pixel && planes.length === 1) {
      throw new BufferRefused(`stride ${pitch} is too short for ${width} pixels of ${pixel} bytes`);
    }
    const own = { ...layout, planes: planes.map((plane) => ({ ...plane })) };
    const framebuffer = new Framebuffer(this, owner, own);
    try {
      this.#offer(framebuffer, shower);
      // Asked only now that it is known for a dma-buf: any other file's server could keep us waiting.
      // 0: a kernel that does not say (before 5.3); the driver has checked then. It also checks what has more planes.
      const size = fs.fstatSync(planes[0]!.fd).size;
      const needed = planes.length === 1 ? bytesNeeded(layout, pixel) : 0;
      if (size > 0 && needed > size) {
        throw new BufferRefused(
          `${width}x${height} with stride ${pitch} needs ${needed} bytes, the buffer has ${size}`,
        );
      }
    } catch (error) {
      this.#withdraw(framebuffer);
      throw error;
    }
    framebuffer.next = this.#byInode.get(framebuffer.inode);
    this.#byInode.set(framebuffer.inode, framebuffer);
    const owned = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, owned);
    owned.add(framebuffer);
    if (owned.size > MAX_PER_OWNER) this.#evictOldest(owned, framebuffer);
    return framebuffer;
  }

  /** To one card after another until one takes it, or its pixels can be copied. Throws {@link BufferRefused}. */
  #offer(framebuffer: Framebuffer, shower: Imports | undefined): void {
    let refusal: string | undefined;
    for (const card of shower ? new Set([shower, ...this.#cards]) : this.#cards) {
      const made = card.of(framebuffer);
      if (made.refusal === undefined || canCopy(framebuffer.layout)) return;
      refusal ??= made.refusal;
    }
    throw new BufferRefused(refusal ?? 'there is no card to show it');
  }

  #withdraw(framebuffer: Framebuffer): void {
    for (const card of this.#cards) card.forget(framebuffer);
  }

  #evictOldest(owned: Set<Framebuffer>, newest: Framebuffer): void {
    for (const framebuffer of owned) {
      if (framebuffer !== newest && !framebuffer.used) {
        framebuffer.orphan();
        return;
      }
    }
  }
}

/** Why nobody but the hardware can make sense of a buffer's bytes; undefined: they are plain rows. */
function secretOf(layout: BufferLayout): string | undefined {
  const implicit = isImplicit(layout);
  if (layout.planes.length > 1 || (!implicit && (layout.modifierHigh !== 0 || layout.modifierLow !== 0)))
    return 'its layout is tiled';
  return implicit && !LINEAR_EXPORTERS.has(exporterOf(layout.planes[0]!.fd))
    ? 'its layout is known to its driver alone'
    : undefined;
}

/** Whether what the card has refused is a dma-buf whose pixels can be read: nothing else is even touched. */
function canCopy(layout: BufferLayout): boolean {
  return exporterOf(layout.planes[0]!.fd) !== '' && secretOf(layout) === undefined;
}

/** Who made a dma-buf; '' for any other file: https://docs.kernel.org/filesystems/proc.html (fdinfo of DMA buffers). */
function exporterOf(fd: number): string {
  try {
    const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    return /^exp_name:\s*(\S+)/m.exec(info)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Up to the last pixel: the last row need not be padded. */
function bytesNeeded({ width, height, planes }: BufferLayout, pixel: number): number {
  const { offset, pitch } = planes[0]!;
  return offset + pitch * (height - 1) + width * pixel;
}

function sameLayout(a: BufferLayout, b: BufferLayout): boolean {
  if (
    a.width !== b.width ||
    a.height !== b.height ||
    a.format !== b.format ||
    a.modifierHigh !== b.modifierHigh ||
    a.modifierLow !== b.modifierLow ||
    a.bottomUp !== b.bottomUp ||
    a.planes.length !== b.planes.length
  )
    return false;
  for (let index = 0; index < a.planes.length; index++) {
    const one = a.planes[index]!;
    const other = b.planes[index]!;
    if (
      one.inode !== other.inode ||
      one.device !== other.device ||
      one.offset !== other.offset ||
      one.pitch !== other.pitch
    )
      return false;
  }
  return true;
}

/** Whether the hardware cannot tell two buffers apart but for their pixels. */
export function sameKind(a: BufferLayout, b: BufferLayout): boolean {
  return (
    a === b ||
    (a.format === b.format &&
      a.modifierHigh === b.modifierHigh &&
      a.modifierLow === b.modifierLow &&
      a.bottomUp === b.bottomUp &&
      a.width === b.width &&
      a.height === b.height &&
      a.planes[0]?.pitch === b.planes[0]?.pitch)
  );
}
