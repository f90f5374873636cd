import type { BufferLayout, Viewport } from '../buffers';
import type { ModeInfo } from '../native';
import type { Placement } from './fit';
import { encodingOf, type Encoding } from './formats';

/** Bits of a plane's `rotation` property, <drm/drm_mode.h>: counter-clockwise, after the reflection. */
export const ROTATE_0 = 1 << 0;
export const ROTATE_MASK = 0b1111;
export const REFLECT_Y = 1 << 5;

/** What a CRTC shows: a rectangle of a framebuffer, and where that stands on the panel. Pixels. */
export interface Scanout {
  readonly framebuffer: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly panelX: number;
  readonly panelY: number;
  readonly panelWidth: number;
  readonly panelHeight: number;
  readonly rotation: number;
  /** Of the framebuffer's pixels. */
  readonly encoding: Encoding;
}

/** Scanouts are filled anew for every frame, so that none allocates. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function newScanout(): Mutable<Scanout> {
  return {
    framebuffer: 0,
    x: 0,
    y: 0,
    width: 0,
    height: 0,
    panelX: 0,
    panelY: 0,
    panelWidth: 0,
    panelHeight: 0,
    rotation: ROTATE_0,
    encoding: 0,
  };
}

/** What of a guest's buffer stands where on the panel. */
export function fillScanout(
  scanout: Mutable<Scanout>,
  framebuffer: number,
  { format, height, bottomUp }: BufferLayout,
  viewport: Viewport,
  placement: Placement,
): void {
  scanout.framebuffer = framebuffer;
  scanout.width = placement.cropWidth;
  scanout.height = placement.cropHeight;
  scanout.x = viewport.x + placement.cropX;
  const top = viewport.y + placement.cropY;
  // In the buffer, not on the screen.
  scanout.y = bottomUp ? height - top - placement.cropHeight : top;
  scanout.panelX = placement.x;
  scanout.panelY = placement.y;
  scanout.panelWidth = placement.width;
  scanout.panelHeight = placement.height;
  scanout.rotation = (1 << ((4 - placement.turn) % 4)) | (bottomUp ? REFLECT_Y : 0);
  scanout.encoding = encodingOf(format, viewport.height);
}

/** A framebuffer of the mode's size. */
export function fillPanel(
  scanout: Mutable<Scanout>,
  framebuffer: number,
  { hdisplay, vdisplay }: ModeInfo,
): Scanout {
  scanout.framebuffer = framebuffer;
  scanout.x = scanout.y = scanout.panelX = scanout.panelY = 0;
  scanout.width = scanout.panelWidth = hdisplay;
  scanout.height = scanout.panelHeight = vdisplay;
  scanout.rotation = ROTATE_0;
  scanout.encoding = 0;
  return scanout;
}

/** Whether a picture of the panel's size fills it as it lies: what every card does. */
export function isPlain(scanout: Scanout, { hdisplay, vdisplay }: ModeInfo): boolean {
  const { width, height, panelX, panelY, panelWidth, panelHeight, rotation } = scanout;
  const fills = panelX === 0 && panelY === 0 && panelWidth === hdisplay && panelHeight === vdisplay;
  return fills && width === hdisplay && height === vdisplay && rotation === ROTATE_0;
}

export function copyScanout(from: Scanout, to: Mutable<Scanout>): void {
  to.framebuffer = from.framebuffer;
  to.x = from.x;
  to.y = from.y;
  to.width = from.width;
  to.height = from.height;
  to.panelX = from.panelX;
  to.panelY = from.panelY;
  to.panelWidth = from.panelWidth;
  to.panelHeight = from.panelHeight;
  to.rotation = from.rotation;
  to.encoding = from.encoding;
}
