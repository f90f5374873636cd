import type { PixelSource } from './native';

/** One plane of a buffer, in bytes. A plane of the same dma-buf as the first has an fd of its own, or -1. */
export interface Plane {
  fd: number;
  /** st_dev and st_ino of the dma-buf: what it is recognised by. */
  device: number;
  inode: number;
  offset: number;
  pitch: number;
}

/** How a guest's pixels lie in its buffer, in pixels; the modifier in two halves, to need no BigInt. */
export interface BufferLayout {
  /** Size of the whole buffer. */
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly modifierHigh: number;
  readonly modifierLow: number;
  /** The first row in memory is the lowest on the screen. */
  readonly bottomUp: boolean;
  /** One to four. */
  readonly planes: readonly Readonly<Plane>[];
}

/** The part of a guest's buffer that is its screen, in pixels. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels in memory that no card can scan out: they are copied. Bytes and pixels; rows from the top. */
export interface PixelMemory {
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly offset: number;
  readonly pitch: number;
  readonly source: PixelSource;
  /** What kind of memory it is, for `status`: `shared memory`, `bytes`. */
  readonly kind: string;
}

/** A pointer's picture: AR24, premultiplied, rows packed. */
export interface CursorImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}
