import type { ModeInfo, NativeCard } from '../native';

/** What a CRTC shows, and from where in the framebuffer. */
export interface Scanout {
  readonly framebuffer: number;
  readonly x: number;
  readonly y: number;
}

/** One way of telling a card what to show, chosen once per card. */
export interface Commit {
  readonly name: string;
  /** Lights a CRTC with a mode, or points it elsewhere; may take seconds, and nothing else may commit meanwhile. */
  set(crtc: number, connector: number, mode: ModeInfo, scanout: Scanout): Promise<void>;
  off(crtc: number): Promise<void>;
  /**
   * Shows `next` instead of `now` from the next vblank on, without a modeset; a flip event with `cookie` says when.
   * 0, or `-errno`: EBUSY a commit is in flight, EINVAL this change needs {@link set}, EACCES not master.
   */
  flip(crtc: number, now: Scanout, next: Scanout, cookie: number): number;
}

const EINVAL = -22;

/** drmModeSetCrtc and drmModePageFlip: every driver has them. */
export class LegacyCommit implements Commit {
  readonly name = 'legacy';

  constructor(private readonly card: NativeCard) {}

  set(crtc: number, connector: number, mode: ModeInfo, scanout: Scanout): Promise<void> {
    return this.card.setCrtc(crtc, scanout.framebuffer, scanout.x, scanout.y, [connector], mode);
  }

  off(crtc: number): Promise<void> {
    return this.card.setCrtc(crtc, 0, 0, 0, [], null);
  }

  flip(crtc: number, now: Scanout, next: Scanout, cookie: number): number {
    // A page flip keeps the CRTC's offset into the framebuffer.
    if (now.x !== next.x || now.y !== next.y) return EINVAL;
    return this.card.flip(crtc, next.framebuffer, cookie);
  }
}
