import { XR24 } from '../../src/fourcc';
import { monotonic } from '../../src/clock';
import type { Card } from '../../src/kms/card';
import type { View } from '../../src/kms/fitting';
import { Output } from '../../src/kms/output';
import {
  connector,
  EACCES,
  EBUSY,
  EINVAL,
  FakeCard,
  FakeFramebuffer,
  fakeLog,
  FakeSource,
  settle,
  systemError,
} from './support/fake-card';
import { FakeAtomicCard } from './support/fake-atomic-card';
import { mode } from './support/modes';
import { Random } from './support/random';

const CRTC = 40;
const OTHER = 41;
const fullHd = mode();
const wxga = mode({ clock: 71_000, hdisplay: 1280, htotal: 1440, vdisplay: 800, vtotal: 823 });

let kernel: FakeCard;
let card: Card;
let output: Output;
let log: ReturnType<typeof fakeLog>;
let framebuffers: FakeFramebuffer[];

/** A buffer with the next free id. */
function buffer(width?: number, height?: number): FakeFramebuffer {
  const made = new FakeFramebuffer(framebuffers.length + 1, width, height);
  framebuffers.push(made);
  return made;
}

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  kernel = new FakeCard();
  card = kernel.open();
  log = fakeLog();
  output = new Output(card, connector(1), log);
  framebuffers = [];
});

afterEach(async () => {
  kernel.patient = false;
  while (kernel.pending.length > 0) await kernel.finish();
  await output.darken();
  card.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
  expect(kernel.wrongs).toEqual([]);
  expect(framebuffers.filter(({ uses }) => uses !== 0)).toEqual([]);
  expect([...kernel.openDumbs]).toEqual([]);
});

/** Lit, with one frame on the panel and none in flight. */
async function lit(source: FakeSource, light = fullHd, view?: View): Promise<void> {
  await output.light(CRTC, light, view);
  output.show(source, monotonic());
  await settle();
}

const flipped = (): number[] => kernel.flips.map(({ framebuffer }) => framebuffer);

describe('frames', () => {
  test('the first sets the CRTC, all others flip', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    expect(kernel.sets).toEqual([{ crtc: CRTC, framebuffer: 1, x: 0, y: 0, mode: fullHd }]);
    expect(source.presentedFrames).toEqual([1]);
    expect([output.modesets, output.path]).toEqual([1, 'direct']);
    source.draw(buffer());
    output.changed();
    expect(flipped()).toEqual([2]);
    expect(source.presentedFrames).toEqual([1]);
    kernel.vblank(CRTC);
    expect(source.presentedFrames).toEqual([1, 2]);
    expect(kernel.sets).toHaveLength(1);
  });

  test('of those that come during a flight only the newest is shown', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    for (let count = 0; count < 4; count++) {
      source.draw(buffer());
      output.changed();
    }
    expect(flipped()).toEqual([2]);
    kernel.vblank(CRTC);
    expect(flipped()).toEqual([2, 5]);
    kernel.vblank(CRTC);
    expect(flipped()).toEqual([2, 5]);
    expect(source.presentedFrames).toEqual([1, 2, 5]);
  });

  test('a buffer is held while it is in flight or on the panel, and no longer', async () => {
    const [a, b, c] = [buffer(), buffer(), buffer()];
    const source = new FakeSource().draw(a);
    await lit(source);
    expect(a.uses).toBe(1);
    source.draw(b);
    output.changed();
    expect([a.uses, b.uses]).toEqual([1, 1]);
    source.draw(c);
    output.changed();
    expect(c.uses).toBe(0);
    kernel.vblank(CRTC);
    expect([a.uses, b.uses, c.uses]).toEqual([0, 1, 1]);
    kernel.vblank(CRTC);
    expect([a.uses, b.uses, c.uses]).toEqual([0, 0, 1]);
  });

  test('of a larger screen are made smaller by a copy, as a card without planes cannot', async () => {
    const source = new FakeSource().draw(buffer(2560, 1440));
    source.viewport = { x: 0, y: 0, width: 2560, height: 1440 };
    await lit(source);
    expect([output.path, output.reason]).toEqual([
      'copy',
      'the display engine does not scale 2560x1440 to 1920x1080',
    ]);
    expect(output.placement).toMatchObject({ cropWidth: 2560, width: 1920, height: 1080 });
  });

  test('copied, say why for as long as they are on the panel', async () => {
    const source = new FakeSource().draw(buffer(2560, 1440));
    source.viewport = { x: 0, y: 0, width: 2560, height: 1440 };
    await lit(source);
    const { reason } = output;
    expect(reason).toContain('does not scale');
    output.show(new FakeSource().draw(buffer()), 0);
    expect([output.path, output.reason]).toEqual(['copy', reason]);
    kernel.vblank(CRTC);
    expect([output.path, output.reason]).toEqual(['direct', undefined]);
  });

  test('of a larger screen are cut in the middle where the config says so; another crop is set, not flipped', async () => {
    const source = new FakeSource().draw(buffer(2560, 1440));
    source.viewport = { x: 0, y: 0, width: 2560, height: 1440 };
    await lit(source, fullHd, { fit: 'none', turn: 0 });
    expect(kernel.sets[0]).toMatchObject({ x: 320, y: 180 });
    source.viewport = { x: 10, y: 4, width: 1920, height: 1080 };
    source.frame++;
    output.changed();
    await settle();
    expect(kernel.sets[1]).toMatchObject({ x: 10, y: 4 });
    expect(flipped()).toEqual([]);
    source.frame++;
    output.changed();
    expect(flipped()).toEqual([1]);
    expect(output.modesets).toBe(1);
  });

  test('nothing is committed while the source has nothing, or the output is dark', async () => {
    const source = new FakeSource();
    await lit(source);
    expect(kernel.sets).toEqual([]);
    await output.darken();
    source.draw(buffer());
    output.changed();
    await settle();
    expect(kernel.sets.filter((set) => set.mode)).toEqual([]);
  });

  test('a picture of another size than the mode is not shown', async () => {
    const source = new FakeSource();
    source.picture = await kernel.createDumb({
      width: 1280,
      height: 800,
      format: 0,
      fill: 0,
      framebuffer: true,
    });
    await lit(source);
    expect(kernel.sets).toEqual([]);
    source.picture.close();
    source.picture = null;
  });
});

describe('a flip that is refused', () => {
  test('with EBUSY is tried again soon, with what is newest then', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    kernel.flipResults = [EBUSY, EBUSY];
    source.draw(buffer());
    output.changed();
    expect(framebuffers[1]!.uses).toBe(0);
    jest.advanceTimersByTime(2);
    source.draw(buffer());
    jest.advanceTimersByTime(2);
    expect(flipped()).toEqual([3]);
    expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([]);
    kernel.vblank(CRTC);
    expect(source.presentedFrames).toEqual([1, 3]);
  });

  test('with EINVAL becomes a set', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    kernel.flipResults = [EINVAL];
    source.draw(buffer());
    output.changed();
    await settle();
    expect(kernel.sets.map(({ framebuffer }) => framebuffer)).toEqual([1, 2]);
    expect(source.presentedFrames).toEqual([1, 2]);
    expect(output.modesets).toBe(1);
  });

  test('with EACCES is tried until the card is ours again', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    kernel.flipResults = [EACCES, EACCES, EACCES];
    source.draw(buffer());
    output.changed();
    jest.advanceTimersByTime(250);
    expect(flipped()).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(flipped()).toEqual([2]);
  });

  describe('with anything else', () => {
    const ENOSPC = -28;
    const troubles = (): string[] => log.lines.filter((line) => /^(warning|error)/.test(line));
    const passes = async (ms: number): Promise<void> => {
      jest.advanceTimersByTime(ms);
      await settle();
    };

    test('is tried again, and nothing is said of it', async () => {
      const source = new FakeSource().draw(buffer());
      await lit(source);
      kernel.flipResults = [ENOSPC, ENOSPC];
      source.draw(buffer());
      output.changed();
      await passes(100);
      await passes(100);
      expect(flipped()).toEqual([2]);
      expect(troubles()).toEqual([]);
      kernel.vblank(CRTC);
      expect([output.path, output.reason]).toEqual(['direct', undefined]);
    });

    test('three times is copied, said once with its name, and tried again later, until it works', async () => {
      let now = monotonic();
      jest.spyOn(performance, 'now').mockImplementation(() => now);
      const source = new FakeSource().draw(buffer());
      await lit(source);
      const next = async (refusals: number): Promise<string> => {
        kernel.flipResults = Array.from({ length: refusals }, () => ENOSPC);
        source.draw(buffer());
        output.changed();
        for (let count = 0; count < 3; count++) await passes(100);
        kernel.vblank(CRTC);
        expect(source.presentedFrames.at(-1)).toBe(source.frame);
        expect(kernel.flipResults).toEqual([]);
        return output.path;
      };
      expect(await next(3)).toBe('copy');
      expect(output.reason).toBe('the card does not flip to this buffer (ENOSPC)');
      expect(await next(0)).toBe('copy');
      now += 10_000;
      // Once is enough to know by now.
      expect(await next(1)).toBe('copy');
      now += 19_000;
      expect(await next(0)).toBe('copy');
      now += 1_000;
      expect(await next(0)).toBe('direct');
      expect(output.reason).toBeUndefined();
      expect(troubles()).toEqual(['warning: Virtual-1: flip refused with ENOSPC: copying instead']);
      expect(log.lines.at(-1)).toBe('info: Virtual-1: the card flips to this buffer again: copying no more');
      // A new trouble is a new line.
      expect(await next(3)).toBe('copy');
      expect(troubles()).toHaveLength(2);
    });

    test('of our own buffers, too, keeps the picture; the guest goes on, and the panel when it works', async () => {
      const source = new FakeSource().draw(buffer());
      await lit(source);
      kernel.flipResults = Array.from({ length: 30 }, () => ENOSPC);
      for (let half = 0; half < 12; half++) {
        source.draw(buffer());
        output.changed();
        await passes(100);
        await passes(400);
      }
      expect(source.presentedFrames.at(-1)).toBeGreaterThan(source.frame - 2);
      expect(source.presentedFrames.length).toBeGreaterThan(9);
      expect(flipped()).toEqual([]);
      expect(output.reason).toBe('the card does not flip (ENOSPC)');
      expect(troubles()).toEqual([
        'warning: Virtual-1: flip refused with ENOSPC: copying instead',
        'error: Virtual-1: flip refused with ENOSPC: the panel keeps its picture until it works',
      ]);
      kernel.flipResults = [];
      await passes(500);
      expect(flipped()).toHaveLength(1);
      kernel.vblank(CRTC);
      expect(log.lines.at(-1)).toBe('info: Virtual-1: the card flips again');
      expect([output.path, output.reason]).toEqual([
        'copy',
        'the card does not flip to this buffer (ENOSPC)',
      ]);
    });
  });
});

describe('a set that fails', () => {
  test('because the card is not ours is tried again', async () => {
    kernel.setErrors = [systemError('EACCES', EACCES), systemError('EBUSY', EBUSY)];
    const source = new FakeSource().draw(buffer());
    await lit(source);
    // Not before its time, whoever asks.
    source.draw(buffer());
    output.changed();
    await settle();
    expect(framebuffers.map(({ uses }) => uses)).toEqual([0, 0]);
    expect(kernel.setErrors).toHaveLength(1);
    jest.advanceTimersByTime(100);
    await settle();
    expect(kernel.setErrors).toHaveLength(0);
    expect(source.presentedFrames).toEqual([]);
    jest.advanceTimersByTime(100);
    await settle();
    expect(source.presentedFrames).toEqual([2]);
    expect(source.refusals).toEqual([]);
  });

  test('with a guest’s own buffer has it copied from then on', async () => {
    kernel.setErrors = [systemError('EINVAL', EINVAL)];
    const source = new FakeSource().draw(buffer());
    await lit(source);
    expect(output.path).toBe('copy');
    expect(output.reason).toMatch(/^the card does not scan this buffer out/);
    expect(source.presentedFrames).toEqual([1]);
    expect(framebuffers[0]!.uses).toBe(0);
  });

  test('with one buffer of a kind is not tried with another; with another kind it is, and after a light anew', async () => {
    kernel.setErrors = [systemError('EINVAL', EINVAL)];
    const source = new FakeSource().draw(buffer());
    await lit(source);
    const next = async (drawn: FakeFramebuffer): Promise<string> => {
      source.draw(drawn);
      output.changed();
      await settle();
      kernel.vblank(CRTC);
      await settle();
      return output.path;
    };
    expect(await next(buffer())).toBe('copy');
    const foreign = buffer();
    foreign.exporters = ['vgem'];
    expect(await next(foreign)).toBe('direct');
    expect(await next(buffer())).toBe('copy');
    expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([
      'warning: Virtual-1: the card does not scan this buffer out (Error: EINVAL, drmModeSetCrtc): copying instead',
    ]);
    output.renew();
    await settle();
    expect([output.path, output.reason]).toEqual(['direct', undefined]);
  });

  test('is no fault of the buffer where one of ours fails as well', async () => {
    const refused = (): Error => systemError('EINVAL', EINVAL);
    kernel.setErrors = [refused(), refused()];
    const source = new FakeSource().draw(buffer());
    await lit(source);
    expect(output.reason).toBe('cannot be lit: Error: EINVAL, drmModeSetCrtc');
    // The guest goes on.
    expect(source.presentedFrames).toEqual([1]);
    expect(framebuffers[0]!.uses).toBe(0);
    jest.advanceTimersByTime(2000);
    await settle();
    expect([output.path, output.reason]).toEqual(['direct', undefined]);
    expect(log.lines.filter((line) => /^(warning|error)/.test(line))).toHaveLength(1);
  });

  test('when our own cannot be tried either, for the card is not ours, says nothing of the buffer', async () => {
    kernel.setErrors = [systemError('EINVAL', EINVAL), systemError('EACCES', EACCES)];
    const source = new FakeSource().draw(buffer());
    await lit(source);
    jest.advanceTimersByTime(100);
    await settle();
    expect([output.path, output.reason]).toEqual(['direct', undefined]);
    expect(log.lines.filter((line) => /^(warning|error)/.test(line))).toEqual([]);
  });

  test('with our own is said, and frees what it held', async () => {
    const source = new FakeSource();
    const pixels = new Uint8Array(64 * 64 * 4);
    const canvas = {
      width: 64,
      height: 64,
      format: XR24,
      offset: 0,
      pitch: 256,
      source: pixels,
      kind: 'pixels',
    };
    source.canvas = canvas;
    kernel.setErrors = [systemError('ENOSPC', -28)];
    await lit(source);
    expect(output.reason).toMatch(/^cannot be lit: .*ENOSPC/);
    expect(log.lines.at(-1)).toMatch(/^error: Virtual-1: cannot be lit/);
  });
});

describe('flip events', () => {
  test('that belong to no flight, or to an older one, are ignored', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    kernel.vblank(CRTC, 77);
    source.draw(buffer());
    output.changed();
    const { cookie } = kernel.inFlight.get(CRTC)!;
    kernel.vblank(CRTC, cookie - 1);
    kernel.vblank(CRTC, 0);
    expect(source.presentedFrames).toEqual([1]);
    kernel.vblank(CRTC, cookie);
    expect(source.presentedFrames).toEqual([1, 2]);
    kernel.vblank(CRTC, cookie);
    expect(output.frames).toBe(2);
  });

  test('count the vblanks that passed by', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    const at = (sequence: number): void => {
      source.draw(buffer());
      output.changed();
      const { cookie } = kernel.inFlight.get(CRTC)!;
      kernel.inFlight.delete(CRTC);
      output.flipped(cookie, sequence, monotonic());
    };
    at(0xfffffffe);
    at(0xffffffff);
    expect(output.idleVblanks).toBe(0);
    at(4);
    expect(output.idleVblanks).toBe(4);
  });

  test('that never come are given up after a second, and the CRTC is set anew', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    source.draw(buffer());
    output.changed();
    const { cookie } = kernel.inFlight.get(CRTC)!;
    output.watch(monotonic() + 900);
    expect(kernel.sets).toHaveLength(1);
    // A second look, as the event may only not have been read yet.
    output.watch(monotonic() + 1100);
    await settle();
    expect(kernel.sets).toHaveLength(1);
    output.watch(monotonic() + 2100);
    await settle();
    expect(kernel.sets.map(({ framebuffer }) => framebuffer)).toEqual([1, 2]);
    expect(source.presentedFrames).toEqual([1, 2]);
    // It comes after all.
    kernel.vblank(CRTC, cookie);
    expect(output.frames).toBe(2);
  });

  test('are not missed while nothing flies, nor while a CRTC is being set', async () => {
    kernel.patient = true;
    const source = new FakeSource().draw(buffer());
    await lit(source);
    output.watch(monotonic() + 60_000);
    await kernel.finish('set');
    output.watch(monotonic() + 60_000);
    await settle();
    expect(log.lines.filter((line) => line.startsWith('warning'))).toEqual([]);
    expect(kernel.sets).toHaveLength(1);
  });
});

describe('a switch', () => {
  test('is one flip, and its times are kept', async () => {
    const [a, b] = [new FakeSource().draw(buffer()), new FakeSource().draw(buffer())];
    await lit(a);
    const requested = monotonic() - 5;
    output.show(b, requested);
    expect(flipped()).toEqual([2]);
    expect(output.lastSwitch!.committed).toBeGreaterThanOrEqual(requested + 5);
    expect(output.lastSwitch!.shown).toBeNaN();
    expect([output.holds(a), output.holds(b)]).toEqual([true, true]);
    kernel.vblank(CRTC);
    expect(output.lastSwitch!.shown).not.toBeNaN();
    expect([output.holds(a), output.holds(b)]).toEqual([false, true]);
    expect([a.presentedFrames, b.presentedFrames]).toEqual([[1], [1]]);
  });

  test('while one flies comes at the next vblank', async () => {
    const [a, b] = [new FakeSource().draw(buffer()), new FakeSource().draw(buffer())];
    await lit(a);
    a.draw(buffer());
    output.changed();
    output.show(b, monotonic());
    expect(output.lastSwitch!.committed).toBeNaN();
    kernel.vblank(CRTC);
    expect(flipped()).toEqual([3, 2]);
    // What the first source draws now is not for this output.
    expect(output.lastSwitch!.shown).toBeNaN();
    kernel.vblank(CRTC);
    expect(output.lastSwitch!.shown).not.toBeNaN();
  });
});

describe('darkness lets go of everything', () => {
  test('while the CRTC is being set', async () => {
    kernel.patient = true;
    const source = new FakeSource().draw(buffer());
    await lit(source);
    expect(framebuffers[0]!.uses).toBe(1);
    const dark = output.darken();
    expect(output.lit).toBe(false);
    await kernel.finish('set');
    expect(framebuffers[0]!.uses).toBe(1); // The kernel shows it until it is off.
    await kernel.finish('off');
    await dark;
    expect(framebuffers[0]!.uses).toBe(0);
    expect(source.presentedFrames).toEqual([]);
    expect(kernel.sets.at(-1)!.mode).toBeNull();
  });

  test('while the CRTC is being set and that fails', async () => {
    kernel.patient = true;
    const source = new FakeSource().draw(buffer());
    await lit(source);
    const dark = output.darken();
    await kernel.finish('set', systemError('EINVAL', EINVAL));
    await kernel.finish('off', systemError('EACCES', EACCES));
    await dark;
    expect(framebuffers[0]!.uses).toBe(0);
  });

  test('while a flip is in flight', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    source.draw(buffer());
    output.changed();
    const { cookie } = kernel.inFlight.get(CRTC)!;
    await output.darken();
    expect(framebuffers.map(({ uses }) => uses)).toEqual([0, 0]);
    kernel.vblank(CRTC, cookie);
    expect(source.presentedFrames).toEqual([1]);
  });

  test('while the pixels are being copied', async () => {
    kernel.patient = true;
    const source = new FakeSource().draw(buffer(640, 480));
    source.viewport = { x: 0, y: 0, width: 640, height: 480 };
    await lit(source);
    expect(framebuffers[0]!.uses).toBe(1);
    const dark = output.darken();
    await settle();
    await kernel.finish('copy');
    // Drawn, but the CRTC is being switched off: nothing is committed any more.
    while (kernel.pending.some(({ what }) => what === 'copy')) await kernel.finish('copy');
    expect(kernel.pending.map(({ what }) => what)).toEqual([`off ${CRTC}`]);
    await kernel.finish('off');
    await dark;
    expect(framebuffers[0]!.uses).toBe(0);
    expect([...kernel.openDumbs]).toEqual([]);
    expect(kernel.sets.map((set) => set.mode)).toEqual([null]);
    expect(source.refusals).toEqual([]);
  });

  test('while the pixels of a running output are being copied', async () => {
    const source = new FakeSource().draw(buffer(640, 480));
    source.viewport = { x: 0, y: 0, width: 640, height: 480 };
    await lit(source);
    kernel.patient = true;
    source.damage = { left: 0, top: 0, right: 8, bottom: 8 };
    source.frame++;
    output.changed();
    await settle();
    const dark = output.darken();
    while (kernel.pending.some(({ what }) => what === 'copy')) await kernel.finish('copy');
    expect(kernel.flips).toEqual([]);
    await kernel.finish('off');
    await dark;
    expect(framebuffers[0]!.uses).toBe(0);
  });

  test('while a flip waits to be tried again', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    kernel.flipResults = [EBUSY];
    source.draw(buffer());
    output.changed();
    await output.darken();
    jest.advanceTimersByTime(1000);
    expect(flipped()).toEqual([]);
  });

  test('and the next light starts anew', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    await output.light(OTHER, wxga);
    await settle();
    expect(kernel.sets.map((set) => [set.crtc, set.mode])).toEqual([
      [CRTC, fullHd],
      [CRTC, null],
      [OTHER, wxga],
    ]);
    await output.light(OTHER, { ...wxga, name: 'the same' });
    await settle();
    expect(kernel.sets).toHaveLength(3);
  });
});

describe('the copy path', () => {
  function small(): FakeSource {
    const source = new FakeSource();
    source.viewport = { x: 0, y: 0, width: 640, height: 480 };
    return source.draw(buffer(640, 480));
  }

  test('shows a screen that is smaller than the mode, in two buffers by turns', async () => {
    const source = small();
    await lit(source);
    expect(output.path).toBe('copy');
    const shown = [kernel.sets[0]!.framebuffer];
    for (let count = 0; count < 3; count++) {
      source.frame++;
      source.damage = { left: 0, top: 0, right: 4, bottom: 4 };
      output.changed();
      await settle();
      shown.push(kernel.inFlight.get(CRTC)!.framebuffer);
      kernel.vblank(CRTC);
    }
    expect(shown[0]).toBe(shown[2]);
    expect(shown[1]).toBe(shown[3]);
    expect(shown[0]).not.toBe(shown[1]);
    expect(source.presentedFrames).toEqual([1, 2, 3, 4]);
  });

  test('does not commit while another CRTC is being set, and does afterwards', async () => {
    const source = small();
    await lit(source);
    kernel.patient = true;
    source.frame++;
    source.damage = { left: 0, top: 0, right: 4, bottom: 4 };
    output.changed();
    await settle();
    const other = card.exclusive(() => card.commit.off(OTHER));
    while (kernel.pending.some(({ what }) => what === 'copy')) await kernel.finish('copy');
    expect(kernel.flips).toEqual([]);
    kernel.patient = false;
    await kernel.finish('off');
    await other;
    await settle();
    expect(kernel.flips).toHaveLength(1);
    kernel.vblank(CRTC);
    expect(source.presentedFrames).toEqual([1, 2]);
  });

  test('keeps nobody waiting: a frame that needs no copy overtakes it', async () => {
    const source = small();
    await lit(source);
    kernel.patient = true;
    source.draw(buffer(640, 480));
    output.changed();
    await settle();
    expect(kernel.pending.map(({ what }) => what)).toEqual(['copy']);
    source.viewport = { x: 0, y: 0, width: 1920, height: 1080 };
    source.draw(buffer());
    output.changed();
    expect(flipped()).toEqual([3]);
    kernel.vblank(CRTC);
    // What the worker has drawn by now is old.
    while (kernel.pending.length > 0) await kernel.finish('copy');
    expect(flipped()).toEqual([3]);
    expect([output.path, output.reason]).toEqual(['direct', undefined]);
    expect(source.presentedFrames).toEqual([1, 3]);
    expect(framebuffers.map(({ uses }) => uses)).toEqual([0, 0, 1]);
  });

  test('is begun again for what came while a worker was drawing', async () => {
    const source = small();
    await lit(source);
    kernel.patient = true;
    for (let count = 0; count < 3; count++) {
      source.draw(buffer(640, 480));
      source.damage = { left: 0, top: 0, right: 4, bottom: 4 };
      output.changed();
      await settle();
    }
    const finished = async (): Promise<void> => {
      await settle();
      while (kernel.pending.length > 0) await kernel.finish('copy');
    };
    await finished();
    kernel.vblank(CRTC);
    await finished();
    kernel.vblank(CRTC);
    expect(source.presentedFrames).toEqual([1, 2, 4]);
    expect(kernel.flips).toHaveLength(2);
    expect(framebuffers.map(({ uses }) => uses)).toEqual([0, 0, 0, 0]);
  });

  test('that fails when something else is shown already is nobody’s trouble', async () => {
    const source = small();
    await lit(source);
    kernel.patient = true;
    source.draw(buffer(640, 480));
    output.changed();
    await settle();
    const other = new FakeSource().draw(buffer());
    output.show(other, monotonic());
    expect(flipped()).toEqual([3]);
    kernel.vblank(CRTC);
    await kernel.finish('copy', new Error('gone'));
    expect([source.refusals, other.refusals, output.reason]).toEqual([[], [], undefined]);
    expect(flipped()).toEqual([3]);
  });

  test('that fails is told to the guest', async () => {
    const source = small();
    jest.spyOn(framebuffers[0]!, 'mapping').mockImplementation(() => {
      throw new Error('no such memory');
    });
    await lit(source);
    expect(source.refusals).toEqual(['cannot be copied either: Error: no such memory']);
    expect(framebuffers[0]!.uses).toBe(0);
  });
});

describe('with atomic commits', () => {
  beforeEach(() => {
    card.close();
    kernel = new FakeAtomicCard();
    card = kernel.open();
    output = new Output(card, connector(1), log);
  });

  test('another view on the same mode is no modeset, and does not go dark', async () => {
    const source = new FakeSource().draw(buffer());
    await lit(source);
    expect(output.modesets).toBe(1);
    await output.light(CRTC, fullHd, { fit: 'none', turn: 0 });
    await settle();
    expect(output.isSet).toBe(true);
    expect(output.modesets).toBe(1);
    await output.light(CRTC, wxga);
    await settle();
    expect(output.modesets).toBe(2);
    expect(kernel.told.filter((line) => line.startsWith('off'))).toEqual([]);
    expect(kernel.sets).toHaveLength(3);
    expect(log.lines.filter((line) => line.includes('without a modeset'))).toHaveLength(1);
  });

  test('a frame of the mode’s size is asked about, too, when no slow commit has the locks', async () => {
    const asked: boolean[] = [];
    jest.spyOn(card.commit, 'accepts').mockImplementation(() => {
      asked.push(card.committing);
      return true;
    });
    const others = new Output(card, connector(2), log);
    kernel.patient = true;
    const source = new FakeSource().draw(buffer());
    await lit(source);
    const other = new FakeSource().draw(buffer());
    await others.light(OTHER, fullHd);
    others.show(other, monotonic());
    await settle();
    expect(asked).toEqual([false]);
    while (kernel.pending.length > 0) await kernel.finish();
    expect(asked).toEqual([false, false]);
    expect([output.path, others.path]).toEqual(['direct', 'direct']);
    kernel.patient = false;
    await others.darken();
  });
});

describe('the pointer', () => {
  test('waits for the flip in flight, and is where the guest has it at the vblank', async () => {
    const source = new FakeSource().draw(buffer());
    const image = { width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 4) };
    source.cursor = { image, generation: 1, hotX: 0, hotY: 0, x: 1, y: 2, visible: true };
    await lit(source);
    jest.advanceTimersByTime(100);
    source.draw(buffer());
    output.changed();
    for (let x = 5; x < 9; x++) {
      source.cursor = { ...source.cursor, x };
      output.cursorChanged();
    }
    jest.advanceTimersByTime(100);
    kernel.cursors.length = 0;
    kernel.vblank(CRTC);
    expect(kernel.cursors[0]).toBe(`${CRTC} 8,2`);
  });

  test('moves with the guest, no more often than a panel can show, and hides with it', async () => {
    const source = new FakeSource().draw(buffer());
    const image = { width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 4) };
    const pointer = (x: number, visible = true): void => {
      source.cursor = { image, generation: 1, hotX: 0, hotY: 0, x, y: 5, visible };
      output.cursorChanged();
    };
    await lit(source);
    jest.advanceTimersByTime(100);
    for (let x = 0; x < 50; x++) pointer(x);
    jest.advanceTimersByTime(16);
    const moves = kernel.cursors.filter((call) => call.includes(','));
    expect(moves.length).toBeLessThanOrEqual(3);
    expect(moves.at(-1)).toBe(`${CRTC} 49,5`);
    pointer(49, false);
    jest.advanceTimersByTime(16);
    expect(kernel.cursors.at(-1)).toBe(`${CRTC} hide`);
  });
});

test.each([
  ['legacy', FakeCard],
  ['atomic', FakeAtomicCard],
] as const)(
  'nothing is held, lost or committed twice in 5,000 random steps, %s',
  async (_, Kernel) => {
    card.close();
    kernel = new Kernel();
    card = kernel.open();
    output = new Output(card, connector(1), log);
    const random = new Random(7);
    const outputs = [output, new Output(card, connector(2), log)];
    const sources = Array.from({ length: 3 }, () => new FakeSource());
    const pool = Array.from({ length: 9 }, (_, index) => (index < 6 ? buffer() : buffer(640, 480)));
    const pointer = { width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 4) };
    // One change of an output at a time, as the switcher makes them.
    let turn: Promise<unknown> = Promise.resolve();
    const queue = (work: () => Promise<unknown>): void => {
      turn = turn.then(work);
    };
    kernel.patient = true;
    const step = async (): Promise<void> => {
      const index = random.below(2);
      const one = outputs[index]!;
      const crtc = CRTC + index;
      const what = random.below(100);
      if (what < 25) {
        const source = random.pick(sources);
        const drawn = random.pick(pool);
        source.viewport = { x: 0, y: 0, width: drawn.width, height: drawn.height };
        source.damage = { left: 0, top: 0, right: 16, bottom: 16 };
        source.draw(drawn);
        for (const each of outputs) if (each.source === source) each.changed();
      } else if (what < 50) {
        if (kernel.inFlight.has(crtc)) kernel.vblank(crtc);
      } else if (what < 78) {
        for (let count = random.below(5); count > 0 && kernel.pending.length > 0; count--) {
          const fails = random.chance(0.03);
          await kernel.finish(
            undefined,
            fails ? systemError(random.pick(['EACCES', 'EBUSY', 'EINVAL']), -1) : undefined,
          );
        }
      } else if (what < 80) {
        one.show(random.pick(sources), monotonic());
      } else if (what < 82) {
        const source = random.pick(sources);
        const visible = random.chance(0.8);
        source.cursor ??= { image: pointer, generation: 1, hotX: 0, hotY: 0, x: 0, y: 0, visible };
        Object.assign(source.cursor, { x: random.below(2000), visible });
        for (const each of outputs) if (each.source === source) each.cursorChanged();
      } else if (what < 83) {
        kernel.flipResults.push(random.pick([EBUSY, EACCES, EINVAL, -28]));
      } else if (what < 90) {
        jest.advanceTimersByTime(random.pick([3, 120]));
      } else if (what < 94) {
        // Later than buffers are kept that rest.
        one.watch(monotonic() + 11_000);
      } else if (what < 95) {
        kernel.vblank(crtc, random.below(50));
      } else if (what < 96) {
        // Its event is lost.
        if (kernel.inFlight.delete(crtc)) {
          one.watch(monotonic() + 2000);
          one.watch(monotonic() + 3000);
        }
      } else if (what < 98) {
        if (random.chance(0.5)) queue(() => one.light(crtc, random.pick([fullHd, wxga])));
      } else if (what < 99) {
        if (random.chance(0.5)) queue(() => one.darken());
      } else if (random.chance(0.3)) one.renew();
      await new Promise((resolve) => setImmediate(resolve));
      expect(kernel.wrongs).toEqual([]);
      // In flight and on the panel, for two outputs, and a copy each.
      for (const { uses } of pool) if (uses < 0 || uses > 6) throw new Error(`${uses} uses`);
    };
    for (let count = 0; count < 5000; count++) await step();
    const { length } = kernel.flips;
    kernel.flipResults = [];
    kernel.patient = false;
    for (const each of outputs) queue(() => each.darken());
    const done = turn.then(() => true);
    while (!(await Promise.race([done, settle()]))) while (kernel.pending.length > 0) await kernel.finish();
    jest.advanceTimersByTime(1000);
    await settle();
    expect(outputs.map((each) => each.lit)).toEqual([false, false]);
    expect(pool.map(({ uses }) => uses)).toEqual(pool.map(() => 0));
    expect([...kernel.openDumbs]).toEqual([]);
    // It was a busy time.
    expect(length).toBeGreaterThan(150);
    expect(kernel.sets.length).toBeGreaterThan(60);
    expect(outputs.every(({ frames }) => frames > 80)).toBe(true);
  },
  30_000,
);

test('on a panel that stands on its side, guests and pictures are turned', async () => {
  const source = new FakeSource();
  source.picture = await kernel.createDumb({
    width: 1080,
    height: 1920,
    format: XR24,
    fill: 0,
    framebuffer: true,
  });
  source.viewport = { x: 0, y: 0, width: 1080, height: 1920 };
  await lit(source, fullHd, { fit: 'auto', turn: 1 });
  expect([output.path, output.width, output.height]).toEqual(['picture', 1080, 1920]);
  source.picture.close();
  source.picture = null;
  source.draw(buffer(1080, 1920));
  output.changed();
  await settle();
  kernel.vblank(CRTC);
  expect([output.path, output.reason]).toEqual([
    'copy',
    'the display engine does not turn pictures by 90 degrees',
  ]);
  expect(output.placement).toMatchObject({ x: 0, y: 0, width: 1920, height: 1080, turn: 1 });
  // Turned back: everything is set up anew.
  await output.light(CRTC, fullHd, { fit: 'auto', turn: 0 });
  await settle();
  expect([output.path, output.width]).toEqual(['copy', 1920]);
});
