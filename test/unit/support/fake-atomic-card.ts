import { sameMode } from '../../../src/kms/modes';
import type { ModeInfo, NativeCard, PropertyInfo } from '../../../src/native';
import { EBUSY, EINVAL, FakeCard, systemError } from './fake-card';

const PLANE = 0xeeeeeeee;
const [EVENT, TEST, NONBLOCK, ALLOW_MODESET] = [0x01, 0x0100, 0x0200, 0x0400];
const FIRST_CRTC = 40;
const PRIMARY = 60;
const CURSOR = 70;
const NAMES = [
  'type', 'CRTC_ID', 'FB_ID', 'SRC_X', 'SRC_Y', 'SRC_W', 'SRC_H', 'CRTC_X', 'CRTC_Y', 'CRTC_W', 'CRTC_H', 'HOTSPOT_X',
  'HOTSPOT_Y', 'ACTIVE', 'MODE_ID', 'FB_DAMAGE_CLIPS',
]; // prettier-ignore

/** A commit to a running CRTC: with a new frame, the pointer, or both. */
interface RunningCommit {
  readonly crtc: number;
  readonly frame: boolean;
  readonly pointer: boolean;
}

/** A {@link FakeCard} of atomic commits, whose CRTCs have a primary and a cursor plane each; planes do not scale. */
export class FakeAtomicCard extends FakeCard {
  readonly commits: RunningCommit[] = [];
  /** Commits that were carried out and waited for: the CRTCs that they set. */
  readonly waited: { readonly crtcs: readonly number[]; readonly seamless: boolean }[] = [];
  /** Blobs of modes that were not destroyed. */
  readonly modeBlobs = new Set<number>();
  /** CRTCs that can be on at the same time. */
  capacity = Infinity;
  /** CRTCs that cannot be lit. */
  readonly refused = new Set<number>();
  /** What a commit with a pointer in it is answered with. */
  pointerError = 0;
  /** Values that were set, by object and property. */
  readonly #state = new Map<string, number>();
  readonly #modes = new Map<number, ModeInfo>();
  #blob = 0;

  /** What the cursor plane of a CRTC shows, and where. */
  pointer(crtc: number): { framebuffer: number; x: number; y: number; hotX: number; hotY: number } | null {
    const plane = CURSOR + crtc - FIRST_CRTC;
    if (this.#value(plane, 'CRTC_ID') === 0) return null;
    return {
      framebuffer: this.#value(plane, 'FB_ID'),
      x: this.#value(plane, 'CRTC_X'),
      y: this.#value(plane, 'CRTC_Y'),
      hotX: this.#value(plane, 'HOTSPOT_X'),
      hotY: this.#value(plane, 'HOTSPOT_Y'),
    };
  }

  override setClientCapability = (): number => 0;
  planes = (): number[] =>
    [PRIMARY, CURSOR].flatMap((first) => Array.from({ length: this.crtcCount }, (_, index) => first + index));
  plane = (id: number): object => ({
    id,
    crtcId: this.#value(id, 'CRTC_ID'),
    possibleCrtcs: 1 << (id % 10),
    formats: [],
    framebuffer: 0,
  });
  override properties = (id: number, type?: number): unknown[] => {
    const all = NAMES.map((name, index): PropertyInfo => {
      const value = name === 'type' ? (id >= CURSOR ? 2n : 1n) : BigInt(this.#value(id, name));
      return { id: index + 1, name, flags: 0, value, enums: [] };
    });
    return type === PLANE || id >= FIRST_CRTC ? all : [...all, ...this.connectorProperties(id)];
  };
  createModeBlob: NativeCard['createModeBlob'] = (mode) => {
    this.#modes.set(++this.#blob, mode);
    this.modeBlobs.add(this.#blob);
    return this.#blob;
  };
  createDamageBlob = (): number => ++this.#blob;
  destroyBlob = (id: number): void => {
    this.modeBlobs.delete(id);
  };
  signalledFence = (): number => -25;

  atomic: NativeCard['atomic'] = (triples, count, flags, cookie) => {
    const changes = this.#read(triples, count);
    const scaled = changes.some(
      ([object, name, value]) => name === 'SRC_W' && this.#after(changes, object, 'CRTC_W') !== value / 65536,
    );
    if (scaled) return EINVAL;
    if ((flags & TEST) !== 0) return 0;
    if (flags !== (NONBLOCK | EVENT)) this.wrongs.push(`flags 0x${flags.toString(16)} make the loop wait`);
    const result = this.flipResults.shift() ?? 0;
    if (result !== 0) return result;
    const crtcs = new Set(
      changes.flatMap(([object]) => [
        this.#value(object, 'CRTC_ID'),
        this.#after(changes, object, 'CRTC_ID'),
      ]),
    );
    crtcs.delete(0);
    if (crtcs.size !== 1) return EINVAL; // Nothing there that could have an event.
    const [crtc = 0] = crtcs;
    const pointer = changes.some(([object]) => object >= CURSOR);
    if (pointer && this.pointerError !== 0 && changes.some(([object, , to]) => object >= CURSOR && to !== 0))
      return this.pointerError;
    if (this.inFlight.has(crtc)) {
      this.wrongs.push('a commit while one is in flight');
      return EBUSY;
    }
    const framebuffer = changes.find(([object, name]) => object < CURSOR && name === 'FB_ID')?.[2];
    const flip = { crtc, framebuffer: framebuffer ?? 0, cookie };
    if (framebuffer !== undefined) this.flips.push(flip);
    this.inFlight.set(crtc, flip);
    this.commits.push({ crtc, frame: framebuffer !== undefined, pointer });
    this.#apply(changes);
    return 0;
  };

  atomicSet: NativeCard['atomicSet'] = async (triples, count, flags) => {
    const changes = this.#read(triples, count);
    const modes = new Map(
      changes
        .filter(([, name]) => name === 'MODE_ID')
        .map(([crtc, , blob]) => [crtc, this.#modes.get(blob) ?? null] as const),
    );
    const crtcs = [...modes].filter(([, to]) => to).map(([crtc]) => crtc);
    const isSame = ([crtc, to]: readonly [number, ModeInfo | null]): boolean => {
      const now = this.modes.get(crtc);
      return to !== null && !!now && sameMode(to, now);
    };
    if ((flags & ALLOW_MODESET) === 0 && ![...modes].every(isSame))
      throw systemError('EINVAL', EINVAL, 'ioctl(DRM_IOCTL_MODE_ATOMIC)');
    const lit = [...new Map([...this.modes, ...modes]).values()].filter((mode) => mode);
    if (crtcs.length > 0 && (lit.length > this.capacity || crtcs.some((crtc) => this.refused.has(crtc))))
      throw systemError('ENOSPC', -28, 'ioctl(DRM_IOCTL_MODE_ATOMIC)');
    if ((flags & TEST) !== 0) {
      const refusal = (flags & ALLOW_MODESET) !== 0 ? this.setErrors.shift() : this.setErrors[0];
      if (refusal) throw refusal;
      return;
    }
    // The kernel waits for what is in flight on the CRTC, whose event then comes as well.
    for (const crtc of modes.keys()) this.inFlight.delete(crtc);
    const [which] = crtcs.length > 0 ? crtcs : modes.keys();
    await this.wait(which === undefined ? 'release' : `${crtcs.length > 0 ? 'set' : 'off'} ${which}`);
    const error = crtcs.length > 0 ? this.setErrors.shift() : undefined;
    if (error) throw error;
    this.#apply(changes);
    if (modes.size === 0) return;
    for (const [crtc, to] of modes) {
      this.modes.set(crtc, to);
      const primary = PRIMARY + crtc - FIRST_CRTC;
      const framebuffer = to ? this.#value(primary, 'FB_ID') : 0;
      this.sets.push({ crtc, framebuffer, x: 0, y: 0, mode: null });
      this.shown.set(crtc, framebuffer);
    }
    this.waited.push({ crtcs, seamless: (flags & ALLOW_MODESET) === 0 });
  };

  #read(triples: Float64Array, count: number): [object: number, name: string, value: number][] {
    return Array.from({ length: count }, (_, index) => {
      const [object = 0, property = 0, value = 0] = triples.subarray(index * 3, index * 3 + 3);
      return [object, NAMES[property - 1]!, value];
    });
  }

  #apply(changes: readonly (readonly [number, string, number])[]): void {
    for (const [object, name, value] of changes) this.#state.set(`${object} ${name}`, value);
  }

  #after(changes: readonly (readonly [number, string, number])[], object: number, name: string): number {
    return changes.findLast(([of, what]) => of === object && what === name)?.[2] ?? this.#value(object, name);
  }

  #value(object: number, name: string): number {
    return this.#state.get(`${object} ${name}`) ?? 0;
  }
}
