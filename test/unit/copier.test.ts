import { monotonic } from '../../src/clock';
import { Copier } from '../../src/kms/copier';
import { place, placeAbove } from '../../src/kms/fit';
import type { Framebuffer } from '../../src/kms/framebuffers';
import { fourcc } from '../../src/fourcc';
import { native, type NativeCard } from '../../src/native';
import { FakeCard, FakeFramebuffer, FakeSource, settle } from './support/fake-card';

type Job = Parameters<typeof native.copyPixels>[0];

const XR24 = fourcc('XR24');
const XB24 = fourcc('XB24');
const nothing = { left: 0, top: 0, right: 0, bottom: 0 };
const placement = place(8, 4, 10, 6); // stands at 1,1
let kernel: FakeCard;
let copier: Copier;
let jobs: Job[];

beforeEach(() => {
  kernel = new FakeCard();
  jobs = [];
  jest.spyOn(native, 'copyPixels').mockImplementation((job) => {
    jobs.push(job);
    return kernel.copy();
  });
  copier = new Copier(kernel as unknown as NativeCard, 10, 6);
});
afterEach(async () => {
  kernel.patient = false;
  while (kernel.pending.length > 0) await kernel.finish();
  await copier.close();
  jest.restoreAllMocks();
  expect([...kernel.openDumbs]).toEqual([]);
  expect(kernel.wrongs).toEqual([]);
});

function screen(): FakeSource {
  const source = new FakeSource().draw(new FakeFramebuffer(1, 8, 4));
  source.viewport = { x: 0, y: 0, width: 8, height: 4 };
  return source;
}

/** How many of the target's pixels rectangles cover. */
function covered(rectangles: readonly number[]): number {
  const pixels = new Set<number>();
  for (let at = 0; at < rectangles.length; at += 6) {
    const [, , x, y, width, height] = rectangles.slice(at, at + 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let row = y; row < y + height; row++)
      for (let column = x; column < x + width; column++) pixels.add(row * 10 + column);
  }
  return pixels.size;
}

/** What was drawn since the last call: `clear`, or the rectangle; each with the framebuffer it went to. */
function drawn(): string[] {
  return jobs.splice(0).map(({ source, target, rectangles }) => {
    const where = target.framebuffer;
    const black = source instanceof Uint8Array && source.every((byte) => byte === 0);
    if (!black) return `${rectangles.join(',')} ${where}`;
    expect(covered(rectangles)).toBe(60);
    return `clear ${where}`;
  });
}

const change = (source: FakeSource, left: number, top: number, right: number, bottom: number): void => {
  source.damage = { left, top, right, bottom };
};

test('the first picture of each buffer is drawn whole on black, then only what changed since', async () => {
  const source = screen();
  const a = await copier.draw(source, placement, 0);
  expect(drawn()).toEqual([`clear ${a}`, `0,0,1,1,8,4 ${a}`]);
  change(source, 0, 0, 1, 1);
  const b = await copier.draw(source, placement, a);
  expect(b).not.toBe(a);
  expect(drawn()).toEqual([`clear ${b}`, `0,0,1,1,8,4 ${b}`]);
  // What changed while the other was drawn has to be made up for.
  change(source, 7, 3, 8, 4);
  expect(await copier.draw(source, placement, b)).toBe(a);
  expect(drawn()).toEqual([`0,0,1,1,8,4 ${a}`]);
  change(source, 2, 2, 3, 3);
  expect(await copier.draw(source, placement, a)).toBe(b);
  expect(drawn()).toEqual([`2,2,3,3,6,2 ${b}`]);
});

test('what is on the panel is never drawn into', async () => {
  const source = screen();
  const a = await copier.draw(source, placement, 0);
  const b = await copier.draw(source, placement, a);
  for (let count = 0; count < 3; count++) expect(await copier.draw(source, placement, b)).toBe(a);
});

test('nothing is copied when nothing changed', async () => {
  const source = screen();
  const a = await copier.draw(source, placement, 0);
  drawn();
  source.damage = nothing;
  expect(await copier.draw(source, placement, 0)).toBe(a);
  expect(drawn()).toEqual([]);
});

test('another place on the panel is drawn anew', async () => {
  const source = screen();
  const a = await copier.draw(source, placement, 0);
  drawn();
  source.viewport = { x: 0, y: 0, width: 4, height: 4 };
  await copier.draw(source, place(4, 4, 10, 6), 0);
  expect(drawn()).toEqual([`clear ${a}`, `0,0,3,1,4,4 ${a}`]);
});

test('a larger screen is copied as far as the panel shows it', async () => {
  const source = screen();
  source.viewport = { x: 0, y: 0, width: 20, height: 10 };
  const a = await copier.draw(source, place(20, 10, 10, 6), 0);
  expect(drawn()).toEqual([`clear ${a}`, `5,2,0,0,10,6 ${a}`]);
});

test('the screen may lie anywhere in its buffer', async () => {
  const source = screen();
  const framebuffer = new FakeFramebuffer(1, 100, 100);
  source.draw(framebuffer);
  source.viewport = { x: 3, y: 2, width: 8, height: 4 };
  await copier.draw(source, placement, 0);
  expect(jobs[1]).toMatchObject({ sourceOffset: 0, sourcePitch: 400, bytesPerPixel: 4 });
  expect(jobs[1]?.rectangles.slice(0, 2)).toEqual([3, 2]);
});

test('a canvas is copied from where it is', async () => {
  const source = screen();
  source.framebuffer = null;
  const bytes = new Uint8Array(256);
  const canvas = { width: 8, height: 4, format: XB24, offset: 96, pitch: 40, source: bytes, kind: 'pixels' };
  source.canvas = canvas;
  await copier.draw(source, placement, 0);
  expect(jobs[1]).toMatchObject({ source: bytes, sourceOffset: 96, sourcePitch: 40, flip: false });
});

test('a format that the card does not take is converted to one that every card takes', async () => {
  kernel.formats = new Set([XR24]);
  const source = screen();
  source.framebuffer = null;
  const bytes = new Uint8Array(256);
  source.canvas = { width: 8, height: 4, format: XB24, offset: 0, pitch: 32, source: bytes, kind: 'pixels' };
  const framebuffer = await copier.draw(source, placement, 0);
  expect(jobs[1]).toMatchObject({ convertFrom: XB24, bytesPerPixel: 4 });
  expect(copier.shown(framebuffer)?.format).toBe(XR24);
  kernel.formats.clear();
  const other = new Copier(kernel as unknown as NativeCard, 10, 6);
  await expect(other.draw(screen(), placement, 0)).rejects.toThrow(/EINVAL/);
  await other.close();
});

test('a buffer whose rows lie bottom up is turned over, whatever part of it the screen is', async () => {
  const source = screen();
  const framebuffer = new FakeFramebuffer(1, 100, 50);
  Object.assign(framebuffer.layout, { bottomUp: true });
  source.draw(framebuffer);
  source.viewport = { x: 3, y: 2, width: 8, height: 4 };
  await copier.draw(source, placement, 0);
  // The screen's rows 0 to 3 are rows 2 to 5 of the picture, which are the buffer's 47 to 44.
  expect(jobs[1]).toMatchObject({ flip: true, rectangles: [3, 44, 1, 1, 8, 4] });
  expect(jobs[1]?.source).toBeDefined();
  source.damage = { left: 1, top: 1, right: 3, bottom: 2 };
  await copier.draw(source, placement, 0);
  expect(jobs.at(-1)?.rectangles).toEqual([4, 46, 2, 2, 2, 1]);
});

describe('nothing of one guest is left under another', () => {
  test('after a switch', async () => {
    const source = screen();
    const a = await copier.draw(source, placement, 0);
    drawn();
    copier.invalidate();
    const next = screen();
    change(next, 0, 0, 1, 1);
    await copier.draw(next, placement, 0);
    expect(drawn()).toEqual([`clear ${a}`, `0,0,1,1,8,4 ${a}`]);
  });

  test.each([1, 2])('after a switch while the first is drawn, at its wait %i', async (waits) => {
    kernel.patient = true;
    const drawing = copier.draw(screen(), placement, 0);
    await settle();
    for (let wait = 1; wait < waits; wait++) await kernel.finish('copy');
    copier.invalidate();
    kernel.patient = false;
    await kernel.finish('copy');
    const a = await drawing;
    drawn();
    const next = screen();
    change(next, 0, 0, 1, 1);
    await copier.draw(next, placement, 0);
    expect(drawn()).toEqual([`clear ${a}`, `0,0,1,1,8,4 ${a}`]);
  });

  test('after a switch while the buffers are made', async () => {
    const drawing = copier.draw(screen(), placement, 0);
    copier.invalidate();
    const a = await drawing;
    drawn();
    const next = screen();
    change(next, 0, 0, 1, 1);
    await copier.draw(next, placement, 0);
    expect(drawn()).toEqual([`clear ${a}`, `0,0,1,1,8,4 ${a}`]);
  });
});

test('what a source draws while its last frame is copied is not forgotten', async () => {
  const source = screen();
  const drawing = copier.draw(source, placement, 0);
  // The buffers are being made; meanwhile the guest moves on to another of its own.
  source.framebuffer = new FakeFramebuffer(2, 8, 4) as unknown as Framebuffer;
  change(source, 0, 0, 1 << 30, 1 << 30);
  const a = await drawing;
  drawn();
  expect(await copier.draw(source, placement, 0)).toBe(a);
  expect(drawn()).toEqual([`0,0,1,1,8,4 ${a}`]);
});

test('a copy that failed is not built upon', async () => {
  const source = screen();
  const a = await copier.draw(source, placement, 0);
  drawn();
  change(source, 0, 0, 2, 2);
  kernel.patient = true;
  const failing = copier.draw(source, placement, 0);
  await settle();
  const failed = expect(failing).rejects.toThrow('no memory');
  await kernel.finish('copy', new Error('no memory'));
  await failed;
  kernel.patient = false;
  drawn();
  source.damage = nothing;
  await copier.draw(source, placement, 0);
  expect(drawn()).toEqual([`clear ${a}`, `0,0,1,1,8,4 ${a}`]);
});

test('buffers that were not drawn into for ten seconds are freed, unless they are on the panel', async () => {
  const red = screen();
  red.framebuffer = null;
  const bytes = new Uint8Array(256);
  red.canvas = { width: 8, height: 4, format: XB24, offset: 0, pitch: 32, source: bytes, kind: 'pixels' };
  const begun = monotonic();
  await copier.draw(screen(), placement, 0);
  const onPanel = await copier.draw(red, placement, 0);
  const drawnAt = monotonic();
  const isOnPanel = (framebuffer: number): boolean => framebuffer === onPanel;
  copier.tidy(begun + 9990, isOnPanel);
  expect(kernel.openDumbs.size).toBe(4);
  copier.tidy(drawnAt + 10_000, isOnPanel);
  expect([...kernel.openDumbs]).toHaveLength(2);
  expect(kernel.openDumbs).toContain(onPanel);
  copier.tidy(drawnAt + 10_000, () => false);
  expect(kernel.openDumbs.size).toBe(0);
  // They are made again when they are needed.
  jobs = [];
  const again = await copier.draw(screen(), placement, 0);
  expect(drawn()).toEqual([`clear ${again}`, `0,0,1,1,8,4 ${again}`]);
});

test('closing waits for what is being drawn, and frees everything', async () => {
  kernel.patient = true;
  const drawing = copier.draw(screen(), placement, 0);
  await settle();
  const closing = copier.close();
  await settle();
  expect(kernel.openDumbs.size).toBe(2);
  await kernel.finish('copy');
  await kernel.finish('copy');
  await Promise.all([drawing, closing]);
  expect(kernel.openDumbs.size).toBe(0);
});

test('buffers that come too late are freed at once', async () => {
  const drawing = copier.draw(screen(), placement, 0);
  const failed = expect(drawing).rejects.toThrow('the output went dark');
  await copier.close();
  await failed;
});

test('below an indicator each picture begins on a cleared buffer, and the indicator is drawn when it is another', async () => {
  const strip = placeAbove(2, 10, 6, 0);
  const below = place(8, 4, 10, 6, 'none', 0, 2);
  const indicated = new Copier(kernel as unknown as NativeCard, 10, 6, strip);
  const source = screen();
  const [alpha, beta] = ['alpha', 'beta'].map((text) => ({ text, active: true }));
  const a = await indicated.draw(source, below, 0, source, alpha);
  expect(drawn()).toEqual([`clear ${a}`, `0,0,1,2,8,4 ${a}`, `0,0,0,0,10,2 ${a}`]);
  source.damage = { left: 1, top: 1, right: 2, bottom: 2 };
  expect(await indicated.draw(source, below, 0, source, alpha)).toBe(a);
  expect(drawn()).toEqual([`1,1,2,3,1,1 ${a}`]);
  const b = await indicated.draw(source, below, a, source, alpha);
  drawn();
  // Of another guest: nothing of the last is left in either.
  indicated.invalidate();
  expect(await indicated.draw(source, below, b, source, beta)).toBe(a);
  expect(drawn()).toEqual([`clear ${a}`, `0,0,1,2,8,4 ${a}`, `0,0,0,0,10,2 ${a}`]);
  expect(await indicated.draw(source, below, a, source, beta)).toBe(b);
  expect(drawn()).toEqual([`clear ${b}`, `0,0,1,2,8,4 ${b}`, `0,0,0,0,10,2 ${b}`]);
  await indicated.close();
});

test('YUV is drawn into XRGB8888, with its colours, by the encoding of so many lines', async () => {
  const format = fourcc('NV12');
  const framebuffer = new FakeFramebuffer(1, 8, 4);
  const colours = jest.fn((encoding: number) => ({ encoding }));
  Object.assign(framebuffer, { format, colours, layout: { ...framebuffer.layout, format } });
  const source = screen();
  source.framebuffer = framebuffer as unknown as Framebuffer;
  kernel.formats = new Set([XR24]);
  await copier.draw(source, placement, 0);
  expect(jobs[1]).toMatchObject({ bytesPerPixel: 1, colours: { encoding: 601 } });
  expect(jobs[1]).not.toHaveProperty('convertFrom');
  source.viewport = { x: 0, y: 0, width: 8, height: 577 };
  change(source, 0, 0, 1, 1);
  await copier.draw(source, placement, 0);
  expect(jobs[2]).toMatchObject({ colours: { encoding: 709 } });
});
