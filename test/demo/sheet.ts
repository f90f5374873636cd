import { CELL_HEIGHT, CELL_WIDTH, drawText, fill } from '../../src/kms/font';
import { encodePng } from '../../src/kms/png';
import { Image } from '../lab/harness';

/** One step on the sheet; a panel without a photograph is dark. */
export interface SheetRow {
  readonly title: string;
  readonly caption: string;
  readonly panels: readonly {
    readonly label: string;
    readonly right: boolean;
    readonly thumbnail: Image | undefined;
  }[];
}

const THUMBNAIL = { width: 320, height: 240 };
const MARGIN = 32;
const GAP = 20;
const CAPTION_WIDTH = 340;
const LABEL_HEIGHT = 32;
const HEADER_HEIGHT = 164;

const PAPER = 0xff0d1117;
const DARK = 0xff05070a;
const FRAME = 0xff30363d;
const BRIGHT = 0xfff0f6fc;
const DIM = 0xff9aa5b1;
const ACCENT = 0xff58a6ff;
const GOOD = 0xff56d364;
const BAD = 0xffff6b61;

/** A photograph in the size of the sheet. */
export function thumbnail(photograph: Image): Image {
  return shrink(photograph, THUMBNAIL.width, THUMBNAIL.height);
}

/** All steps below each other, the panels side by side. */
export async function contactSheet(
  rows: readonly SheetRow[],
  panels: readonly string[],
  headline: string,
  summary: readonly string[],
): Promise<Buffer> {
  const rowHeight = THUMBNAIL.height + LABEL_HEIGHT + GAP;
  const left = (panel: number): number => MARGIN + CAPTION_WIDTH + GAP + panel * (THUMBNAIL.width + GAP);
  const sheet = new Image(
    left(panels.length) - GAP + MARGIN,
    HEADER_HEIGHT + rows.length * rowHeight + MARGIN - GAP,
    PAPER,
  );
  const grid = { pixels: sheet.pixels, width: sheet.width, height: sheet.height, stride: sheet.width };

  drawText(grid, headline, MARGIN, MARGIN, 4, BRIGHT);
  summary.forEach((line, i) => {
    drawText(grid, line, MARGIN, MARGIN + 50 + i * 24, 2, DIM);
  });
  panels.forEach((name, i) => {
    drawText(grid, name, left(i), HEADER_HEIGHT - 24, 2, ACCENT);
  });

  rows.forEach((row, number) => {
    const top = HEADER_HEIGHT + number * rowHeight;
    fill(grid, MARGIN, top, CAPTION_WIDTH, 2, FRAME);
    drawText(grid, `${number}`, MARGIN, top + 16, 5, ACCENT);
    let y = top + 80;
    for (const line of wrap(row.title, 2)) y = print(line, y, 2, BRIGHT);
    y += 10;
    for (const line of wrap(row.caption, 2)) y = print(line, y, 2, DIM);
    row.panels.forEach((panel, i) => {
      const x = left(i);
      fill(grid, x - 2, top - 2, THUMBNAIL.width + 4, THUMBNAIL.height + 4, FRAME);
      fill(grid, x, top, THUMBNAIL.width, THUMBNAIL.height, DARK);
      if (panel.thumbnail) sheet.draw(panel.thumbnail, x, top);
      drawText(grid, panel.label, x, top + THUMBNAIL.height + 10, 2, panel.right ? GOOD : BAD);
    });
  });

  function print(line: string, y: number, scale: number, colour: number): number {
    drawText(grid, line, MARGIN, y, scale, colour);
    return y + (CELL_HEIGHT + 1) * scale;
  }

  return encodePng(rgbRows(sheet), sheet.width, sheet.height, {
    Title: headline,
    Description: summary.join('; '),
  });
}

/** A picture as PNG's rows: RGB, each led by filter byte 0. */
export function rgbRows({ pixels, width, height }: Image): Uint8Array {
  const rows = new Uint8Array((width * 3 + 1) * height);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    to++;
    for (let x = 0; x < width; x++, from++, to += 3) {
      const pixel = pixels[from]!;
      rows[to] = pixel >>> 16;
      rows[to + 1] = pixel >>> 8;
      rows[to + 2] = pixel;
    }
  }
  return rows;
}

/** Words in lines that fit beside the photographs. */
function wrap(text: string, scale: number): string[] {
  const room = Math.floor(CAPTION_WIDTH / (CELL_WIDTH * scale));
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Box filter: every pixel is the mean of the area it stands for, pixels cut by its edge counted by their part. */
function shrink(image: Image, width: number, height: number): Image {
  const small = new Image(width, height);
  const line = new Float64Array(width * 3);
  const sums = new Float64Array(width * 3);
  const [across, down] = [image.width / width, image.height / height];
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    const [top, bottom] = [y * down, (y + 1) * down];
    for (let row = Math.floor(top); row < bottom && row < image.height; row++) {
      const share = (Math.min(bottom, row + 1) - Math.max(top, row)) / down;
      shrinkLine(image.pixels, row * image.width, image.width, across, line);
      for (let i = 0; i < sums.length; i++) sums[i]! += line[i]! * share;
    }
    for (let x = 0, from = 0; x < width; x++, from += 3) {
      const [red, green, blue] = [
        Math.round(sums[from]!),
        Math.round(sums[from + 1]!),
        Math.round(sums[from + 2]!),
      ];
      small.pixels[y * width + x] = (0xff000000 | (red << 16) | (green << 8) | blue) >>> 0;
    }
  }
  return small;
}

/** One line, `step` pixels to one, as red, green and blue. */
function shrinkLine(
  pixels: Uint32Array,
  start: number,
  length: number,
  step: number,
  line: Float64Array,
): void {
  for (let to = 0, left = 0; to < line.length; to += 3, left += step) {
    const right = left + step;
    let [red, green, blue] = [0, 0, 0];
    for (let x = Math.floor(left); x < right && x < length; x++) {
      const share = (Math.min(right, x + 1) - Math.max(left, x)) / step;
      const pixel = pixels[start + x]!;
      red += ((pixel >>> 16) & 0xff) * share;
      green += ((pixel >>> 8) & 0xff) * share;
      blue += (pixel & 0xff) * share;
    }
    line[to] = red;
    line[to + 1] = green;
    line[to + 2] = blue;
  }
}
