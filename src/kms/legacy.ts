import type { NativeCard } from '../native';
import type { Commit, Target } from './commit';
import type { CursorChange } from './cursor-plane';
import type { Scanout } from './scanout';

const EINVAL = -22;

/** drmModeSetCrtc and drmModePageFlip: every driver has them. */
export class LegacyCommit implements Commit {
  readonly name = 'legacy';
  /** SetCrtc takes every modeset lock of the card. */
  readonly exclusive = true;
  readonly implicit = true;
  readonly carriesCursor = false;

  constructor(private readonly card: NativeCard) {}

  hasCursor(): boolean {
    return true;
  }

  async set({ crtc, connector, mode }: Target, { framebuffer, x, y }: Scanout): Promise<void> {
    await this.card.setCrtc(crtc, framebuffer, x, y, [connector], mode);
    // Drivers differ in what becomes of the pointer, ours or that of who was here before.
    this.card.setCursor(crtc, null, 0, 0);
  }

  off(crtc: number): Promise<void> {
    // Left on its plane, it would be on the panel again at the next light.
    this.card.setCursor(crtc, null, 0, 0);
    return this.card.setCrtc(crtc, 0, 0, 0, [], null);
  }

  flip(crtc: number, now: Scanout, next: Scanout, cookie: number): number {
    // A page flip keeps the CRTC's offset into the framebuffer.
    if (now.x !== next.x || now.y !== next.y) return EINVAL;
    return this.card.flip(crtc, next.framebuffer, cookie);
  }

  point(crtc: number, { now, next }: CursorChange): number {
    if (!next.image) return this.card.setCursor(crtc, null, 0, 0);
    // Moved before it is set, so that a new pointer does not flash where the last one was.
    if (!now.image || now.x !== next.x || now.y !== next.y) this.card.moveCursor(crtc, next.x, next.y);
    return now.image === next.image ? 0 : this.card.setCursor(crtc, next.image, next.hotX, next.hotY);
  }

  takesDamage(): boolean {
    return false;
  }

  accepts(): boolean {
    return false;
  }

  release(crtc: number): Promise<void> {
    this.card.setCursor(crtc, null, 0, 0);
    return Promise.resolve();
  }

  close(): void {
    // It holds nothing.
  }
}
