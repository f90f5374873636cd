import {
  EVERYTHING, isEmpty, isScaled, NOTHING, panelPart, place, shownPart, toScreen, union, uprightSize, type Edges, type Turn,
} from '../../src/kms/fit'; // prettier-ignore
import { Random } from './support/random';

const edges = (left: number, top: number, right: number, bottom: number): Edges => ({
  left,
  top,
  right,
  bottom,
});

/** The eight numbers and the turn. */
const numbers = (...[width, height, mw, mh, fit, turn]: Parameters<typeof place>): number[] => {
  const { cropX, cropY, cropWidth, cropHeight, x, y, ...shown } = place(width, height, mw, mh, fit, turn);
  return [cropX, cropY, cropWidth, cropHeight, x, y, shown.width, shown.height];
};

describe('a screen on a panel', () => {
  test.each([
    ['of the same size covers it', 1920, 1080, [0, 0, 1920, 1080, 0, 0, 1920, 1080]],
    ['that is smaller stands in the middle', 640, 480, [0, 0, 640, 480, 640, 300, 640, 480]],
    ['that is larger is cut on all sides', 2560, 1440, [320, 180, 1920, 1080, 0, 0, 1920, 1080]],
    ['wider and lower: cut and centred', 2560, 480, [320, 0, 1920, 480, 0, 300, 1920, 480]],
  ])('%s', (_, width, height, expected) => {
    expect(numbers(width, height, 1920, 1080)).toEqual(expected);
  });

  test.each([
    ['aspect', 640, 480, [240, 0, 1440, 1080]],
    ['aspect', 2560, 1080, [0, 135, 1920, 810]],
    ['aspect', 1920, 1080, [0, 0, 1920, 1080]],
    ['aspect', 16384, 1, [0, 539, 1920, 1]],
    ['integer', 640, 480, [320, 60, 1280, 960]],
    ['integer', 1280, 800, [320, 140, 1280, 800]],
    ['integer', 2560, 1440, [0, 0, 1920, 1080]],
    ['fill', 640, 480, [0, 0, 1920, 1080]],
  ] as const)('%s: %dx%d', (fit, width, height, expected) => {
    expect(numbers(width, height, 1920, 1080, fit)).toEqual([0, 0, width, height, ...expected]);
  });

  test('turned: as it would stand on a panel on its side', () => {
    // 1080x1920 upright: 100 wide, 200 high, in the middle at 490,860.
    expect(numbers(100, 200, 1920, 1080, 'none', 1)).toEqual([0, 0, 100, 200, 860, 490, 200, 100]);
    expect(numbers(101, 201, 1920, 1080, 'none', 1)).toEqual([0, 0, 101, 201, 860, 489, 201, 101]);
    expect(numbers(101, 201, 1920, 1080, 'none', 3)).toEqual([0, 0, 101, 201, 859, 490, 201, 101]);
    expect(numbers(101, 201, 1920, 1080, 'none', 2)).toEqual([0, 0, 101, 201, 910, 440, 101, 201]);
    expect(numbers(1080, 1920, 1920, 1080, 'aspect', 1)).toEqual([0, 0, 1080, 1920, 0, 0, 1920, 1080]);
    expect(numbers(1920, 1080, 1920, 1080, 'aspect', 3)).toEqual([0, 0, 1920, 1080, 656, 0, 608, 1080]);
  });

  test('lies within both, whatever the sizes', () => {
    const random = new Random(2);
    for (let round = 0; round < 1000; round++) {
      const [w, h, mw, mh] = [
        1 + random.below(50),
        1 + random.below(50),
        1 + random.below(50),
        1 + random.below(50),
      ];
      const { cropX, cropY, x, y, width, height } = place(w, h, mw, mh);
      const fit = random.pick(['aspect', 'integer', 'fill', 'none'] as const);
      const any = place(w, h, mw, mh, fit, random.below(4) as Turn);
      const inside = [any.x >= 0, any.y >= 0, any.x + any.width <= mw, any.y + any.height <= mh];
      expect([...inside, any.width > 0, any.height > 0]).not.toContain(false);
      expect([cropX >= 0, cropY >= 0, x >= 0, y >= 0, width > 0, height > 0]).not.toContain(false);
      expect([cropX + width <= w, cropY + height <= h, x + width <= mw, y + height <= mh]).not.toContain(
        false,
      );
      // In the middle to a pixel.
      expect(Math.abs(mw - width - 2 * x)).toBeLessThanOrEqual(1);
      expect(Math.abs(h - height - 2 * cropY)).toBeLessThanOrEqual(1);
    }
  });
});

describe('rectangles', () => {
  test('are empty without width or height, or turned round', () => {
    expect(isEmpty(NOTHING)).toBe(true);
    expect(isEmpty(edges(5, 5, 5, 9))).toBe(true);
    expect(isEmpty(edges(5, 5, 9, 5))).toBe(true);
    expect(isEmpty(edges(9, 5, 5, 9))).toBe(true);
    expect(isEmpty(edges(5, 5, 6, 6))).toBe(false);
  });

  test('united are the smallest around both, and empty ones count for nothing', () => {
    expect(union(edges(1, 2, 3, 4), edges(10, 0, 12, 3))).toEqual(edges(1, 0, 12, 4));
    expect(union(NOTHING, edges(7, 7, 8, 8))).toEqual(edges(7, 7, 8, 8));
    expect(union(edges(7, 7, 8, 8), edges(100, 100, 50, 200))).toEqual(edges(7, 7, 8, 8));
    expect(isEmpty(union(NOTHING, NOTHING))).toBe(true);
  });
});

describe('what is to be drawn', () => {
  const larger = place(30, 20, 10, 10); // shows 10,5 to 20,15 of the screen
  const smaller = place(4, 4, 10, 10); // stands at 3,3

  test('is cut to what is visible, and nothing where it only touches', () => {
    expect(shownPart(EVERYTHING, larger)).toEqual(edges(10, 5, 20, 15));
    expect(shownPart(edges(19, 14, 99, 99), larger)).toEqual(edges(19, 14, 20, 15));
    for (const beside of [edges(0, 0, 10, 20), edges(20, 0, 30, 20), edges(0, 15, 30, 20), NOTHING])
      expect(isEmpty(shownPart(beside, larger))).toBe(true);
  });

  test('is where the screen stands', () => {
    expect(panelPart(edges(1, 2, 3, 4), smaller)).toEqual(edges(4, 5, 6, 7));
    expect(panelPart(edges(12, 6, 14, 9), larger)).toEqual(edges(2, 1, 4, 4));
  });

  test('is turned with it', () => {
    // Of 4x2 pixels, the one at the top left.
    const at = (turn: Turn): Edges => panelPart(edges(0, 0, 1, 1), place(4, 2, 10, 10, 'none', turn));
    expect(at(0)).toEqual(edges(3, 4, 4, 5));
    expect(at(1)).toEqual(edges(5, 3, 6, 4));
    expect(at(2)).toEqual(edges(6, 5, 7, 6));
    expect(at(3)).toEqual(edges(4, 6, 5, 7));
  });

  test('covers every pixel that neighbours have a part in when it is scaled', () => {
    expect(panelPart(edges(1, 1, 2, 2), place(4, 4, 8, 8, 'fill'))).toEqual(edges(0, 0, 6, 6));
    expect(panelPart(EVERYTHING, place(3, 3, 8, 8, 'fill'))).toEqual(edges(0, 0, 8, 8));
  });
});

test('a screen is scaled or not, whichever way up', () => {
  const side = place(1080, 1920, 1920, 1080, 'aspect', 1);
  expect([isScaled(side), uprightSize(side)]).toEqual([false, [1080, 1920]]);
  expect(isScaled(place(1920, 1080, 1920, 1080, 'aspect', 1))).toBe(true);
});

describe('a place on the panel is one on the screen', () => {
  const on = (x: number, y: number, placement: ReturnType<typeof place>): unknown[] => {
    const at = { x, y };
    const within = toScreen(at, placement, 10, 20);
    return [at.x, at.y, within];
  };

  test('scaled, cropped, turned', () => {
    expect(on(0.25, 0.5, place(5, 10, 10, 20, 'fill'))).toEqual([0.25, 0.5, true]);
    expect(on(0.25, 0.5, place(20, 20, 10, 20))).toEqual([0.375, 0.5, true]);
    expect(on(0.25, 0.1, place(20, 10, 10, 20, 'fill', 1))).toEqual([0.1, 0.75, true]);
    expect(on(0.25, 0.1, place(10, 20, 10, 20, 'fill', 2))).toEqual([0.75, 0.9, true]);
    expect(on(0.25, 0.1, place(20, 10, 10, 20, 'fill', 3))).toEqual([0.9, 0.25, true]);
  });

  test('beside it, its nearest edge', () => {
    expect(on(0, 0.5, place(5, 20, 10, 20))).toEqual([0, 0.5, false]);
    expect(on(0.99, 0.5, place(5, 20, 10, 20))).toEqual([1, 0.5, false]);
  });
});
