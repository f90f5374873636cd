import { CELL_HEIGHT, CELL_WIDTH, drawText } from '../../../src/kms/font';
import type { Image } from './image';

const LARGEST = 8;

/** Those of some texts that a picture of the daemon's own has in it, in the letters that it draws with, at any size. */
export function textsIn({ pixels, width, height }: Image, texts: readonly string[]): string[] {
  const ground = pixels[0]!;
  const inked = Array.from(pixels.keys()).filter((at) => pixels[at] !== ground);
  const isThere = (text: string): boolean => {
    for (let scale = 1; scale <= LARGEST; scale++) {
      const grid = { width: text.length * CELL_WIDTH * scale, height: CELL_HEIGHT * scale };
      const mask = new Uint32Array(grid.width * grid.height);
      drawText({ ...grid, pixels: mask, stride: grid.width }, text, 0, 0, scale, 1);
      const first = mask.indexOf(1);
      const [row, column] = [Math.floor(first / grid.width), first % grid.width];
      const stands = inked.some((at) => {
        const corner = at - row * width - column;
        const [x, y] = [corner % width, Math.floor(corner / width)];
        if (corner < 0 || x + grid.width > width || y + grid.height > height) return false;
        const ink = pixels[at];
        for (let i = 0; i < mask.length; i++) {
          const pixel = pixels[corner + Math.floor(i / grid.width) * width + (i % grid.width)];
          if (pixel !== (mask[i] === 1 ? ink : ground)) return false;
        }
        return true;
      });
      if (stands) return true;
    }
    return false;
  };
  return texts.filter(isThere);
}
