import type { BufferLayout } from '../buffers';
import * as fs from 'node:fs';
import { native, type NativeColours, type NativeMapping } from '../native';
import { exporterOf, makeRows } from './exporters';
import { isImplicit, isLinear, opaque, semiPlanar, type Encoding } from './formats';
import type { Imports } from './imports';
import { excess, misfit, planeEnd, sameMemory } from './plane-bounds';

/** A buffer that cannot be shown, and why, in words for the guest's owner. */
export class BufferRefused extends Error {
  override name = 'BufferRefused';
}

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
  readonly #mappings: NativeMapping[] = [];
  #exporters: readonly string[] | undefined;

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
  /** What made the memory of its planes; '' where the kernel does not say. */
  get exporters(): readonly string[] {
    return (this.#exporters ??= exportersOf(this.layout));
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

  /** What a plane lies in, for the copy path: mapped once. Throws for layouts that are not plain rows. */
  mapping(plane = 0): NativeMapping {
    const { planes } = this.layout;
    const first = planes.findIndex((candidate) => sameMemory(candidate, planes[plane]!));
    return (this.#mappings[first] ??= this.#map(first));
  }

  /** The plane of colours, encoded so; undefined for RGB. */
  colours(encoding: Encoding): NativeColours | undefined {
    const { format, planes } = this.layout;
    const shape = semiPlanar(format);
    if (!shape || encoding === 0) return undefined;
    const { offset, pitch } = planes[1]!;
    return { ...shape, source: this.mapping(1), offset, pitch, encoding };
  }

  #map(plane: number): NativeMapping {
    const { layout } = this;
    const secret = secretOf(layout, this.exporters);
    if (secret !== undefined) throw new BufferRefused(`${secret}: only linear buffers can be copied`);
    return native.mapDmabuf(layout.planes[plane]!.fd, planeEnd(layout, plane));
  }

  #free(): void {
    this.#mappings.forEach((mapping) => {
      mapping.close();
    });
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
    const wrong = misfit(layout);
    if (wrong !== undefined) throw new BufferRefused(wrong);
    const own = { ...layout, planes: layout.planes.map((plane) => ({ ...plane })) };
    const framebuffer = new Framebuffer(this, owner, own);
    try {
      this.#offer(framebuffer, shower);
      // Asked only now that they are known for dma-bufs: any other file's server could keep us waiting.
      // 0: a kernel that does not say (before 5.3); the driver has checked then.
      const small = excess(layout, (plane) => fs.fstatSync(fdOf(layout, plane)).size);
      if (small !== undefined) throw new BufferRefused(small);
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
      if (made.refusal === undefined || canCopy(framebuffer)) return;
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
function secretOf(layout: BufferLayout, exporters: readonly string[]): string | undefined {
  if (isImplicit(layout)) return makeRows(exporters) ? undefined : 'its layout is known to its driver alone';
  return isLinear(layout) ? undefined : 'its layout is tiled';
}

/** Whether what the card has refused are dma-bufs whose pixels can be read: nothing else is even touched. */
function canCopy({ layout, exporters }: Framebuffer): boolean {
  return exporters.every((exporter) => exporter !== '') && secretOf(layout, exporters) === undefined;
}

/** Those that came without an fd of their own are in the first's memory. */
function fdOf({ planes }: BufferLayout, plane: number): number {
  const { fd } = planes[plane]!;
  return fd < 0 ? planes[0]!.fd : fd;
}

function exportersOf({ planes }: BufferLayout): readonly string[] {
  return [...new Set(planes.filter(({ fd }) => fd >= 0).map(({ fd }) => exporterOf(fd)))];
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
      samePitches(a, b))
  );
}

function samePitches({ planes }: BufferLayout, { planes: others }: BufferLayout): boolean {
  if (planes.length !== others.length) return false;
  for (let index = 0; index < planes.length; index++)
    if (planes[index]!.pitch !== others[index]!.pitch) return false;
  return true;
}
