import type { NativeCard } from '../native';
import type { Changes } from './changes';
import type { Light, Target } from './commit';
import { findProperty, OBJECT_CONNECTOR, OBJECT_CRTC, OBJECT_PLANE } from './connector';
import { leftovers, type Reset, type Used } from './leftovers';
import type { CrtcPlane } from './planes';

const LINK_STATUS_GOOD = 0;

/** A light with what only the commit that makes it knows. */
export interface Modeset extends Light {
  /** Of the mode. */
  readonly blob: number;
  readonly resets: readonly Reset[];
}

/**
 * What a modeset says of connectors, CRTCs and planes: which belong together from then on, and what is taken off them
 * that was there before, ours or another client's.
 */
export class Wiring {
  constructor(
    private readonly card: NativeCard,
    private readonly planes: ReadonlyMap<number, CrtcPlane>,
    private readonly cursors: ReadonlyMap<number, CrtcPlane>,
  ) {}

  /** What other programs have left on the objects that a target uses, and how that is put right. */
  leftovers(target: Target): Reset[] {
    return leftovers(this.card, this.#used(target));
  }

  /** Everything that is said to light CRTCs together: of no object twice. */
  light(changes: Changes, modesets: readonly Modeset[]): void {
    const used = modesets.map(({ target }) => this.#used(target));
    const crtcs = new Set(used.map(({ crtc }) => crtc));
    const lit = new Set(used.map(({ connector }) => connector));
    const kept = new Set(
      used.flatMap(({ primary, cursor }) => (cursor === undefined ? [primary] : [primary, cursor])),
    );
    this.#detach(changes, crtcs, lit);
    for (const modeset of modesets) this.#lightOne(changes, modeset, crtcs, kept);
    for (const crtc of this.#leftAlone(crtcs, lit)) this.#darken(changes, crtc, kept);
  }

  /** Takes a CRTC's connectors and planes off, and switches it off. */
  off(changes: Changes, crtc: number): void {
    this.#detach(changes, new Set([crtc]));
    this.#darken(changes, crtc);
  }

  #lightOne(
    changes: Changes,
    { target, scanout, blob, resets }: Modeset,
    crtcs: ReadonlySet<number>,
    kept: ReadonlySet<number>,
  ): void {
    const { crtc, connector, signal } = target;
    const alsoOf = (of: number): void => {
      for (const also of [signal?.changes ?? [], resets])
        for (const { object, property, value } of also)
          if (object === of) changes.add(object, property, value);
    };
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
    changes.show(plane, undefined, scanout);
    alsoOf(plane.id);
    const cursor = this.cursors.get(crtc);
    if (cursor) {
      if (crtcs.has(this.card.plane(cursor.id).crtcId)) changes.clear(cursor);
      alsoOf(cursor.id);
    }
    // What another client left on this CRTC would lie over the guest.
    this.#clearPlanes(changes, crtc, kept);
  }

  /** What of a card a target uses. */
  #used({ crtc, connector }: Target): Used {
    return { crtc, connector, primary: this.planes.get(crtc)!.id, cursor: this.cursors.get(crtc)?.id };
  }

  /** Takes connectors that are not lit now off CRTCs: ours, and those of whoever was here before. */
  #detach(changes: Changes, crtcs: ReadonlySet<number>, lit: ReadonlySet<number> = new Set()): void {
    for (const id of this.card.resources().connectors) {
      if (!lit.has(id) && crtcs.has(this.#crtcOf(id)))
        changes.add(id, this.#property(id, OBJECT_CONNECTOR, 'CRTC_ID'), 0);
    }
  }

  /**
   * The CRTCs that another client drove the connectors with that are lit by others now. Nothing may be left that is on
   * without a connector: the kernel refuses it.
   */
  #leftAlone(crtcs: ReadonlySet<number>, lit: ReadonlySet<number>): Set<number> {
    const left = new Set([...lit].map((connector) => this.#crtcOf(connector)));
    for (const id of this.card.resources().connectors) if (!lit.has(id)) left.delete(this.#crtcOf(id));
    for (const crtc of [0, ...crtcs]) left.delete(crtc);
    return left;
  }

  /** 0: none drives it. */
  #crtcOf(connector: number): number {
    return Number(findProperty(this.card, connector, OBJECT_CONNECTOR, 'CRTC_ID')?.value ?? 0);
  }

  /** What switches a CRTC off, but for its connectors. */
  #darken(changes: Changes, crtc: number, keepPlanes: ReadonlySet<number> = new Set()): void {
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'ACTIVE'), 0);
    changes.add(crtc, this.#property(crtc, OBJECT_CRTC, 'MODE_ID'), 0);
    this.#clearPlanes(changes, crtc, keepPlanes);
  }

  #clearPlanes(changes: Changes, crtc: number, keep: ReadonlySet<number>): void {
    for (const id of this.card.planes()) {
      if (keep.has(id) || this.card.plane(id).crtcId !== crtc) continue;
      changes.add(id, this.#property(id, OBJECT_PLANE, 'FB_ID'), 0);
      changes.add(id, this.#property(id, OBJECT_PLANE, 'CRTC_ID'), 0);
    }
  }

  #property(object: number, type: number, name: string): number {
    const found = findProperty(this.card, object, type, name);
    if (!found) throw new Error(`object ${object} has no property ${name}`);
    return found.id;
  }
}
