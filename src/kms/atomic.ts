import * as fs from 'node:fs';
import type { NativeCard } from '../native';
import type { Commit, Target } from './commit';
import { callCursor } from './cursor-calls';
import type { CursorChange } from './cursor-plane';
import { isEmpty, Region, type Edges } from './fit';
import type { Encoding } from './formats';
import { ROTATE_0, type Scanout } from './scanout';
import { findProperty, OBJECT_CONNECTOR, OBJECT_CRTC, OBJECT_PLANE } from './connector';
import { leftovers, type Reset, type Used } from './leftovers';
import { cursorPlanes, primaryPlanes, type CrtcPlane } from './planes';

const PAGE_FLIP_EVENT = 0x01;
const TEST_ONLY = 0x0100;
const NONBLOCK = 0x0200;
const ALLOW_MODESET = 0x0400;

const EPERM = -1;

const MAX_CHANGES = 512;
const LINK_STATUS_GOOD = 0;

/** What is told to the kernel in one commit: (object, property, value), those of one object together. */
class Changes {
  readonly triples = new Float64Array(MAX_CHANGES * 3);
  count = 0;

  add(object: number, property: number, value: number): void {
    const at = this.count++ * 3;
    this.triples[at] = object;
    this.triples[at + 1] = property;
    this.triples[at + 2] = value;
  }
}

function clear(changes: Changes, plane: CrtcPlane): void {
  changes.add(plane.id, plane.framebufferId, 0);
  changes.add(plane.id, plane.crtcId, 0);
}

function tellColours(changes: Changes, { id, colours }: CrtcPlane, encoding: Encoding): void {
  const value = colours?.encodings[encoding];
  if (!colours || value === undefined) return;
  changes.add(id, colours.encoding, value);
  if (colours.range !== 0) changes.add(id, colours.range, colours.ranges[encoding]);
}

/**
 * Atomic commits: https://docs.kernel.org/gpu/drm-kms.html#atomic-mode-setting
 *
 * A frame carries what changed of the primary plane and nothing else: some monitors blank when connector properties
 * are sent again, and CRTC properties may cost a modeset.
 */
export class AtomicCommit implements Commit {
  readonly name = 'atomic';
  readonly exclusive = false;
  /** Used again for every frame, so that none allocates. */
  readonly #frame = new Changes();
  /** CRTCs whose primary plane has been told more than a picture needs that lies as it is, in RGB. */
  readonly #altered = new Set<number>();
  /** The damage told last, by plane. */
  readonly #clips = new Map<number, { id: number; readonly edges: Region }>();
  /**
   * A fence that has signalled, given along with every flip: who commits has waited for the guest's own, and the
   * kernel then waits for none that were added since. Negative: there is no such thing here.
   */
  #fence: number;

  private constructor(
    private readonly card: NativeCard,
    private readonly planes: ReadonlyMap<number, CrtcPlane>,
    private readonly cursors: ReadonlyMap<number, CrtcPlane>,
  ) {
    this.#fence = [...planes.values()].every(({ inFence }) => inFence !== 0) ? card.signalledFence() : -1;
  }

  get implicit(): boolean {
    return this.#fence < 0;
  }

  /** undefined: the card cannot be driven this way. Needs the client capability ATOMIC. */
  static create(card: NativeCard, crtcs: readonly number[]): AtomicCommit | undefined {
    const planes = primaryPlanes(card, crtcs);
    if (planes.size < crtcs.length) return undefined;
    return new AtomicCommit(card, planes, cursorPlanes(card, crtcs));
  }

  carriesCursor(crtc: number): boolean {
    return this.cursors.has(crtc);
  }

  async set(target: Target, scanout: Scanout): Promise<boolean> {
    const resets = leftovers(this.card, this.#objects(target));
    const plainly = (): Promise<boolean> => this.#setAsAsked(target, scanout);
    // Better a picture that others have spoiled than none.
    const seamless = await (resets.length > 0
      ? this.#set(target, scanout, resets).catch(plainly)
      : plainly());
    this.#remember(target.crtc, scanout);
    this.#hideByCall(target.crtc);
    return seamless;
  }

  async #setAsAsked(target: Target, scanout: Scanout): Promise<boolean> {
    const { signal } = target;
    try {
      return await this.#set(target, scanout);
    } catch (error) {
      if (!signal || signal.changes.length === 0) throw error;
      // Without what else was asked of it, the card may take the mode.
      const seamless = await this.#set({ ...target, signal: undefined }, scanout);
      signal.refused(error);
      return seamless;
    }
  }

  async #set(target: Target, scanout: Scanout, resets?: readonly Reset[]): Promise<boolean> {
    return this.#lit(target, scanout, resets, async ({ triples, count }) => {
      // Only where it must: with ALLOW_MODESET a driver may disturb other CRTCs, too.
      const seamless = await this.card.atomicSet(triples, count, TEST_ONLY).then(
        () => true,
        () => false,
      );
      await this.card.atomicSet(triples, count, seamless ? 0 : ALLOW_MODESET);
      return seamless;
    });
  }

  /** Does something with everything that a modeset says. */
  async #lit<T>(
    target: Target,
    scanout: Scanout,
    resets: readonly Reset[] | undefined,
    work: (changes: Changes) => T,
  ): Promise<Awaited<T>> {
    const changes = new Changes();
    const blob = this.card.createModeBlob(target.mode);
    try {
      this.#light(changes, target, scanout, blob, resets);
      return await work(changes);
    } finally {
      // The kernel's state keeps it as long as the mode is set.
      this.card.destroyBlob(blob);
    }
  }

  async off(crtc: number): Promise<void> {
    const changes = new Changes();
    this.#detach(changes, crtc, 0);
    this.#darken(changes, crtc);
    this.#hideByCall(crtc);
    await this.card.atomicSet(changes.triples, changes.count, ALLOW_MODESET);
  }

  takesDamage(crtc: number): boolean {
    return this.planes.get(crtc)!.damage !== 0;
  }

  flip(
    crtc: number,
    now: Scanout,
    next: Scanout,
    cookie: number,
    damage?: Edges,
    cursor?: CursorChange,
  ): number {
    const changes = this.#frame;
    changes.count = 0;
    if (cursor) this.#point(changes, crtc, cursor);
    const plane = this.planes.get(crtc)!;
    this.#show(changes, plane, now, next);
    if (damage) this.#tellDamage(changes, plane, next, damage);
    const { count } = changes;
    if (this.#fence >= 0) changes.add(plane.id, plane.inFence, this.#fence);
    let result = this.card.atomic(changes.triples, changes.count, NONBLOCK | PAGE_FLIP_EVENT, cookie);
    if (result === EPERM && this.#fence >= 0) {
      // NVIDIA's driver has the property and refuses it: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/622
      this.#dropFence();
      result = this.card.atomic(changes.triples, count, NONBLOCK | PAGE_FLIP_EVENT, cookie);
    }
    if (result === 0 && (now.rotation !== next.rotation || now.encoding !== next.encoding))
      this.#remember(crtc, next);
    return result;
  }

  point(crtc: number, cursor: CursorChange, cookie: number): number {
    if (!this.carriesCursor(crtc)) return callCursor(this.card, crtc, cursor);
    const changes = this.#frame;
    changes.count = 0;
    this.#point(changes, crtc, cursor);
    return this.card.atomic(changes.triples, changes.count, NONBLOCK | PAGE_FLIP_EVENT, cookie);
  }

  isSeamless(target: Target, scanout: Scanout): boolean {
    return this.#passes(target, scanout, TEST_ONLY);
  }

  accepts(target: Target, lit: boolean, scanout: Scanout): boolean {
    const plane = this.planes.get(target.crtc)!;
    if ((scanout.rotation & ~plane.rotations) !== 0) return false;
    if (scanout.encoding !== 0 && plane.colours?.encodings[scanout.encoding] === undefined) return false;
    if (!lit) return this.#passes(target, scanout, TEST_ONLY | ALLOW_MODESET);
    const changes = new Changes();
    this.#show(changes, plane, undefined, scanout);
    return this.card.atomic(changes.triples, changes.count, TEST_ONLY, 0) === 0;
  }

  /** Whether everything that a modeset says is taken; `flags` have TEST_ONLY. */
  #passes(target: Target, scanout: Scanout, flags: number): boolean {
    const changes = new Changes();
    const blob = this.card.createModeBlob(target.mode);
    this.#light(changes, target, scanout, blob, leftovers(this.card, this.#objects(target)));
    const result = this.card.atomic(changes.triples, changes.count, flags, 0);
    this.card.destroyBlob(blob);
    return result === 0;
  }

  async lights(target: Target, scanout: Scanout): Promise<void> {
    await this.#lit({ ...target, signal: undefined }, scanout, undefined, ({ triples, count }) =>
      this.card.atomicSet(triples, count, TEST_ONLY | ALLOW_MODESET),
    );
  }

  close(): void {
    this.#dropFence();
    for (const { id } of this.#clips.values()) this.card.destroyBlob(id);
    this.#clips.clear();
  }

  /** A rotation, and how YUV is read, would stay with the plane, the pointer on the panel. */
  async release(crtc: number): Promise<void> {
    const changes = new Changes();
    const plane = this.planes.get(crtc);
    if (plane && this.#altered.delete(crtc)) {
      if (plane.rotation !== 0) changes.add(plane.id, plane.rotation, ROTATE_0);
      tellColours(changes, plane, 0);
    }
    this.#hideByCall(crtc);
    const cursor = this.cursors.get(crtc);
    if (cursor && this.card.plane(cursor.id).crtcId === crtc) clear(changes, cursor);
    if (changes.count > 0) await this.card.atomicSet(changes.triples, changes.count, 0);
  }

  /** What of a card a target uses. */
  #objects({ crtc, connector }: Target): Used {
    return { crtc, connector, primary: this.planes.get(crtc)!.id, cursor: this.cursors.get(crtc)?.id };
  }

  /** Everything that a modeset of one CRTC says. */
  #light(
    changes: Changes,
    target: Target,
    scanout: Scanout,
    blob: number,
    resets: readonly Reset[] = [],
  ): void {
    const { crtc, connector, signal } = target;
    const alsoOf = (of: number): void => {
      for (const also of [signal?.changes ?? [], resets])
        for (const { object, property, value } of also)
          if (object === of) changes.add(object, property, value);
    };
    this.#detach(changes, crtc, connector);
    changes.add(connector, this.#property(connector, OBJECT_CONNECTOR, 'CRTC_ID'), crtc);
    // Said by us, the link is trained anew: https://docs.kernel.org/gpu/drm-kms.html (link-status)
    const linkStatus = findProperty(this.card, connector, OBJECT_CONNECTOR, 'link-status');
    if (linkStatus) changes.add(connector, linkStatus.id, LINK_STATUS_GOOD);
    alsoOf(connector);
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'MODE_ID'), blob);
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'ACTIVE'), 1);
    alsoOf(crtc);
    const plane = this.planes.get(crtc)!;
    changes.add(plane.id, plane.crtcId, crtc);
    this.#show(changes, plane, undefined, scanout);
    alsoOf(plane.id);
    const cursor = this.cursors.get(crtc);
    if (cursor) {
      if (this.card.plane(cursor.id).crtcId === crtc) clear(changes, cursor);
      alsoOf(cursor.id);
    }
    // What another client left on this CRTC would lie over the guest.
    const kept = [plane.id, cursor?.id ?? 0];
    this.#clearPlanes(changes, crtc, kept);
    // Where another client had the connector nothing may be left that is on without one: the kernel refuses it.
    const left = this.#crtcOf(connector);
    const { connectors } = this.card.resources();
    if (
      left !== 0 &&
      left !== crtc &&
      !connectors.some((id) => id !== connector && this.#crtcOf(id) === left)
    )
      this.#darken(changes, left, kept);
  }

  /** What a plane shows and where, as far as that is not so already. SRC_* are 16.16 fixed point. */
  #show(changes: Changes, plane: CrtcPlane, now: Scanout | undefined, next: Scanout): void {
    const { id } = plane;
    changes.add(id, plane.framebufferId, next.framebuffer);
    if (now?.x !== next.x) changes.add(id, plane.srcX, next.x * 65536);
    if (now?.y !== next.y) changes.add(id, plane.srcY, next.y * 65536);
    if (now?.panelX !== next.panelX) changes.add(id, plane.crtcX, next.panelX);
    if (now?.panelY !== next.panelY) changes.add(id, plane.crtcY, next.panelY);
    if (now?.width !== next.width) changes.add(id, plane.srcWidth, next.width * 65536);
    if (now?.height !== next.height) changes.add(id, plane.srcHeight, next.height * 65536);
    if (now?.panelWidth !== next.panelWidth) changes.add(id, plane.crtcWidth, next.panelWidth);
    if (now?.panelHeight !== next.panelHeight) changes.add(id, plane.crtcHeight, next.panelHeight);
    if (plane.rotation !== 0 && now?.rotation !== next.rotation)
      changes.add(id, plane.rotation, next.rotation);
    if (now?.encoding !== next.encoding) tellColours(changes, plane, next.encoding);
  }

  /** What the cursor plane shows and where, as far as that is not so already. */
  #point(changes: Changes, crtc: number, { now, next }: CursorChange): void {
    const plane = this.cursors.get(crtc)!;
    const { id } = plane;
    const { image } = next;
    if (!image) {
      clear(changes, plane);
      return;
    }
    const fresh = now.image === null;
    if (fresh) {
      changes.add(id, plane.crtcId, crtc);
      changes.add(id, plane.srcX, 0);
      changes.add(id, plane.srcY, 0);
      changes.add(id, plane.srcWidth, image.width * 65536);
      changes.add(id, plane.srcHeight, image.height * 65536);
      changes.add(id, plane.crtcWidth, image.width);
      changes.add(id, plane.crtcHeight, image.height);
    }
    if (now.image !== image) changes.add(id, plane.framebufferId, image.framebuffer);
    if (fresh || now.x !== next.x) changes.add(id, plane.crtcX, next.x);
    if (fresh || now.y !== next.y) changes.add(id, plane.crtcY, next.y);
    if (plane.hotspotX !== 0 && (fresh || now.hotX !== next.hotX)) changes.add(id, plane.hotspotX, next.hotX);
    if (plane.hotspotY !== 0 && (fresh || now.hotY !== next.hotY)) changes.add(id, plane.hotspotY, next.hotY);
  }

  /** A cursor plane that the kernel does not show us is not among those that a commit clears. */
  #hideByCall(crtc: number): void {
    if (!this.carriesCursor(crtc)) this.card.setCursor(crtc, null, 0, 0);
  }

  /** FB_DAMAGE_CLIPS: one rectangle, in the framebuffer, and only where that spares the driver most of the work. */
  #tellDamage(changes: Changes, plane: CrtcPlane, shown: Scanout, damage: Edges): void {
    const { left, top, right, bottom } = damage;
    if ((right - left) * (bottom - top) * 2 > shown.width * shown.height || isEmpty(damage)) return;
    let clip = this.#clips.get(plane.id);
    if (!clip) this.#clips.set(plane.id, (clip = { id: 0, edges: new Region() }));
    const { edges } = clip;
    // A blinking text cursor, a clock: the same rectangle again and again.
    const same = edges.left === left && edges.top === top && edges.right === right && edges.bottom === bottom;
    if (!same || clip.id === 0) {
      // The kernel's state keeps what it still needs.
      if (clip.id !== 0) this.card.destroyBlob(clip.id);
      clip.id = Math.max(0, this.card.createDamageBlob(left, top, right, bottom));
      edges.clear();
      edges.addAll(damage);
    }
    if (clip.id !== 0) changes.add(plane.id, plane.damage, clip.id);
  }

  #dropFence(): void {
    if (this.#fence >= 0) fs.closeSync(this.#fence);
    this.#fence = -1;
  }

  /** Takes connectors other than `keep` off a CRTC: ours, and those of whoever was here before. */
  #detach(changes: Changes, crtc: number, keep: number): void {
    for (const id of this.card.resources().connectors) {
      if (id !== keep && this.#crtcOf(id) === crtc)
        changes.add(id, this.#property(id, OBJECT_CONNECTOR, 'CRTC_ID'), 0);
    }
  }

  /** 0: none drives it. */
  #crtcOf(connector: number): number {
    return Number(findProperty(this.card, connector, OBJECT_CONNECTOR, 'CRTC_ID')?.value ?? 0);
  }

  /** What switches a CRTC off, but for its connectors. */
  #darken(changes: Changes, crtc: number, keepPlanes: readonly number[] = []): void {
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'ACTIVE'), 0);
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'MODE_ID'), 0);
    this.#clearPlanes(changes, crtc, keepPlanes);
  }

  #clearPlanes(changes: Changes, crtc: number, keep: readonly number[]): void {
    for (const id of this.card.planes()) {
      if (keep.includes(id) || this.card.plane(id).crtcId !== crtc) continue;
      changes.add(id, this.#property(id, OBJECT_PLANE, 'FB_ID'), 0);
      changes.add(id, this.#property(id, OBJECT_PLANE, 'CRTC_ID'), 0);
    }
  }

  #property(object: number, type: number, name: string): number {
    const found = findProperty(this.card, object, type, name);
    if (!found) throw new Error(`object ${object} has no property ${name}`);
    return found.id;
  }

  #remember(crtc: number, { rotation, encoding }: Scanout): void {
    if (rotation === ROTATE_0 && encoding === 0) this.#altered.delete(crtc);
    else this.#altered.add(crtc);
  }
}
