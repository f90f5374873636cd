import type { Placement } from './fit';
import type { Framebuffer } from './framebuffers';
import type { Indicator } from './indicator';
import { copyScanout, newScanout, type Scanout } from './scanout';
import type { Source } from './source';

export type Path = 'direct' | 'copy' | 'picture';

/**
 * A frame on its way to the panel, or on it: of whom, which, and the kernel object that must live until it is replaced.
 * Filled anew for every frame, so that none allocates.
 */
export class Flight {
  source: Source | null = null;
  frame = 0;
  framebuffer: Framebuffer | null = null;
  readonly scanout = newScanout();
  /** How the guest's screen stands on the panel; null: it is a picture of ours. */
  placement: Placement | null = null;
  path: Path = 'picture';
  /** What is said above it. */
  indicator: Indicator | null = null;

  begin(
    source: Source,
    frame: number,
    scanout: Scanout,
    framebuffer: Framebuffer | null,
    placement: Placement | null,
    path: Path,
    indicator: Indicator | null,
  ): void {
    this.source = source;
    this.frame = frame;
    copyScanout(scanout, this.scanout);
    this.framebuffer = framebuffer;
    this.placement = placement;
    this.path = path;
    this.indicator = indicator;
    framebuffer?.retain();
  }

  /** It is not, or no longer, on the panel. */
  end(): void {
    this.framebuffer?.release();
    this.framebuffer = null;
    this.source = null;
    this.indicator = null;
  }
}
