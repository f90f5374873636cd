/** Cell of one character, in font pixels; glyphs are 5x8 within it, the eighth row for descenders. */
export const CELL_WIDTH = 6;
export const CELL_HEIGHT = 10;
const GLYPH_WIDTH = 5;

/** One character, eight rows from the top, each five bits (leftmost 16) as a digit to base 32. */
// prettier-ignore
const GLYPHS: Readonly<Record<string, string>> = {
  ' ': '00000000', '!': '44444040', '"': 'aa000000', '#': 'aavavaa0', $: '4fke5u40', '%': 'op248j30', '&': 'cik8lid0',
  "'": '44000000', '(': '24888420', ')': '84222480', '*': '04lel400', '+': '044v4400', ',': '00000c48', '-': '000v0000',
  '.': '00000cc0', '/': '01248g00', ':': '0cc0cc00', ';': '0cc0c480', '<': '248g8420', '=': '00v0v000', '>': '84212480',
  '?': 'eh124040', '@': 'eh1dlle0', '[': 'e88888e0', '\\': '0g842100', ']': 'e22222e0', '^': '4ah00000', _: '0000000v',
  '0': 'ehjlphe0', '1': '4c4444e0', '2': 'eh1248v0', '3': 'v2421he0', '4': '26aiv220', '5': 'vgu11he0', '6': '68guhhe0',
  '7': 'v1248880', '8': 'ehhehhe0', '9': 'ehhf12c0',
  A: 'ehhvhhh0', B: 'uhhuhhu0', C: 'ehggghe0', D: 'uhhhhhu0', E: 'vgguggv0', F: 'vgguggg0', G: 'ehgnhhf0', H: 'hhhvhhh0',
  I: 'e44444e0', J: '72222ic0', K: 'hikokih0', L: 'ggggggv0', M: 'hrllhhh0', N: 'hhpljhh0', O: 'ehhhhhe0', P: 'uhhuggg0',
  Q: 'ehhhlid0', R: 'uhhukih0', S: 'fgge11u0', T: 'v4444440', U: 'hhhhhhe0', V: 'hhhhha40', W: 'hhhllla0', X: 'hha4ahh0',
  Y: 'hha44440', Z: 'v1248gv0',
  a: '00e1fhf0', b: 'ggmphhu0', c: '00egghe0', d: '11djhhf0', e: '00ehvge0', f: '698s8880', g: '00fhhf1e', h: 'ggmphhh0',
  i: '40c444e0', j: '206222ic', k: 'ggikoki0', l: 'c44444e0', m: '00qllhh0', n: '00mphhh0', o: '00ehhhe0', p: '00uhhugg',
  q: '00djhf11', r: '00mpggg0', s: '00fge1u0', t: '88s88960', u: '00hhhjd0', v: '00hhha40', w: '00hhlla0', x: '00ha4ah0',
  y: '00hhhf1e', z: '00v248v0',
};

const UNKNOWN = 'vhhhhhv0';

/** 32-bit pixels to draw into. */
export interface PixelGrid {
  readonly pixels: Uint32Array;
  /** Pixels from one row to the next. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** Draws one line of text, each font pixel a `scale` x `scale` block, clipped to the grid. */
export function drawText(
  grid: PixelGrid,
  text: string,
  x: number,
  y: number,
  scale: number,
  colour: number,
): void {
  let left = x;
  for (const character of text) {
    const glyph = GLYPHS[character] ?? UNKNOWN;
    for (let row = 0; row < glyph.length; row++) {
      const bits = parseInt(glyph[row]!, 32);
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (bits & (1 << (GLYPH_WIDTH - 1 - column))) {
          fill(grid, left + column * scale, y + row * scale, scale, scale, colour);
        }
      }
    }
    left += CELL_WIDTH * scale;
  }
}

/** Fills a rectangle, clipped to the grid. */
export function fill(
  grid: PixelGrid,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: number,
): void {
  const left = Math.max(0, x);
  const right = Math.min(grid.width, x + width);
  for (let row = Math.max(0, y); row < Math.min(grid.height, y + height); row++) {
    if (right > left) grid.pixels.fill(colour, row * grid.stride + left, row * grid.stride + right);
  }
}
