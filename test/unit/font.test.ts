import { wrap } from '../../src/kms/picture';
import { CELL_HEIGHT, CELL_WIDTH, drawText, fill, type PixelGrid } from '../../src/kms/font';

/** A grid within a larger buffer: `stride` leaves pixels beside every row that nobody may touch. */
function grid(width: number, height: number): PixelGrid {
  const stride = width + 3;
  return { pixels: new Uint32Array(stride * (height + 2)), stride, width, height };
}

const lines = ({ pixels, stride, width, height }: PixelGrid): string[] =>
  Array.from({ length: height }, (_, y) =>
    [...pixels.subarray(y * stride, y * stride + width)].map((pixel) => (pixel === 0 ? '.' : '#')).join(''),
  );

const drawn = ({ pixels }: PixelGrid): number => pixels.filter((pixel) => pixel !== 0).length;

function expectNothingOutside({ pixels, stride, width, height }: PixelGrid): void {
  pixels.forEach((pixel, at) => {
    if (at % stride >= width || at >= stride * height) expect([at, pixel]).toEqual([at, 0]);
  });
}

describe('text', () => {
  test('is drawn glyph by glyph', () => {
    const area = grid(CELL_WIDTH * 2, CELL_HEIGHT);
    drawText(area, 'L1', 0, 0, 1, 7);
    expect(lines(area)).toEqual([
      '#.......#...',
      '#......##...',
      '#.......#...',
      '#.......#...',
      '#.......#...',
      '#.......#...',
      '#####..###..',
      '............',
      '............',
      '............',
    ]);
    expect(Math.max(...area.pixels)).toBe(7);
  });

  test('grows in blocks', () => {
    const [small, large] = [grid(40, 20), grid(120, 60)];
    drawText(small, 'Ag', 1, 2, 1, 1);
    drawText(large, 'Ag', 3, 6, 3, 1);
    const blown = lines(small).flatMap((line) => {
      const wide = line.replace(/./g, '$&$&$&');
      return [wide, wide, wide];
    });
    expect(lines(large)).toEqual(blown);
  });

  test('shows a box for what it has no glyph for, once per character', () => {
    const [strange, boxes] = [grid(40, 10), grid(40, 10)];
    drawText(strange, '\u{1f600}\u00e9', 0, 0, 1, 1);
    drawText(boxes, '\x01\x01', 0, 0, 1, 1);
    expect(lines(strange)).toEqual(lines(boxes));
    expect(drawn(boxes)).toBeGreaterThan(0);
  });

  test('is cut at every edge, and nothing beside the grid is touched', () => {
    const whole = grid(60, 30);
    drawText(whole, 'HW', 20, 10, 2, 1);
    for (const [x, y] of [
      [-7, 3],
      [21, 3],
      [3, -5],
      [3, 11],
      [-100, 0],
      [0, -100],
      [500, 0],
      [0, 500],
    ] as const) {
      const area = grid(25, 14);
      drawText(area, 'HW', x, y, 2, 1);
      expectNothingOutside(area);
      const expected = Array.from({ length: 14 }, (_, row) =>
        Array.from({ length: 25 }, (_, column) => lines(whole)[row - y + 10]?.[column - x + 20] ?? '.').join(
          '',
        ),
      );
      expect(lines(area)).toEqual(expected);
    }
  });
});

describe('a filled rectangle', () => {
  test('is cut to the grid', () => {
    const area = grid(4, 3);
    fill(area, -5, -5, 7, 7, 9);
    expect(lines(area)).toEqual(['##..', '##..', '....']);
    expectNothingOutside(area);
    fill(area, 3, 2, 100, 100, 9);
    expect(lines(area)).toEqual(['##..', '##..', '...#']);
    expectNothingOutside(area);
  });

  test('is nothing where it has no size or lies beside the grid', () => {
    const area = grid(4, 3);
    for (const [x, y, width, height] of [
      [1, 1, 0, 2],
      [1, 1, 2, 0],
      [1, 1, -2, 1],
      [4, 0, 2, 2],
      [-3, 0, 3, 3],
      [0, 3, 4, 4],
      [0, -4, 4, 4],
    ] as const) {
      fill(area, x, y, width, height, 9);
    }
    expect(drawn(area)).toBe(0);
  });
});

test('a long line is broken at its spaces, a long word not at all', () => {
  expect(wrap('')).toEqual(['']);
  expect(wrap('a line that fits')).toEqual(['a line that fits']);
  const path = `/run/${'x'.repeat(80)}`;
  const lines = wrap(
    `no QMP socket at ${path}: QEMU is not running, or start it with the option that makes one there`,
  );
  expect(lines).toEqual([
    'no QMP socket at',
    `${path}:`,
    'QEMU is not running, or start it with the option that makes one',
    'there',
  ]);
});
