import { CELL_HEIGHT, CELL_WIDTH, drawText } from '../../../src/kms/font';
import type { Image } from './image';

const LARGEST = 8;

/** Whether a picture of the daemon's own has a text in it, in the letters that it draws with, at any size. */
export function says({ pixels, width, height }: Image, text: string): boolean {
  for (let scale = 1; scale <= LARGEST; scale++) {
    const grid = { width: text.length * CELL_WIDTH * scale, height: CELL_HEIGHT * scale };
    const mask = new Uint32Array(grid.width * grid.height);
    drawText({ ...grid, pixels: mask, stride: grid.width }, text, 0, 0, scale, 1);
    const lit = mask.indexOf(1);
    const matches = (at: number): boolean => {
      // The gap below the letters, and a pixel of the first.
      const [ground, ink] = [
        pixels[at + (grid.height - 1) * width],
        pixels[at + Math.floor(lit / grid.width) * width + (lit % grid.width)],
      ];
      if (ground === ink) return false;
      return mask.every((on, i) => {
        const pixel = pixels[at + Math.floor(i / grid.width) * width + (i % grid.width)];
        return pixel === (on === 1 ? ink : ground);
      });
    };
    for (let y = 0; y + grid.height <= height; y++)
      for (let x = 0; x + grid.width <= width; x++) if (matches(y * width + x)) return true;
  }
  return false;
}
