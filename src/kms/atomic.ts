import * as fs from 'node:fs';
import type { NativeCard } from '../native';
import { Changes } from './changes';
import type { Commit, Light, Target } from './commit';
import { callCursor } from './cursor-calls';
import type { CursorChange } from './cursor-plane';
import { isEmpty, Region, type Edges } from './fit';
import { ROTATE_0, type Scanout } from './scanout';
import type { Reset } from './leftovers';
import { cursorPlanes, primaryPlanes, type CrtcPlane } from './planes';
import { Wiring, type Modeset } from './wiring';

const PAGE_FLIP_EVENT = 0x01;
const TEST_ONLY = 0x0100;
const NONBLOCK = 0x0200;
const ALLOW_MODESET = 0x0400;

const EPERM = -1;

/** A light, and what is put right with it; absent: what others left stays. */
interface Asked extends Light {
  readonly resets?: readonly Reset[];
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
  readonly #wiring: Wiring;
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
    this.#wiring = new Wiring(card, planes, cursors);
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
    const resets = this.#wiring.leftovers(target);
    const plainly = (): Promise<boolean> => this.#setAsAsked(target, scanout);
    // Better a picture that others have spoiled than none.
    const seamless = await (resets.length > 0
      ? this.#set([{ target, scanout, resets }]).catch(plainly)
      : plainly());
    this.#isLit(target.crtc, scanout);
    return seamless;
  }

  async setAll(lights: readonly Light[]): Promise<boolean> {
    const seamless = await this.#set(
      lights.map((light) => ({ ...light, resets: this.#wiring.leftovers(light.target) })),
    );
    for (const { target, scanout } of lights) this.#isLit(target.crtc, scanout);
    return seamless;
  }

  async #setAsAsked(target: Target, scanout: Scanout): Promise<boolean> {
    const { signal } = target;
    try {
      return await this.#set([{ target, scanout }]);
    } catch (error) {
      if (!signal || signal.changes.length === 0) throw error;
      // Without what else was asked of it, the card may take the mode.
      const seamless = await this.#set([{ target: { ...target, signal: undefined }, scanout }]);
      signal.refused(error);
      return seamless;
    }
  }

  /** The kernel checks a commit as a whole before it touches anything: one that it refuses has changed nothing. */
  async #set(lights: readonly Asked[]): Promise<boolean> {
    return this.#lit(lights, async ({ triples, count }) => {
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
  async #lit<T>(lights: readonly Asked[], work: (changes: Changes) => T): Promise<Awaited<T>> {
    const changes = new Changes();
    const modesets: Modeset[] = [];
    try {
      for (const { target, scanout, resets = [] } of lights)
        modesets.push({ target, scanout, resets, blob: this.card.createModeBlob(target.mode) });
      this.#wiring.light(changes, modesets);
      return await work(changes);
    } finally {
      // The kernel's state keeps them as long as the modes are set.
      for (const { blob } of modesets) this.card.destroyBlob(blob);
    }
  }

  async off(crtc: number): Promise<void> {
    const changes = new Changes();
    this.#wiring.off(changes, crtc);
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
    if (cursor) changes.point(this.cursors.get(crtc)!, crtc, cursor);
    const plane = this.planes.get(crtc)!;
    changes.show(plane, now, next);
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
    changes.point(this.cursors.get(crtc)!, crtc, cursor);
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
    changes.show(plane, undefined, scanout);
    return this.card.atomic(changes.triples, changes.count, TEST_ONLY, 0) === 0;
  }

  /** Whether everything that a modeset says is taken; `flags` have TEST_ONLY. */
  #passes(target: Target, scanout: Scanout, flags: number): boolean {
    const changes = new Changes();
    const blob = this.card.createModeBlob(target.mode);
    this.#wiring.light(changes, [{ target, scanout, blob, resets: this.#wiring.leftovers(target) }]);
    const result = this.card.atomic(changes.triples, changes.count, flags, 0);
    this.card.destroyBlob(blob);
    return result === 0;
  }

  async lights(target: Target, scanout: Scanout): Promise<void> {
    await this.#lit([{ target: { ...target, signal: undefined }, scanout }], ({ triples, count }) =>
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
      changes.colours(plane, 0);
    }
    this.#hideByCall(crtc);
    const cursor = this.cursors.get(crtc);
    if (cursor && this.card.plane(cursor.id).crtcId === crtc) changes.clear(cursor);
    if (changes.count > 0) await this.card.atomicSet(changes.triples, changes.count, 0);
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

  #isLit(crtc: number, scanout: Scanout): void {
    this.#remember(crtc, scanout);
    this.#hideByCall(crtc);
  }

  #remember(crtc: number, { rotation, encoding }: Scanout): void {
    if (rotation === ROTATE_0 && encoding === 0) this.#altered.delete(crtc);
    else this.#altered.add(crtc);
  }
}
