import type { BufferLayout, Viewport } from '../buffers';
import type { Placement } from './fit';

/** What a CRTC shows: a rectangle of a framebuffer, and where that stands on the panel. Pixels. */
export interface Scanout {
  readonly framebuffer: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly panelX: number;
  readonly panelY: number;
  /** Shown upside down: the rows lie bottom up. */
  readonly reflect: boolean;
}

/** Scanouts are filled anew for every frame, so that none allocates. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function newScanout(): Mutable<Scanout> {
  return { framebuffer: 0, x: 0, y: 0, width: 0, height: 0, panelX: 0, panelY: 0, reflect: false };
}

/** What of a guest's buffer stands where on the panel. */
export function fillScanout(
  scanout: Mutable<Scanout>,
  framebuffer: number,
  { height, bottomUp }: BufferLayout,
  viewport: Viewport,
  placement: Placement,
): void {
  scanout.framebuffer = framebuffer;
  scanout.width = placement.width;
  scanout.height = placement.height;
  scanout.x = viewport.x + placement.cropX;
  const top = viewport.y + placement.cropY;
  // In the buffer, not on the screen.
  scanout.y = bottomUp ? height - top - placement.height : top;
  scanout.panelX = placement.x;
  scanout.panelY = placement.y;
  scanout.reflect = bottomUp;
}

export function copyScanout(from: Scanout, to: Mutable<Scanout>): void {
  to.framebuffer = from.framebuffer;
  to.x = from.x;
  to.y = from.y;
  to.width = from.width;
  to.height = from.height;
  to.panelX = from.panelX;
  to.panelY = from.panelY;
  to.reflect = from.reflect;
}

export function sameRectangle(a: Scanout, b: Scanout): boolean {
  return (
    a.x === b.x &&
    a.y === b.y &&
    a.width === b.width &&
    a.height === b.height &&
    a.panelX === b.panelX &&
    a.panelY === b.panelY &&
    a.reflect === b.reflect
  );
}
