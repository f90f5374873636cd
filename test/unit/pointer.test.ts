import { monotonic } from '../../src/clock';
import type { Card } from '../../src/kms/card';
import { CursorPace } from '../../src/kms/cursor-pace';
import { Output } from '../../src/kms/output';
import type { NativeDumb } from '../../src/native';
import { connector, EBUSY, EINVAL, FakeFramebuffer, fakeLog, FakeSource, settle } from './support/fake-card';
import { FakeAtomicCard } from './support/fake-atomic-card';
import { mode } from './support/modes';

const CRTC = 40;
const SIDE = 64;

let kernel: FakeAtomicCard;
let card: Card;
let output: Output;
let source: FakeSource;
let framebuffers: FakeFramebuffer[];

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  kernel = new FakeAtomicCard();
  card = kernel.open();
  output = new Output(card, connector(1), fakeLog());
  framebuffers = [];
  source = new FakeSource().draw(buffer());
});

afterEach(async () => {
  await output.darken();
  card.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
  expect(kernel.wrongs).toEqual([]);
  expect(framebuffers.filter(({ uses }) => uses !== 0)).toEqual([]);
  expect([...kernel.openDumbs]).toEqual([]);
});

function buffer(): FakeFramebuffer {
  const made = new FakeFramebuffer(framebuffers.length + 1);
  framebuffers.push(made);
  return made;
}

const image = (colour = 0, side = SIDE): { width: number; height: number; pixels: Uint8Array } => ({
  width: side,
  height: side,
  pixels: new Uint8Array(side * side * 4).fill(colour),
});

/** What the guest says of its pointer. */
function point(x: number, y: number, change: Partial<NonNullable<FakeSource['cursor']>> = {}): void {
  const last = source.cursor ?? { image: image(), generation: 1, hotX: 0, hotY: 0, visible: true };
  source.cursor = Object.assign(last, { ...last, x, y }, change);
  output.cursorChanged();
}

/** Lit, with one frame on the panel, the pointer at 1,2, and nothing in flight. */
async function lit(): Promise<void> {
  await output.light(CRTC, mode());
  point(1, 2);
  output.show(source, monotonic());
  await settle();
  vblank();
  expect(kernel.inFlight.size).toBe(0);
  kernel.commits.length = 0;
}

/** The event of what is in flight, `ago` ms after its vblank. */
function vblank(ago = 1000): void {
  const flight = kernel.inFlight.get(CRTC);
  if (!flight) throw new Error('nothing is in flight');
  kernel.inFlight.delete(CRTC);
  output.flipped(flight.cookie, 1, monotonic() - ago);
}

const FRAME = { crtc: CRTC, frame: true, pointer: false };
const POINTER = { crtc: CRTC, frame: false, pointer: true };
const BOTH = { crtc: CRTC, frame: true, pointer: true };

describe('with frames', () => {
  test('a flip carries where the pointer is now, and nothing of one that has not moved', async () => {
    await lit();
    source.draw(buffer());
    output.changed();
    for (let x = 3; x < 9; x++) point(x, 5);
    vblank();
    // Moved while that was in flight, so with the next frame, or alone where none comes.
    expect(kernel.commits).toEqual([FRAME, POINTER]);
    vblank();
    output.changed();
    vblank();
    expect(kernel.commits.slice(2)).toEqual([FRAME]);
    point(20, 30);
    vblank();
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 20, y: 30 });
  });

  test('one that comes while the pointer is on its way goes at the flip event, with the newest place', async () => {
    await lit();
    point(10, 10);
    expect(kernel.commits).toEqual([POINTER]);
    source.draw(buffer());
    output.changed();
    point(11, 12);
    expect(kernel.commits).toEqual([POINTER]);
    vblank();
    expect(kernel.commits).toEqual([POINTER, BOTH]);
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 11, y: 12 });
    vblank();
    expect(kernel.inFlight.size).toBe(0);
  });

  test('of another source brings that one’s pointer, or none, in the same commit', async () => {
    await lit();
    const other = new FakeSource().draw(buffer());
    output.show(other, monotonic());
    expect(kernel.commits).toEqual([BOTH]);
    expect(kernel.pointer(CRTC)).toBeNull();
    vblank();
    output.show(source, monotonic());
    expect(kernel.commits).toEqual([BOTH, BOTH]);
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 1, y: 2 });
    vblank();
  });

  test('the hot spot goes along', async () => {
    await lit();
    point(5, 6, { image: image(3), generation: 2, hotX: 7, hotY: 9 });
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 5, y: 6, hotX: 7, hotY: 9 });
    vblank();
  });
});

describe('alone', () => {
  test('all moves within a refresh are one commit, which is no frame', async () => {
    await lit();
    const { frames } = output;
    for (let x = 0; x < 1000; x++) {
      point(x, 50);
      if (x % 17 === 16) vblank(0);
      // Once a refresh, however long that is on this machine.
      if (x % 17 === 16) jest.advanceTimersByTime(14);
    }
    expect(kernel.commits.filter(({ frame }) => frame)).toEqual([]);
    expect(kernel.commits.length).toBeLessThanOrEqual(60);
    vblank();
    jest.advanceTimersByTime(50);
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 999, y: 50 });
    while (kernel.inFlight.size > 0) vblank();
    expect([output.frames, source.presentedFrames]).toEqual([frames, [1]]);
  });

  test('one that stands still costs nothing', async () => {
    await lit();
    output.cursorChanged();
    point(1, 2);
    jest.advanceTimersByTime(1000);
    expect(kernel.commits).toEqual([]);
  });

  test('a new image is drawn beside the one that is on the panel', async () => {
    await lit();
    const shown = kernel.pointer(CRTC)!.framebuffer;
    point(1, 2, { image: image(4), generation: 2 });
    const next = kernel.pointer(CRTC)!.framebuffer;
    expect(next).not.toBe(shown);
    vblank();
    point(3, 3);
    expect(kernel.pointer(CRTC)!.framebuffer).toBe(next);
    vblank();
    point(3, 3, { image: image(5), generation: 3 });
    expect(kernel.pointer(CRTC)!.framebuffer).toBe(shown);
    vblank();
    point(3, 3, { visible: false });
    expect(kernel.pointer(CRTC)).toBeNull();
    vblank();
  });

  test('is tried again where the CRTC is busy, without a frame', async () => {
    await lit();
    kernel.flipResults = [EBUSY];
    point(10, 10);
    expect(kernel.commits).toEqual([]);
    jest.advanceTimersByTime(2);
    expect(kernel.commits).toEqual([POINTER]);
    vblank();
    expect(source.presentedFrames).toEqual([1]);
  });

  test('an event that never comes has the CRTC set anew', async () => {
    await lit();
    point(10, 10);
    kernel.inFlight.clear();
    output.watch(monotonic() + 1100);
    output.watch(monotonic() + 2100);
    await settle();
    expect(kernel.sets).toHaveLength(2);
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 10, y: 10 });
    vblank();
  });

  test('the output may go dark meanwhile', async () => {
    await lit();
    point(10, 10);
    await output.darken();
    expect(kernel.pointer(CRTC)).toBeNull();
  });
});

describe('a pointer that the card does not take', () => {
  beforeEach(async () => {
    await lit();
    kernel.pointerError = EINVAL;
  });

  test('holds no frame up; the one shown before is taken off', () => {
    point(-5, 10);
    expect(kernel.pointer(CRTC)).toBeNull();
    vblank();
    expect(output.cursorRefusal).toBe('the card does not take the pointer (errno 22)');
    kernel.commits.length = 0;
    source.draw(buffer());
    output.changed();
    vblank();
    expect(kernel.commits).toEqual([FRAME]);
    source.cursor = Object.assign(source.cursor!, { generation: 5 });
    source.draw(buffer());
    point(-7, 10);
    output.changed();
    vblank();
    expect(source.presentedFrames).toEqual([1, 2, 3]);
    expect([kernel.sets.length, output.frames]).toEqual([1, 3]);
  });

  test('is tried again when it is another, and all is well then', () => {
    point(-5, 10);
    vblank();
    kernel.pointerError = 0;
    output.cursorChanged();
    expect(kernel.pointer(CRTC)).toBeNull();
    point(5, 10);
    jest.advanceTimersByTime(20);
    expect(kernel.pointer(CRTC)).toMatchObject({ x: 5, y: 10 });
    expect(output.cursorRefusal).toBeUndefined();
    vblank();
  });
});

test('larger than the card takes it is made smaller, and that is said', async () => {
  await lit();
  point(5, 6, { image: image(1, 100), generation: 2 });
  expect(output.cursorRefusal).toBe('the pointer (100x100) is shown at 1/2: the card takes 64x64');
  vblank();
});

test('an image is turned with its panel', async () => {
  const drawn: NativeDumb[] = [];
  const { createDumb } = kernel;
  kernel.createDumb = async (options) => {
    const made = await createDumb(options);
    if (options.width === SIDE) drawn.push(made);
    return made;
  };
  await output.light(CRTC, mode(), { fit: 'auto', turn: 1 });
  const pixels = new Uint8Array(3 * 2 * 4).map((_, at) => at >> 2);
  source.cursor = {
    ...{ image: { width: 3, height: 2, pixels }, generation: 1, hotX: 2, hotY: 0 },
    ...{ x: 10, y: 20, visible: true },
  };
  source.framebuffer = null;
  source.viewport = { x: 0, y: 0, width: 1080, height: 1920 };
  source.canvas = {
    ...{ width: 1080, height: 1920, format: 0x34325258, offset: 0, pitch: 4320 },
    ...{ source: new Uint8Array(1080 * 1920 * 4), kind: 'bytes' },
  };
  output.show(source, monotonic());
  await settle();
  vblank();
  // 0 1 2      3 0
  // 3 4 5  ─▶  4 1
  //            5 2
  const rows = new Uint32Array(drawn[0]!.pixels);
  const of = (row: number): number[] => [...rows.slice(row * SIDE, row * SIDE + 3)].map((p) => p & 0xff);
  expect([of(0), of(1), of(2), of(3)]).toEqual([
    [3, 0, 0],
    [4, 1, 0],
    [5, 2, 0],
    [0, 0, 0],
  ]);
  expect(kernel.pointer(CRTC)).toMatchObject({ x: 1920 - 20 - 2, y: 10, hotX: 1, hotY: 2 });
});

test('a CRTC without a cursor plane is asked for its pointer by call, and says so', async () => {
  const planes = kernel.planes();
  kernel.planes = () => planes.filter((id) => id < 70);
  kernel.setCursor = (_, shown) => (shown ? -6 : 0);
  card.close();
  card = kernel.open();
  output = new Output(card, connector(1), fakeLog());
  await output.light(CRTC, mode());
  source.cursor = { image: image(), generation: 1, hotX: 0, hotY: 0, x: 1, y: 2, visible: true };
  output.show(source, monotonic());
  await settle();
  output.cursorChanged();
  expect(output.cursorRefusal).toBe('the card has no cursor plane for this CRTC');
  expect(kernel.commits).toEqual([]);
  source.draw(buffer());
  output.changed();
  vblank();
  expect(kernel.commits).toEqual([FRAME]);
});

describe('its moment without a frame', () => {
  let rings: number;
  let pace: CursorPace;
  beforeEach(() => {
    rings = 0;
    pace = new CursorPace(16, () => rings++);
  });
  afterEach(() => {
    pace.close();
  });

  test('is at once after a rest, and late in the refresh from then on', () => {
    expect(pace.isDue(1000)).toBe(true);
    pace.pointer(1016, false);
    expect(pace.isDue(1017)).toBe(false);
    expect(pace.isDue(1018)).toBe(false);
    jest.advanceTimersByTime(11);
    expect(rings).toBe(0);
    jest.advanceTimersByTime(2);
    expect(rings).toBe(1);
    expect(pace.isDue(1018)).toBe(true);
  });

  test('is a refresh later after a frame of a guest that draws until the last moment', () => {
    pace.frame(2000, 1990);
    expect(pace.isDue(2013)).toBe(true);
    pace.frame(2016, 2004);
    expect(pace.isDue(2029)).toBe(true);
    pace.frame(2032, 2030);
    expect(pace.isDue(2060)).toBe(false);
    expect(pace.isDue(2061)).toBe(true);
    pace.frame(2064, 2063);
    expect(pace.isDue(2092)).toBe(false);
    // Its frame came when the pointer was on its way already.
    pace.pointer(3000, true);
    expect(pace.isDue(3013)).toBe(true);
    pace.frame(3016, 3000);
    expect(pace.isDue(3029)).toBe(false);
    pace.frame(3032, 3017);
    expect(pace.isDue(3045)).toBe(true);
  });

  test('comes whatever the driver’s clock says', () => {
    pace.pointer(1e9, false);
    expect(pace.isDue(1000)).toBe(false);
    jest.advanceTimersByTime(32);
    expect(rings).toBe(1);
  });
});
