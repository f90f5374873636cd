import type { NativeCard } from '../native';
import type { Commit, Target } from './commit';
import { callCursor } from './cursor-calls';
import type { CursorChange } from './cursor-plane';
import { sameMode } from './modes';
import { isPlain, type Scanout } from './scanout';

const EINVAL = -22;

/** drmModeSetCrtc and drmModePageFlip: every driver has them. */
export class LegacyCommit implements Commit {
  readonly name = 'legacy';
  /** SetCrtc takes every modeset lock of the card. */
  readonly exclusive = true;
  readonly implicit = true;

  constructor(private readonly card: NativeCard) {}

  carriesCursor(): boolean {
    return false;
  }

  async set(target: Target, { framebuffer, x, y }: Scanout): Promise<boolean> {
    const { crtc, connector, mode, signal } = target;
    const seamless = this.isSeamless(target);
    for (const change of signal?.changes ?? []) {
      const { object, type, property, value } = change;
      await this.card.setProperty(object, type, property, value).catch((error: unknown) => {
        signal?.refused(error, change);
      });
    }
    await this.card.setCrtc(crtc, framebuffer, x, y, [connector], mode);
    // Drivers differ in what becomes of the pointer, ours or that of who was here before.
    this.card.setCursor(crtc, null, 0, 0);
    return seamless;
  }

  isSeamless({ crtc, mode }: Target): boolean {
    const now = this.card.crtc(crtc).mode;
    return now !== null && sameMode(now, mode);
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

  point(crtc: number, cursor: CursorChange): number {
    return callCursor(this.card, crtc, cursor);
  }

  takesDamage(): boolean {
    return false;
  }

  accepts({ mode }: Target, _lit: boolean, scanout: Scanout): boolean {
    // There is no way of saying how YUV is encoded.
    return isPlain(scanout, mode) && scanout.encoding === 0;
  }

  async lights(target: Target, scanout: Scanout): Promise<void> {
    // Nothing less than doing it tells.
    await this.set(target, scanout);
  }

  release(crtc: number): Promise<void> {
    this.card.setCursor(crtc, null, 0, 0);
    return Promise.resolve();
  }

  close(): void {
    // It holds nothing.
  }
}
