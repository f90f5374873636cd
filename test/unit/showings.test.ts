import type { Framebuffer } from '../../src/kms/framebuffers';
import type { Output } from '../../src/kms/output';
import type { Source } from '../../src/kms/source';
import { Showings, type Screen } from '../../src/switcher/showings';

let mockNow = 0;
jest.mock('../../src/clock', () => ({ monotonic: (): number => mockNow }));

let screen: Screen;
let shown: number[];
let refused: string[];
let told: string[];
let showings: Showings;

const output = (name: string): Output =>
  ({
    name,
    changed: () => told.push(`${name} changed`),
    cursorChanged: () => told.push(`${name} cursor`),
  }) as unknown as Output;
const [left, right, third] = [output('left'), output('right'), output('third')];

beforeEach(() => {
  jest.useFakeTimers();
  mockNow = 1000;
  [shown, refused, told] = [[], [], []];
  const cursor = { image: null, generation: 0, hotX: 0, hotY: 0, x: 0, y: 0, visible: false };
  const viewport = { x: 0, y: 0, width: 64, height: 48 };
  screen = { framebuffer: null, canvas: null, viewport, frame: 1, cursor };
  showings = new Showings(
    screen,
    (frame) => shown.push(frame),
    (reason) => refused.push(reason),
  );
});
afterEach(() => {
  showings.close();
  jest.useRealTimers();
});

function pass(ms: number): void {
  mockNow += ms;
  jest.advanceTimersByTime(ms);
}

test('all outputs read the same screen, each what it has not read yet', () => {
  const a = showings.add(left);
  const b = showings.add(right);
  expect(showings.size).toBe(2);
  expect([showings.has(left), showings.has(right), showings.has(third)]).toEqual([true, true, false]);
  screen.framebuffer = { id: 7 } as unknown as Framebuffer;
  screen.viewport = { x: 1, y: 2, width: 3, height: 4 };
  screen.frame = 9;
  for (const source of [a, b]) {
    expect([source.framebuffer, source.viewport, source.frame]).toEqual([
      screen.framebuffer,
      screen.viewport,
      9,
    ]);
    expect(source.cursor).toBe(screen.cursor);
    // Nothing of it has been read.
    expect(source.takeDamage().right).toBeGreaterThan(1_000_000);
  }
  showings.damage(1, 2, 3, 4);
  expect(a.takeDamage()).toEqual({ left: 1, top: 2, right: 3, bottom: 4 });
  showings.damage(5, 2, 6, 4);
  expect(a.takeDamage()).toEqual({ left: 5, top: 2, right: 6, bottom: 4 });
  expect(b.takeDamage()).toEqual({ left: 1, top: 2, right: 6, bottom: 4 });
  showings.changed();
  showings.cursorChanged();
  expect(told).toEqual(['left changed', 'right changed', 'left cursor', 'right cursor']);
});

test('an output that comes back has the source it had, and reads all of it', () => {
  const a = showings.add(left);
  a.takeDamage();
  expect(showings.add(left)).toBe(a);
  expect(a.takeDamage()).toEqual({ left: 0, top: 0, right: 0, bottom: 0 });
  showings.remove(left);
  showings.remove(left);
  expect([showings.size, showings.has(left)]).toEqual([0, false]);
  showings.damage(1, 2, 3, 4);
  expect(showings.add(left)).toBe(a);
  expect(showings.size).toBe(1);
  expect(a.takeDamage().right).toBeGreaterThan(1_000_000);
});

describe('the guest is told of a frame', () => {
  let [a, b, c]: Source[] = [];
  beforeEach(() => {
    [a, b] = [showings.add(left), showings.add(right)];
    for (const source of [a, b]) source.presented(1);
    shown.length = 0;
  });

  test('by the last of its outputs, whichever that is', () => {
    a!.presented(2);
    expect(shown).not.toContain(2);
    b!.presented(2);
    expect(shown.at(-1)).toBe(2);
    b!.presented(3);
    expect(shown.at(-1)).toBe(2);
    a!.presented(3);
    expect(shown.at(-1)).toBe(3);
    pass(1000);
    expect(shown.at(-1)).toBe(3);
  });

  test('with all before it, where an output left some out', () => {
    a!.presented(2);
    a!.presented(3);
    b!.presented(4);
    expect(shown.at(-1)).toBe(3);
  });

  test('without one that takes longer than 50 ms, for a second', () => {
    a!.presented(2);
    pass(49);
    expect(shown).not.toContain(2);
    pass(1);
    expect(shown.at(-1)).toBe(2);
    for (let frame = 3; frame < 60; frame++) {
      pass(16);
      a!.presented(frame);
      expect(shown.at(-1)).toBe(frame);
    }
    // It is given another chance, which it uses.
    pass(100);
    a!.presented(60);
    expect(shown.at(-1)).toBe(59);
    b!.presented(60);
    expect(shown.at(-1)).toBe(60);
  });

  test('without one that never shows anything', () => {
    c = showings.add(third);
    let told = 1;
    for (let frame = 2; frame < 500; frame++) {
      // The guest waits for its answer.
      const asked = mockNow;
      a!.presented(frame);
      b!.presented(frame);
      while (shown.at(-1) !== frame) pass(1);
      expect(mockNow - asked).toBeLessThanOrEqual(50);
      if (mockNow === asked) told++;
      pass(16);
    }
    // All but one a second at once.
    expect(told).toBeGreaterThan(480);
    expect(c.frame).toBe(screen.frame);
  });

  test('by who is left, when one shows something else', () => {
    a!.presented(2);
    showings.remove(right);
    expect(shown.at(-1)).toBe(2);
    a!.presented(3);
    expect(shown.at(-1)).toBe(3);
    // What was on its way there is nobody's frame.
    b!.presented(9);
    expect(shown.at(-1)).toBe(3);
    showings.remove(left);
    a!.presented(4);
    expect(shown.at(-1)).toBe(4);
  });

  test('by a guest that does not wait, too', () => {
    let frame = 1;
    for (let vblank = 0; vblank < 100; vblank++) {
      a!.presented(++frame);
      pass(8);
      b!.presented(frame - 1);
      pass(8);
      if (frame > 2) expect(shown.at(-1)).toBe(frame - 1);
    }
  });
});

describe('what cannot be shown', () => {
  test('is the guest’s affair when no output can, and one that can is not held up', () => {
    const [a, b] = [showings.add(left), showings.add(right)];
    b.refused('tiled');
    expect(refused).toEqual([]);
    a.presented(1);
    expect(shown.at(-1)).toBe(1);
    a.refused('too large');
    expect(refused).toEqual(['too large']);
    // It can again.
    b.presented(2);
    a.refused('too large');
    expect(refused).toHaveLength(1);
    expect(shown.at(-1)).toBe(2);
  });

  test('is asked for once more by who is left alone with it', () => {
    const [, b] = [showings.add(left), showings.add(right)];
    b.refused('tiled');
    expect(told).toEqual([]);
    showings.remove(left);
    expect(told).toEqual(['right changed']);
    b.refused('tiled');
    expect(refused).toEqual(['tiled']);
  });
});
