import type { Place } from '../../src/guest/sink';
import { edgeAgainst, EdgePush, neighbour, RESISTANCE, type Edge, type Rows } from '../../src/input/seamless';

describe('an edge', () => {
  test.each<[x: number, y: number, dx: number, dy: number, edge: Edge | undefined]>([
    [1, 0.5, 5, 0, 'right'],
    [1, 0.5, -5, 0, undefined],
    [0.99, 0.5, 500, 0, undefined],
    [0.999, 0.5, 5, 0, 'right'],
    [0, 0.5, -5, 4, 'left'],
    [0.5, 0, 0, -1, 'top'],
    [0.5, 1, 1, 2, 'bottom'],
    [0.5, 0.5, 9, 9, undefined],
    [1, 0.5, 0, 0, undefined],
    // Along the edge more than against it: who slides along a scroll bar stays.
    [1, 0.5, 4, 5, undefined],
    // In a corner what is pushed at more.
    [1, 1, 4, 5, 'bottom'],
    [1, 1, 5, 4, 'right'],
  ])('at %d, %d pushed %d, %d', (x, y, dx, dy, edge) => {
    expect(edgeAgainst({ x, y }, dx, dy)).toBe(edge);
  });

  let push: EdgePush;
  const right: Place = { x: 1, y: 0.5 };
  const most = RESISTANCE - 1;
  beforeEach(() => (push = new EdgePush()));

  test('lets a pointer over once it has been pushed on for long enough, and then holds it again', () => {
    for (let i = 0; i < most; i++) expect(push.move(right, 1, 0)).toBeUndefined();
    expect(push.move(right, 1, 0)).toBe('right');
    expect(push.move(right, most, 0)).toBeUndefined();
    expect(push.move(right, 100, 0)).toBe('right');
  });

  test('forgets what was pushed when the pointer goes back, or to another edge', () => {
    expect(push.move(right, most, 0)).toBeUndefined();
    expect(push.move({ x: 0.9, y: 0.5 }, 100, 0)).toBeUndefined();
    expect(push.move(right, most, 0)).toBeUndefined();
    const corner: Place = { x: 1, y: 1 };
    expect(push.move(corner, 0, most)).toBeUndefined();
    expect(push.move(corner, most, 0)).toBeUndefined();
    push.reset();
    expect(push.move(corner, most, 0)).toBeUndefined();
    // What goes along the edge, or comes back within a pixel of it, is no push and takes none away.
    expect(push.move(corner, -1, 0)).toBeUndefined();
    expect(push.move(corner, 1, 0)).toBe('right');
  });
});

describe('the neighbour', () => {
  const rows: Rows = [
    ['a', 'b', 'c'],
    ['d', 'e'],
    ['f', 'g', 'h'],
  ];
  /** Where a pointer comes to: `e 0.5,0`; `without`: outputs that do not take it. */
  const go = (from: string, edge: Edge, x: number, y: number, without = ''): string | undefined => {
    const at = { x, y };
    const to = neighbour(rows, from, edge, at, (output) => !without.includes(output));
    if (to === undefined) expect(at).toEqual({ x, y });
    return to && `${to} ${+at.x.toFixed(3)},${at.y}`;
  };

  test('is beside an output, at the same height', () => {
    expect(go('a', 'right', 1, 0.25)).toBe('b 0,0.25');
    expect(go('b', 'left', 0, 1)).toBe('a 1,1');
    expect(go('d', 'right', 1, 0)).toBe('e 0,0');
    expect(go('a', 'left', 0, 0.5)).toBeUndefined();
    expect(go('c', 'right', 1, 0.5)).toBeUndefined();
  });

  test('is above or below it, where rows of as many outputs meet, or of more or fewer', () => {
    expect(go('a', 'bottom', 0.5, 1)).toBe('d 0.333,0');
    expect(go('b', 'bottom', 0.25, 1)).toBe('d 0.833,0');
    expect(go('b', 'bottom', 0.75, 1)).toBe('e 0.167,0');
    expect(go('c', 'bottom', 1, 1)).toBe('e 1,0');
    expect(go('d', 'top', 0, 0)).toBe('a 0,1');
    expect(go('e', 'bottom', 1, 1)).toBe('h 1,0');
    expect(go('b', 'top', 0.5, 0)).toBeUndefined();
    expect(go('g', 'bottom', 0.5, 1)).toBeUndefined();
  });

  test('is the next beyond those that do not take the pointer', () => {
    expect(go('a', 'right', 1, 0.5, 'b')).toBe('c 0,0.5');
    expect(go('a', 'right', 1, 0.5, 'bc')).toBeUndefined();
    expect(go('b', 'bottom', 0.25, 1, 'd')).toBe('g 0.25,0');
    expect(go('b', 'bottom', 0.25, 1, 'dg')).toBeUndefined();
  });

  test('of what stands nowhere is none', () => {
    expect(go('x', 'right', 1, 0.5)).toBeUndefined();
    expect(neighbour([], 'a', 'right', { x: 1, y: 0 }, () => true)).toBeUndefined();
  });
});
