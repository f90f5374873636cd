import type { CursorImage, PixelMemory, Viewport } from '../buffers';
import type { NativeDumb } from '../native';
import type { Edges } from './fit';
import type { Framebuffer } from './framebuffers';

/** A pointer image and where it stands in its screen. */
export interface Cursor {
  /** null: the guest has defined none. */
  readonly image: CursorImage | null;
  /** Grows with every new image, so that an output knows what its plane holds. */
  readonly generation: number;
  readonly hotX: number;
  readonly hotY: number;
  /** Top left of the image in the guest's screen, in pixels; may be negative. */
  readonly x: number;
  readonly y: number;
  readonly visible: boolean;
}

/**
 * What an output shows. The output reads it whenever it can take a new frame, so the newest always wins and nothing
 * queues. At most one of `framebuffer`, `canvas` and `picture` is set; none: there is nothing to show now.
 */
export interface Source {
  readonly framebuffer: Framebuffer | null;
  readonly canvas: PixelMemory | null;
  /** A buffer of the card's own, of the mode's size (a {@link Picture}). */
  readonly picture: NativeDumb | null;
  /** The screen within the framebuffer. */
  readonly viewport: Viewport;
  /** The number of the newest frame; it comes back through `presented` once that frame is on the panel. */
  readonly frame: number;
  readonly cursor: Cursor | null;
  /** What changed since the last call, in the screen's pixels; valid until the next call. */
  takeDamage(): Edges;
  /** `frame`, and all before it, are on the panel. */
  presented(frame: number): void;
  /** The card refused to show it: the reason, for the guest's owner. */
  refused(reason: string): void;
}
