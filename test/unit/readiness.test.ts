import { Readiness } from '../../src/kms/readiness';
import { native } from '../../src/native';
import { FakeFramebuffer, FakeSource } from './support/fake-card';

/** What GPUs have still to draw, by fd, and who waits for it. */
const unfinished = new Set<number>();
const waits: { fds: readonly number[]; callback: () => void }[] = [];
let looks = 0;
const engine = { implicit: false };
let readiness: Readiness;
let changes: number;
let made: FakeFramebuffer[];

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(native, 'fencesSignalled').mockImplementation((fd) => {
    looks++;
    return !unfinished.has(fd);
  });
  jest.spyOn(native, 'awaitFences').mockImplementation((fds, callback) => {
    const wait = { fds, callback };
    waits.push(wait);
    return {
      close: () => {
        if (waits.includes(wait)) waits.splice(waits.indexOf(wait), 1);
      },
    };
  });
  [looks, changes, made, engine.implicit] = [0, 0, [], false];
  readiness = new Readiness(engine, () => changes++);
});
afterEach(() => {
  readiness.close();
  expect(waits).toEqual([]);
  expect(made.map(({ uses }) => uses)).toEqual(made.map(() => 0));
  expect(jest.getTimerCount()).toBe(0);
  unfinished.clear();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** The source's next frame, in a buffer of this fd. */
function draw(source: FakeSource, fd: number, drawn = false): FakeFramebuffer {
  const buffer = new FakeFramebuffer(fd);
  Object.assign(buffer.layout.planes[0]!, { fd });
  if (!drawn) unfinished.add(fd);
  source.draw(buffer);
  made.push(buffer);
  return buffer;
}
const take = (source: FakeSource): number | undefined => readiness.take(source, source.framebuffer!)?.frame;

/** What the GPU was to draw is drawn. */
function finish(fd: number): void {
  unfinished.delete(fd);
  for (const wait of waits.filter(({ fds }) => fds.includes(fd))) {
    waits.splice(waits.indexOf(wait), 1);
    wait.callback();
  }
}

test('a frame that is drawn costs one look and holds nothing', () => {
  const source = new FakeSource();
  const buffer = draw(source, 3, true);
  expect(take(source)).toBe(1);
  expect([looks, waits.length, buffer.retained]).toEqual([1, 0, 0]);
});

test('one that is not is held, and told once it is', () => {
  const source = new FakeSource();
  const buffer = draw(source, 3);
  expect(take(source)).toBeUndefined();
  expect(take(source)).toBeUndefined();
  expect([waits.length, buffer.uses, changes]).toEqual([1, 1, 0]);
  finish(3);
  expect(changes).toBe(1);
  expect(take(source)).toBe(1);
});

test('the frame that was waited for is shown although a newer one is not drawn yet', () => {
  const source = new FakeSource();
  draw(source, 3);
  source.viewport = { x: 1, y: 2, width: 3, height: 4 };
  take(source);
  draw(source, 4);
  source.viewport = { x: 5, y: 6, width: 7, height: 8 };
  expect(take(source)).toBeUndefined();
  finish(3);
  expect(readiness.take(source, source.framebuffer!)).toMatchObject({
    frame: 1,
    viewport: { x: 1, y: 2, width: 3, height: 4 },
    framebuffer: { id: 3 },
  });
  readiness.cancel();
  expect(take(source)).toBeUndefined();
  finish(4);
  expect(take(source)).toBe(2);
});

test('a newer one that is drawn does not wait for an older', () => {
  const source = new FakeSource();
  draw(source, 3);
  take(source);
  draw(source, 4, true);
  expect(take(source)).toBe(2);
});

test('another source is not kept by the last', () => {
  const [hung, other] = [new FakeSource(), new FakeSource()];
  draw(hung, 3);
  take(hung);
  draw(other, 4, true);
  expect(take(other)).toBe(1);
  expect(waits).toEqual([]);
});

test('after the deadline the guest is answered once, the frame still awaited, and a newer one takes over', () => {
  const source = new FakeSource();
  draw(source, 3);
  take(source);
  jest.advanceTimersByTime(499);
  expect(source.presentedFrames).toEqual([]);
  jest.advanceTimersByTime(10);
  expect([source.presentedFrames, readiness.overdue, changes]).toEqual([[1], true, 1]);
  expect(take(source)).toBeUndefined();
  jest.advanceTimersByTime(5000);
  expect(source.presentedFrames).toEqual([1]);
  draw(source, 4);
  expect(take(source)).toBeUndefined();
  expect(waits.map(({ fds }) => fds)).toEqual([[4]]);
  jest.advanceTimersByTime(600);
  expect(source.presentedFrames).toEqual([1, 2]);
  finish(4);
  expect(take(source)).toBe(2);
  readiness.cancel();
  expect(readiness.overdue).toBe(false);
});

test('a wait that begins late in the time of the last has time of its own', () => {
  const source = new FakeSource();
  draw(source, 3);
  take(source);
  jest.advanceTimersByTime(400);
  finish(3);
  take(source);
  readiness.cancel();
  draw(source, 4);
  take(source);
  jest.advanceTimersByTime(400);
  expect(source.presentedFrames).toEqual([]);
  jest.advanceTimersByTime(110);
  expect(source.presentedFrames).toEqual([2]);
});

describe('a buffer that is drawn into again as soon as it is drawn', () => {
  const drawnAgain = (source: FakeSource): void => {
    draw(source, 3);
    take(source);
    finish(3);
    unfinished.add(3);
  };

  test('is shown where commits bring a fence of their own', () => {
    const source = new FakeSource();
    drawnAgain(source);
    expect(take(source)).toBe(1);
  });

  test('is waited for again where the kernel would wait, and the guest answered in time all the same', () => {
    engine.implicit = true;
    const source = new FakeSource();
    drawnAgain(source);
    expect(take(source)).toBeUndefined();
    expect(waits).toHaveLength(1);
    jest.advanceTimersByTime(510);
    expect(source.presentedFrames).toEqual([1]);
    finish(3);
    expect(take(source)).toBe(1);
  });
});
