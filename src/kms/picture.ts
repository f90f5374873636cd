import type { NativeCard, NativeDumb } from '../native';
import { NOTHING, type Edges } from './fit';
import { CELL_HEIGHT, CELL_WIDTH, drawText, fill } from './font';
import { XR24 } from '../fourcc';
import type { Source } from './source';

const BLACK = 0;
const BACKGROUND = 0x10151c;
const BRIGHT = 0xe8edf2;
const DIM = 0x7d8a99;
const ACCENT = 0x3d8bd4;
/** Between the lines of a table, in cells; and between its columns. */
const LINE_SPACING = 1.3;
const GAP = 4;

/**
 * A plain picture of the daemon's own: a headline and a line below it, centred; without either, black. For outputs
 * without a guest.
 */
export class Picture implements Source {
  readonly framebuffer = null;
  readonly canvas = null;
  readonly cursor = null;
  readonly frame = 0;
  readonly viewport;

  private constructor(readonly picture: NativeDumb) {
    this.viewport = { x: 0, y: 0, width: picture.width, height: picture.height };
  }

  static async draw(
    card: NativeCard,
    width: number,
    height: number,
    headline: string,
    detail: string,
  ): Promise<Picture> {
    const blank = headline === '' && detail === '';
    const background = blank ? BLACK : BACKGROUND;
    const dumb = await card.createDumb({ width, height, format: XR24, fill: background, framebuffer: true });
    if (blank) return new Picture(dumb);
    const grid = { pixels: new Uint32Array(dumb.pixels), stride: dumb.pitch / 4, width, height };
    const big = scaleFor(headline, width, 0.7, Math.max(2, Math.round(height / 110)));
    const lines = detail.split('\n').flatMap(wrap);
    const longest = lines.reduce((a, b) => (b.length > a.length ? b : a));
    const small = scaleFor(longest, width, 0.9, Math.max(1, Math.round(height / 300)));
    const top = Math.round(height / 2 - CELL_HEIGHT * big);
    drawText(grid, headline, centred(headline, width, big), top, big, BRIGHT);
    const bar = Math.round(width / 12);
    fill(grid, Math.round((width - bar) / 2), top + Math.round(CELL_HEIGHT * big * 1.1), bar, big, ACCENT);
    lines.forEach((line, row) => {
      const y = top + Math.round(CELL_HEIGHT * (big * 1.6 + row * small * 1.3));
      drawText(grid, line, centred(line, width, small), y, small, DIM);
    });
    return new Picture(dumb);
  }

  /** A headline and lines of two columns below it, as large as there is room for. */
  static async table(
    card: NativeCard,
    width: number,
    height: number,
    headline: string,
    lines: readonly (readonly [string, string])[],
  ): Promise<Picture> {
    const dumb = await card.createDumb({ width, height, format: XR24, fill: BACKGROUND, framebuffer: true });
    const grid = { pixels: new Uint32Array(dumb.pixels), stride: dumb.pitch / 4, width, height };
    const [left, right] = [0, 1].map((column) => Math.max(0, ...lines.map((line) => line[column]!.length)));
    const columns = left! + GAP + right!;
    const rows = (lines.length + 2) * LINE_SPACING * CELL_HEIGHT;
    const scale = Math.max(
      1,
      Math.min(
        Math.round(height / 300),
        Math.floor((width * 0.9) / (columns * CELL_WIDTH)),
        Math.floor((height * 0.9) / rows),
      ),
    );
    const step = Math.round(LINE_SPACING * CELL_HEIGHT * scale);
    const x = Math.max(0, Math.round((width - columns * CELL_WIDTH * scale) / 2));
    let y = Math.max(0, Math.round((height - rows * scale) / 2));
    drawText(grid, headline, x, y, scale, ACCENT);
    y += 2 * step;
    for (const [first, second] of lines) {
      drawText(grid, first, x, y, scale, BRIGHT);
      drawText(grid, second, x + (left! + GAP) * CELL_WIDTH * scale, y, scale, DIM);
      y += step;
    }
    return new Picture(dumb);
  }

  takeDamage(): Edges {
    return NOTHING;
  }

  presented(): void {
    // Nobody waits for a picture of our own.
  }

  refused(): void {
    // The output has logged it.
  }

  /** Frees the buffer; only once no output shows it. */
  close(): void {
    this.picture.close();
  }
}

/** A reason may be a long sentence: larger letters in more lines are read from further away. */
const LINE_LENGTH = 64;

/** Breaks a line at its spaces. */
export function wrap(line: string): string[] {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

/** The largest scale up to `wanted` at which the text takes at most `share` of the width. */
function scaleFor(text: string, width: number, share: number, wanted: number): number {
  const fitting = Math.floor((width * share) / (text.length * CELL_WIDTH || 1));
  return Math.max(1, Math.min(wanted, fitting));
}

function centred(text: string, width: number, scale: number): number {
  return Math.round((width - text.length * CELL_WIDTH * scale) / 2);
}
