import { copyRectangle, isEmpty, NOTHING, place, union, type Edges } from '../../src/kms/fit';
import { Random } from './support/random';

const edges = (left: number, top: number, right: number, bottom: number): Edges => ({
  left,
  top,
  right,
  bottom,
});

describe('a screen on a panel', () => {
  test('of the same size covers it', () => {
    expect(place(1920, 1080, 1920, 1080)).toEqual({
      cropX: 0,
      cropY: 0,
      x: 0,
      y: 0,
      width: 1920,
      height: 1080,
    });
  });

  test('that is smaller stands in the middle', () => {
    expect(place(640, 480, 1920, 1080)).toEqual({
      cropX: 0,
      cropY: 0,
      x: 640,
      y: 300,
      width: 640,
      height: 480,
    });
  });

  test('that is larger is cut on all sides', () => {
    expect(place(2560, 1440, 1920, 1080)).toEqual({
      cropX: 320,
      cropY: 180,
      x: 0,
      y: 0,
      width: 1920,
      height: 1080,
    });
  });

  test('wider and lower: cut in one direction, centred in the other', () => {
    expect(place(2560, 480, 1920, 1080)).toEqual({
      cropX: 320,
      cropY: 0,
      x: 0,
      y: 300,
      width: 1920,
      height: 480,
    });
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

describe('what is to be copied', () => {
  const larger = place(30, 20, 10, 10); // shows 10,5 to 20,15 of the screen
  const smaller = place(4, 4, 10, 10); // stands at 3,3

  test('is moved to where the screen stands', () => {
    expect(copyRectangle(edges(1, 2, 3, 4), smaller)).toEqual([1, 2, 4, 5, 2, 2]);
    expect(copyRectangle(edges(12, 6, 14, 9), larger)).toEqual([12, 6, 2, 1, 2, 3]);
  });

  test('is cut to what is visible', () => {
    expect(copyRectangle(edges(0, 0, 30, 20), larger)).toEqual([10, 5, 0, 0, 10, 10]);
    expect(copyRectangle(edges(0, 0, 11, 6), larger)).toEqual([10, 5, 0, 0, 1, 1]);
    expect(copyRectangle(edges(19, 14, 1 << 30, 1 << 30), larger)).toEqual([19, 14, 9, 9, 1, 1]);
  });

  test('is nothing beside it, also where it only touches', () => {
    expect(copyRectangle(edges(0, 0, 10, 20), larger)).toBeUndefined();
    expect(copyRectangle(edges(20, 0, 30, 20), larger)).toBeUndefined();
    expect(copyRectangle(edges(0, 15, 30, 20), larger)).toBeUndefined();
    expect(copyRectangle(NOTHING, smaller)).toBeUndefined();
  });
});
