import type { CursorImage } from '../buffers';
import type { NativeDumb } from '../native';
import { uprightSize, type Placement, type Turn } from './fit';

/** What becomes of a pointer's image before it is turned. */
export interface Shape {
  readonly width: number;
  readonly height: number;
  /** Pixels of the image for each that is shown. */
  readonly stepX: number;
  readonly stepY: number;
  /** By which whole number it is smaller than it should be. */
  readonly shrink: number;
  readonly turn: Turn;
}

/** As large as the screen makes it, smaller where that is more than `most` pixels wide or high. */
export function shapeOf({ width, height }: CursorImage, placement: Placement, most: number): Shape {
  const { cropWidth, cropHeight, turn } = placement;
  const [shownWidth, shownHeight] = uprightSize(placement);
  const [stepX, stepY] = [cropWidth / shownWidth, cropHeight / shownHeight];
  const shrink = Math.max(1, Math.ceil(width / stepX / most), Math.ceil(height / stepY / most));
  return {
    width: Math.max(1, Math.floor(width / stepX / shrink)),
    height: Math.max(1, Math.floor(height / stepY / shrink)),
    stepX: stepX * shrink,
    stepY: stepY * shrink,
    shrink,
    turn,
  };
}

/** Where a pixel of the shape goes when it is turned. */
export function turned(x: number, y: number, { width, height, turn }: Shape): [x: number, y: number] {
  if (turn === 0) return [x, y];
  if (turn === 1) return [height - 1 - y, x];
  if (turn === 2) return [width - 1 - x, height - 1 - y];
  return [y, width - 1 - x];
}

/** Draws an image at the top left of a transparent buffer; every pixel is one of the image's. */
export function drawShape({ width, height, pixels }: CursorImage, shape: Shape, target: NativeDumb): void {
  const to = new Uint32Array(target.pixels);
  const pitch = target.pitch / 4;
  const at = (x: number, y: number): number => {
    const [column, row] = turned(x, y, shape);
    return row * pitch + column;
  };
  const first = at(0, 0);
  const [right, down] = [at(1, 0) - first, at(0, 1) - first];
  to.fill(0);
  for (let row = 0; row < shape.height; row++) {
    const from = Math.min(height - 1, Math.floor(row * shape.stepY)) * width;
    for (let column = 0; column < shape.width; column++) {
      const pixel = (from + Math.min(width - 1, Math.floor(column * shape.stepX))) * 4;
      to[first + row * down + column * right] =
        pixels[pixel]! | (pixels[pixel + 1]! << 8) | (pixels[pixel + 2]! << 16) | (pixels[pixel + 3]! << 24);
    }
  }
}
