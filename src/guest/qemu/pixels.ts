import { fourccName } from '../../fourcc';
import { bytesOfPixman, fourccOfPixman } from './formats';

/** Longest side of anything a guest shows. */
export const MAX_SIDE = 16384;
/** Pixels in memory that all heads of one guest may have together. */
export const MAX_CANVAS_BYTES = 256 * 1024 * 1024;

/** What a guest sent cannot be shown; the message says why. */
export class Refusal extends Error {
  override name = 'Refusal';
}

/** How a rectangle of pixels lies in memory, as QEMU says it. */
export interface PixelShape {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  /** pixman's. */
  readonly format: number;
}

/** The fourcc of pixels in `available` bytes. Throws {@link Refusal} when they cannot be there. */
export function checkPixels(shape: PixelShape, available: number): number {
  const { width, height, stride, format } = shape;
  const fourcc = fourccOfPixman(format);
  if (fourcc === undefined) {
    throw new Refusal(`QEMU sent pixels of the unknown format 0x${format.toString(16)}`);
  }
  if (!isSide(width) || !isSide(height)) {
    throw new Refusal(`QEMU sent a picture of ${width}x${height}: sides are 1 to ${MAX_SIDE}`);
  }
  if (stride < width * bytesOfPixman(format)) {
    throw new Refusal(
      `QEMU sent rows of ${stride} bytes for ${width} pixels of ${fourccName(fourcc)}: that is too short`,
    );
  }
  if (stride * height > available) {
    throw new Refusal(
      `QEMU sent ${available} bytes for a picture of ${width}x${height} that needs ${stride * height}`,
    );
  }
  return fourcc;
}

export function isSide(side: number): boolean {
  return side >= 1 && side <= MAX_SIDE;
}

/** A picture that came as bytes in messages, whole and then in parts. */
export class BytesCanvas {
  readonly bytesPerPixel: number;

  constructor(
    readonly shape: PixelShape,
    readonly fourcc: number,
    readonly bytes: Uint8Array,
  ) {
    this.bytesPerPixel = bytesOfPixman(shape.format);
  }

  /** An empty one, with what `from` has where it is of the same format. */
  static sized(
    width: number,
    height: number,
    format: number,
    fourcc: number,
    from?: BytesCanvas,
  ): BytesCanvas {
    const stride = Math.ceil((width * bytesOfPixman(format)) / 4) * 4;
    const canvas = new BytesCanvas(
      { width, height, stride, format },
      fourcc,
      new Uint8Array(stride * height),
    );
    if (from?.shape.format === format) {
      canvas.draw(0, 0, { ...from.shape, width: Math.min(width, from.shape.width) }, from.bytes);
    }
    return canvas;
  }

  sameShape({ width, height, stride, format }: PixelShape): boolean {
    const { shape } = this;
    return (
      width === shape.width && height === shape.height && stride === shape.stride && format === shape.format
    );
  }

  /** Copies checked pixels to a place that is inside, but for rows below the last. */
  draw(x: number, y: number, shape: PixelShape, pixels: Uint8Array): void {
    const { stride: pitch, height } = this.shape;
    const row = shape.width * this.bytesPerPixel;
    const rows = Math.min(shape.height, height - y);
    let to = y * pitch + x * this.bytesPerPixel;
    for (let line = 0, from = 0; line < rows; line++, from += shape.stride, to += pitch) {
      this.bytes.set(pixels.subarray(from, from + row), to);
    }
  }
}
