import { monotonic } from '../clock';
import type { ModeInfo } from '../native';
import type { Card } from './card';
import { CursorPace } from './cursor-pace';
import { CursorPlane, type CursorState } from './cursor-plane';
import type { Edges, Placement } from './fit';
import type { Flight } from './flight';
import { refreshOf } from './modes';
import type { Scanout } from './scanout';

const EBUSY = -16;
const EACCES = -13;
/** Of a mode that does not say how often it is refreshed. */
const COMMON_PERIOD_MS = 1000 / 60;

/** What has become of a pointer that was to go to the panel on its own; else `-errno`. */
export const SETTLED = 0;
export const IN_FLIGHT = 1;

/**
 * The pointer of a lit output. Where flips carry it, it goes along with frames, and without one once a refresh at most;
 * else it is told to the card between flips. A frame never waits for it: what the card does not take of a pointer is
 * left out.
 */
export class Pointer {
  private constructor(
    private readonly card: Card,
    private readonly crtc: number,
    private readonly plane: CursorPlane,
    private readonly pace: CursorPace,
    /** Flips carry it. */
    readonly carried: boolean,
  ) {}

  /** `onDue`: the time has come for which `isDue` said to wait; `strip`: the part of the panel it may not cover. */
  static async create(
    card: Card,
    crtc: number,
    mode: ModeInfo,
    onDue: () => void,
    strip: Placement | null,
  ): Promise<Pointer> {
    const refresh = refreshOf(mode);
    const pace = new CursorPace(refresh > 0 ? 1e6 / refresh : COMMON_PERIOD_MS, onDue);
    const carried = card.commit.carriesCursor(crtc);
    return new Pointer(card, crtc, await CursorPlane.create(card.native, carried, strip), pace, carried);
  }

  /** Why it is not on the panel, or not as it should be. */
  get refusal(): string | undefined {
    return this.plane.refusal;
  }

  get shown(): CursorState {
    return this.plane.now;
  }

  /** It moved or changed. */
  touch(): void {
    this.plane.touch();
  }

  /** Whether it has moved, and may go to the panel on its own now. */
  isDue(): boolean {
    return this.plane.stale && this.pace.isDue(monotonic());
  }

  /** Flips to a frame, and to its pointer. Results as of `Commit.flip`. */
  flip(now: Scanout, { source, placement, scanout }: Flight, cookie: number, damage?: Edges): number {
    const { crtc, plane } = this;
    const { commit } = this.card;
    const along = this.carried && plane.prepare(source?.cursor ?? null, placement);
    let result = commit.flip(crtc, now, scanout, cookie, damage, along ? plane : undefined);
    if (along && isRefusal(result))
      result = commit.flip(crtc, now, scanout, cookie, damage, plane.refused(result) ? plane : undefined);
    if (along && result === 0) plane.taken();
    return result;
  }

  /** Brings it to where it is to be on what is shown. */
  move({ source, placement }: Flight, cookie: number): number {
    const { crtc, plane } = this;
    const { commit } = this.card;
    if (!plane.prepare(source?.cursor ?? null, placement)) return SETTLED;
    let result = commit.point(crtc, plane, cookie);
    if (isRefusal(result)) {
      this.pace.pointer(monotonic(), false);
      if (!plane.refused(result)) return SETTLED;
      result = commit.point(crtc, plane, cookie);
    }
    if (result < 0) return result;
    plane.taken();
    if (this.carried) return IN_FLIGHT;
    this.pace.pointer(monotonic(), false);
    return SETTLED;
  }

  /** A frame that was committed at `committed` is on the panel since `at`. */
  frameShown(at: number, committed: number): void {
    if (this.carried) this.pace.frame(at, committed);
  }

  /** It has got there on its own; `overtaken`: a frame came meanwhile. */
  moved(at: number, overtaken: boolean): void {
    this.pace.pointer(at, overtaken);
  }

  /** The CRTC has been set: nothing is on its cursor plane. */
  emptied(): void {
    this.plane.emptied();
  }

  close(): void {
    this.pace.close();
    this.plane.close();
  }
}

function isRefusal(result: number): boolean {
  return result < 0 && result !== EBUSY && result !== EACCES;
}
