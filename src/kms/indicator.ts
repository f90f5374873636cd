import { CELL_HEIGHT, CELL_WIDTH, drawText, fill } from './font';

/** What is said above everything that an output shows: whose it is, and whether that has keyboard and pointer. */
export interface Indicator {
  /** Empty: no guest. */
  readonly text: string;
  readonly active: boolean;
}

const ACTIVE = { background: 0x1f6f2b, text: 0xffffff };
const INACTIVE = { background: 0x2a2f36, text: 0xb8c2cc };
/** Characters of the font, and some room above and below. */
const LEAST = CELL_HEIGHT + 6;

/** Rows of the indicator on a panel of this height. */
export function indicatorHeight(height: number): number {
  return Math.max(LEAST, 2 * Math.round(height / 72));
}

/** Draws an indicator: XR24, without gaps between the rows. */
export function drawIndicator({ text, active }: Indicator, width: number, height: number): Uint8Array {
  const pixels = new Uint32Array(width * height);
  const grid = { pixels, stride: width, width, height };
  const colours = active ? ACTIVE : INACTIVE;
  fill(grid, 0, 0, width, height, colours.background);
  const letters = CELL_HEIGHT - 2;
  const scale = Math.max(1, Math.floor((height - 4) / letters));
  const words = `${text === '' ? 'no guest' : text}${active ? '  has keyboard and pointer' : ''}`;
  const y = Math.floor((height - letters * scale) / 2);
  drawText(grid, words, CELL_WIDTH * scale, y, scale, colours.text);
  return new Uint8Array(pixels.buffer);
}
