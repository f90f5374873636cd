import type { NativeCard } from '../native';
import type { Commit, Target } from './commit';
import type { Scanout } from './scanout';

const EINVAL = -22;

/** drmModeSetCrtc and drmModePageFlip: every driver has them. */
export class LegacyCommit implements Commit {
  readonly name = 'legacy';
  /** SetCrtc takes every modeset lock of the card. */
  readonly exclusive = true;
  readonly implicit = true;

  constructor(private readonly card: NativeCard) {}

  set({ crtc, connector, mode }: Target, { framebuffer, x, y }: Scanout): Promise<void> {
    return this.card.setCrtc(crtc, framebuffer, x, y, [connector], mode);
  }

  off(crtc: number): Promise<void> {
    return this.card.setCrtc(crtc, 0, 0, 0, [], null);
  }

  flip(crtc: number, now: Scanout, next: Scanout, cookie: number): number {
    // A page flip keeps the CRTC's offset into the framebuffer.
    if (now.x !== next.x || now.y !== next.y) return EINVAL;
    return this.card.flip(crtc, next.framebuffer, cookie);
  }

  takesDamage(): boolean {
    return false;
  }

  accepts(): boolean {
    return false;
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // It holds nothing.
  }
}
