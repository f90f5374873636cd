import { chooseMode, modeName, refreshOf, sameMode } from '../../src/kms/modes';
import type { ModeInfo } from '../../src/native';
import { mode } from './support/modes';

const INTERLACE = 1 << 4;
const DOUBLESCAN = 1 << 5;
const PREFERRED = 1 << 3;

const fullHd = mode();
const fullHd5994 = mode({ clock: 148_352 });
const fullHd50 = mode({ htotal: 2640 });
const fullHdInterlaced = mode({ clock: 74_250, flags: INTERLACE });
const wxga = mode({
  clock: 71_000,
  hdisplay: 1280,
  htotal: 1440,
  vdisplay: 800,
  vtotal: 823,
  type: PREFERRED,
});
const uhd30 = mode({ clock: 297_000, hdisplay: 3840, htotal: 4400, vdisplay: 2160, vtotal: 2250 });
const uhd60 = mode({ clock: 594_000, hdisplay: 3840, htotal: 4400, vdisplay: 2160, vtotal: 2250 });

describe('the refresh rate', () => {
  test.each<[string, ModeInfo, number]>([
    ['of 60 Hz', fullHd, 60_000],
    ['of NTSC time', fullHd5994, 59_940],
    ['of 50 Hz', fullHd50, 50_000],
    ['of interlaced modes is that of fields', fullHdInterlaced, 60_000],
    ['of doublescan modes counts every line twice', mode({ flags: DOUBLESCAN }), 30_000],
    ['of both at once', mode({ flags: INTERLACE | DOUBLESCAN }), 60_000],
    ['with vscan 1 is as without', mode({ vscan: 1 }), 60_000],
    ['with vscan 3 is a third', mode({ vscan: 3 }), 20_000],
    ['without horizontal timings is 0', mode({ htotal: 0 }), 0],
    ['without vertical timings is 0', mode({ vtotal: 0 }), 0],
    ['without a clock is 0', mode({ clock: 0 }), 0],
  ])('%s', (_what, timings, refresh) => {
    expect(refreshOf(timings)).toBe(refresh);
  });

  test('is named as users write it', () => {
    expect(modeName(fullHd)).toBe('1920x1080@60');
    expect(modeName(fullHd5994)).toBe('1920x1080@59.94');
    expect(modeName(mode({ clock: 0 }))).toBe('1920x1080@0');
  });
});

test('modes are the same when their timings are, whatever they are called', () => {
  expect(sameMode(fullHd, mode({ name: 'FHD', type: PREFERRED, vrefresh: 61 }))).toBe(true);
  const timings = [
    'clock',
    'hdisplay',
    'hsyncStart',
    'hsyncEnd',
    'htotal',
    'vdisplay',
    'vsyncStart',
    'vsyncEnd',
    'vtotal',
    'flags',
  ] as const;
  for (const field of timings) {
    expect({ field, same: sameMode(fullHd, mode({ [field]: fullHd[field] + 1 })) }).toEqual({
      field,
      same: false,
    });
  }
});

describe('the choice of a mode', () => {
  test('is none without modes', () => {
    expect(chooseMode([], 'preferred', null)).toBeUndefined();
    expect(chooseMode([], { width: 1920, height: 1080 }, fullHd)).toBeUndefined();
  });

  test('preferred: what the monitor says, else the largest', () => {
    expect(chooseMode([fullHd, wxga], 'preferred', null)).toEqual({ mode: wxga });
    expect(chooseMode([fullHd, uhd30, uhd60, fullHd50], 'preferred', null)).toEqual({ mode: uhd60 });
  });

  test('max: the largest, of those the fastest', () => {
    expect(chooseMode([wxga, uhd30, uhd60, fullHd], 'max', null)).toEqual({ mode: uhd60 });
  });

  test('current: what runs, where the monitor has it, else the preferred one with a word about it', () => {
    expect(chooseMode([wxga, fullHd], 'current', mode({ type: 0, name: 'other' }))).toEqual({ mode: fullHd });
    const note = 'no current mode to keep: using the preferred one';
    expect(chooseMode([wxga, fullHd], 'current', null)).toEqual({ mode: wxga, note });
    expect(chooseMode([wxga, fullHd], 'current', uhd60)).toEqual({ mode: wxga, note });
  });

  test('a size alone: the first of that size, which the kernel lists best first', () => {
    expect(chooseMode([wxga, fullHd5994, fullHd], { width: 1920, height: 1080 }, null)).toEqual({
      mode: fullHd5994,
    });
  });

  test('a size and rate: the nearest within half a hertz', () => {
    const modes = [fullHd, fullHd5994, fullHd50];
    const at = (refresh: number): ModeInfo | undefined =>
      chooseMode(modes, { width: 1920, height: 1080, refresh }, null)?.mode;
    expect(at(60_000)).toBe(fullHd);
    expect(at(59_940)).toBe(fullHd5994);
    expect(at(59_960)).toBe(fullHd5994);
    expect(at(50_000)).toBe(fullHd50);
    expect(chooseMode([fullHd], { width: 1920, height: 1080, refresh: 59_940 }, null)).toEqual({
      mode: fullHd,
    });
  });

  test('what the monitor has not: the preferred one, with what it has of that size', () => {
    expect(
      chooseMode([wxga, fullHd, fullHd50], { width: 1920, height: 1080, refresh: 75_000 }, null),
    ).toEqual({
      mode: wxga,
      note: 'the monitor has no mode 1920x1080@75 (it has 1920x1080@60, 1920x1080@50): using 1280x800@59.91',
    });
    expect(chooseMode([wxga], { width: 800, height: 600 }, null)).toEqual({
      mode: wxga,
      note: 'the monitor has no mode 800x600: using 1280x800@59.91',
    });
  });

  test('interlaced and doublescan modes are a last resort', () => {
    const interlaced = mode({ ...fullHdInterlaced, type: PREFERRED });
    expect(chooseMode([interlaced, wxga], 'preferred', null)).toEqual({ mode: wxga });
    expect(chooseMode([interlaced, wxga], 'max', null)).toEqual({ mode: wxga });
    expect(chooseMode([interlaced, wxga], 'current', interlaced)?.mode).toBe(wxga);
    expect(chooseMode([interlaced, mode({ flags: DOUBLESCAN })], 'preferred', null)).toEqual({
      mode: interlaced,
    });
  });

  test('does not reorder the modes it is given', () => {
    const modes = [fullHd50, fullHd5994, fullHd];
    chooseMode(modes, { width: 1920, height: 1080, refresh: 60_000 }, null);
    expect(modes).toEqual([fullHd50, fullHd5994, fullHd]);
  });
});
