import type { BufferLayout } from '../../src/buffers';
import type { HiddenRate } from '../../src/config/config';
import type { GuestLink } from '../../src/guest/sink';
import { FramebufferCache, type Framebuffer } from '../../src/kms/framebuffers';
import { Imports } from '../../src/kms/imports';
import type { Output } from '../../src/kms/output';
import type { NativeCard } from '../../src/native';
import { HeadView } from '../../src/switcher/head-view';
import { FakeCard } from './support/fake-card';
import { openFds, openNull, until } from './support/wire';

const layout: BufferLayout = {
  width: 64,
  height: 48,
  format: 0x34325258,
  modifierHigh: 0,
  modifierLow: 0,
  bottomUp: false,
  planes: [],
};

let before: number;
let cache: FramebufferCache;
let view: HeadView;
let make: (hidden: HiddenRate) => HeadView;
let shown: number[];
let refused: string[];
let contentChanges: boolean[];
let onOutput: string[];
let output: Output;
const session = {};

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  before = openFds().length;
  [shown, refused, contentChanges, onOutput] = [[], [], [], []];
  cache = new FramebufferCache();
  cache.add(new Imports(new FakeCard() as unknown as NativeCard));
  const link: GuestLink = {
    guest: 'linux',
    kind: 'test',
    address: '',
    shown: (head, frame) => {
      expect(head).toBe(2);
      shown.push(frame);
    },
    refuse: (_head, reason) => refused.push(reason),
    displaysChanged: () => undefined,
    wanted: () => undefined,
    close: () => undefined,
  };
  const owner = {
    leader: () => undefined,
    contentChanged: (changed: HeadView) => contentChanges.push(changed.hasContent),
  };
  make = (hidden) => new HeadView(owner, link, session, cache, 2, hidden);
  view = make('full');
  output = {
    changed: () => onOutput.push('changed'),
    cursorChanged: () => onOutput.push('cursor'),
  } as unknown as Output;
});
afterEach(async () => {
  view.close();
  cache.releaseOwner(session);
  expect(cache.size).toBe(0);
  jest.useRealTimers();
  await until(() => openFds().length <= before);
});

/** A scanout of buffer number `inode`. */
function scanout(inode: number, width = 64, height = 48): void {
  const plane = { fd: openNull(), device: 1, inode, offset: 0, pitch: 256 };
  view.scanout({ ...layout, planes: [plane] }, { x: 0, y: 0, width, height });
}
const used = (framebuffer: Framebuffer | null): boolean | undefined => framebuffer?.used;

describe('a buffer', () => {
  test('is shown from its update on', () => {
    scanout(1);
    expect(view.hasContent).toBe(false);
    view.update(1, 0, 0, 64, 48);
    expect(view.screen.framebuffer?.inode).toBe(1);
    expect(contentChanges).toEqual([true]);
    scanout(2, 32, 16);
    expect(view.screen.framebuffer?.inode).toBe(1);
    expect(view.screen.viewport).toMatchObject({ width: 64, height: 48 });
    view.update(2, 0, 0, 1, 1);
    expect(view.screen.framebuffer?.inode).toBe(2);
    expect(view.screen.viewport).toMatchObject({ width: 32, height: 16 });
    expect(view.screen.frame).toBe(2);
    expect(view.size).toEqual({ width: 32, height: 16 });
    expect(contentChanges).toEqual([true, true]);
    // One that is as large is no news.
    scanout(3, 32, 16);
    view.update(3, 0, 0, 1, 1);
    expect(contentChanges).toEqual([true, true]);
    view.off();
    expect(view.size).toBeNull();
    expect(contentChanges).toEqual([true, true, false]);
  });

  test('that is replaced before its update is let go of', () => {
    scanout(1);
    scanout(2);
    scanout(3);
    view.update(1, 0, 0, 64, 48);
    const { framebuffer } = view.screen;
    expect(framebuffer?.inode).toBe(3);
    view.off();
    expect(used(framebuffer)).toBe(false);
    cache.releaseOwner(session);
    expect(cache.size).toBe(0);
  });

  test('without an update is meant as it is', () => {
    scanout(1);
    jest.advanceTimersByTime(1000);
    expect(view.screen.framebuffer?.inode).toBe(1);
    expect(contentChanges).toEqual([true]);
  });

  test('of a guest that draws is never shown before its update', () => {
    for (let frame = 1; frame <= 100; frame++) {
      scanout(frame);
      jest.advanceTimersByTime(7);
      expect(view.screen.framebuffer?.inode).toBe(frame === 1 ? undefined : frame - 1);
      view.update(frame, 0, 0, 64, 48);
      jest.advanceTimersByTime(7);
    }
    // And one that then stops to say so is, once.
    scanout(200);
    jest.advanceTimersByTime(240);
    expect(view.screen.framebuffer?.inode).toBe(100);
    jest.advanceTimersByTime(20);
    expect(view.screen.framebuffer?.inode).toBe(200);
  });

  test('that is new has changed everywhere; one that is known, where the guest says', () => {
    const source = view.showOn(output);
    scanout(1);
    view.update(1, 1, 1, 2, 2);
    expect(source.takeDamage()).toMatchObject({ left: 0, top: 0 });
    view.update(2, 5, 6, 7, 8);
    view.update(3, 1, 20, 1, 1);
    expect(source.takeDamage()).toEqual({ left: 1, top: 6, right: 12, bottom: 21 });
    expect(source.takeDamage()).toEqual({ left: 0, top: 0, right: 0, bottom: 0 });
    scanout(2);
    view.update(4, 1, 1, 1, 1);
    view.update(5, 2, 2, 1, 1);
    expect(source.takeDamage().right).toBeGreaterThan(1_000_000);
  });
});

describe('pixels', () => {
  test('are content at once, and replace a buffer', () => {
    const source = view.showOn(output);
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    const { framebuffer } = view.screen;
    const bytes = new Uint8Array(16 * 8 * 4);
    const released = jest.fn();
    const memory = { width: 16, height: 8, format: 1, offset: 0, pitch: 64, source: bytes, kind: 'pixels' };
    view.canvas(memory, released);
    expect(view.screen).toMatchObject({ framebuffer: null, canvas: { width: 16, height: 8 } });
    expect(view.screen.canvas?.source).toBe(bytes);
    expect(view.screen.viewport).toEqual({ x: 0, y: 0, width: 16, height: 8 });
    expect(source.takeDamage()).toMatchObject({ left: 0, top: 0 });
    expect(released).not.toHaveBeenCalled();
    expect(used(framebuffer)).toBe(false);
    // It has another size.
    expect(contentChanges).toEqual([true, true]);
    view.canvas(memory, released);
    expect(contentChanges).toEqual([true, true]);
    scanout(2);
    view.update(2, 0, 0, 64, 48);
    expect(view.screen.canvas).toBeNull();
    expect(released).toHaveBeenCalledTimes(2);
  });
});

describe('a guest that nobody sees', () => {
  test('is answered on a timer, for all it sent meanwhile at once', () => {
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    expect(shown).toEqual([]);
    view.update(2, 0, 0, 64, 48);
    jest.advanceTimersByTime(16);
    expect(shown).toEqual([2]);
    jest.advanceTimersByTime(1000);
    expect(shown).toEqual([2]);
    view.update(3, 0, 0, 64, 48);
    jest.advanceTimersByTime(16);
    expect(shown).toEqual([2, 3]);
  });

  test.each([
    [10, 100],
    [50, 20],
    [1, 700],
    [0, 700],
  ])('may draw %d frames a second: answered after %d ms, before QEMU gives up', (hidden, ms) => {
    view = make(hidden);
    expect(view.visible).toBe(false);
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    jest.advanceTimersByTime(ms - 1);
    expect(shown).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(shown).toEqual([1]);
  });

  test('is answered by the panel once somebody does', () => {
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    const source = view.showOn(output);
    jest.advanceTimersByTime(100);
    expect(shown).toEqual([]);
    view.update(2, 0, 0, 64, 48);
    expect(onOutput).toEqual(['changed']);
    source.presented(2);
    expect(shown).toEqual([2]);
  });

  test('gets what was still to come when it is hidden', () => {
    view.showOn(output);
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    view.leave(output);
    jest.advanceTimersByTime(16);
    expect(shown).toEqual([1]);
  });

  test('gets it too when it switches its head off while it is shown', () => {
    view.showOn(output);
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    view.update(2, 0, 0, 64, 48);
    view.off();
    expect(contentChanges).toEqual([true, false]);
    jest.advanceTimersByTime(16);
    expect(shown).toEqual([2]);
  });

  test('is not answered after it left', () => {
    scanout(1);
    view.update(1, 0, 0, 64, 48);
    scanout(2);
    view.close();
    jest.advanceTimersByTime(1000);
    expect(shown).toEqual([]);
    expect(view.hasContent).toBe(false);
  });
});

test('the head off has no content, once', () => {
  view.off();
  expect(contentChanges).toEqual([]);
  scanout(1);
  view.update(1, 0, 0, 64, 48);
  scanout(2);
  view.off();
  view.off();
  expect(contentChanges).toEqual([true, false]);
  jest.advanceTimersByTime(100);
  expect(view.hasContent).toBe(false);
});

test('the pointer is what the guest said last', () => {
  const { cursor } = view.showOn(output);
  const image = { width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 4) };
  view.cursorImage(image, 3, 4);
  const { generation } = cursor!;
  view.cursorMove(-5, 7, true);
  expect(cursor).toMatchObject({ image, hotX: 3, hotY: 4, x: -5, y: 7, visible: true });
  expect(onOutput).toEqual(['cursor']);
  view.cursorImage(image, 0, 0);
  expect(cursor!.generation).toBeGreaterThan(generation);
});

test('the pointer is where its hot spot is on the screen, as long as the guest shows both', () => {
  const at = { x: -1, y: -1 };
  view.cursorImage({ width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 4) }, 3, 4);
  view.cursorMove(60, 43 / 2, true);
  expect(view.pointer(at)).toBe(false);
  scanout(1);
  view.update(1, 0, 0, 64, 48);
  view.cursorMove(60, -4 + 47 / 2, true);
  expect(view.pointer(at)).toBe(true);
  expect(at).toEqual({ x: 1, y: 0.5 });
  view.cursorMove(-10_000, 10_000, true);
  expect(view.pointer(at)).toBe(true);
  expect(at).toEqual({ x: 0, y: 1 });
  view.cursorMove(0, 0, false);
  expect(view.pointer(at)).toBe(false);
});

test('a refusal of what was shown before is not one of what comes next, which is shown instead', () => {
  const source = view.showOn(output);
  scanout(1);
  view.update(1, 0, 0, 64, 48);
  scanout(2);
  source.refused('cut short');
  expect(refused).toEqual([]);
  expect(view.screen.framebuffer?.inode).toBe(2);
  source.refused('no such format');
  expect(refused).toEqual(['no such format']);
});

test('a refusal of the card goes to the guest', () => {
  view.showOn(output).refused('no such format');
  expect(refused).toEqual(['no such format']);
});
