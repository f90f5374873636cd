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
    expect(chooseMode([fullHd, wxga], 'preferred', null)).toMatchObject({ mode: wxga });
    expect(chooseMode([fullHd, uhd30, uhd60, fullHd50], 'preferred', null)).toMatchObject({ mode: uhd60 });
  });

  test('max: the largest, of those the fastest', () => {
    expect(chooseMode([wxga, uhd30, uhd60, fullHd], 'max', null)).toMatchObject({ mode: uhd60 });
  });

  test('current: what runs, where the monitor has it, else the preferred one with a word about it', () => {
    expect(chooseMode([wxga, fullHd], 'current', mode({ type: 0, name: 'other' }))).toMatchObject({
      mode: fullHd,
    });
    const note = 'no current mode to keep: using the preferred one';
    expect(chooseMode([wxga, fullHd], 'current', null)).toMatchObject({ mode: wxga, note });
    expect(chooseMode([wxga, fullHd], 'current', uhd60)).toMatchObject({ mode: wxga, note });
  });

  test('a size alone: the first of that size, which the kernel lists best first', () => {
    expect(chooseMode([wxga, fullHd5994, fullHd], { width: 1920, height: 1080 }, null)).toMatchObject({
      mode: fullHd5994,
    });
  });

  test('a size and rate: the nearest, within half a hertz of whole hertz, or of what is written', () => {
    const modes = [fullHd, fullHd5994, fullHd50];
    const at = (refresh: number, from = modes): ModeInfo | undefined =>
      chooseMode(from, { width: 1920, height: 1080, refresh }, null)?.mode;
    expect(at(60_000)).toBe(fullHd);
    expect(at(60_000, [fullHd5994, fullHd50])).toBe(fullHd5994);
    expect(at(59_940)).toBe(fullHd5994);
    expect(at(59_950)).toBe(fullHd5994);
    expect(at(50_000)).toBe(fullHd50);
    expect(modes).not.toContain(at(59_900));
  });

  test('what the monitor has not: the preferred one, with what it has of that size', () => {
    expect(chooseMode([wxga], { width: 800, height: 600 }, null)).toMatchObject({
      mode: wxga,
      note: 'the monitor has no mode 800x600: using 1280x800@59.91',
    });
  });

  test('interlaced and doublescan modes are a last resort', () => {
    const interlaced = mode({ ...fullHdInterlaced, type: PREFERRED });
    expect(chooseMode([interlaced, wxga], 'preferred', null)).toMatchObject({ mode: wxga });
    expect(chooseMode([interlaced, wxga], 'max', null)).toMatchObject({ mode: wxga });
    expect(chooseMode([interlaced, wxga], 'current', interlaced)?.mode).toBe(wxga);
    expect(chooseMode([interlaced, mode({ flags: DOUBLESCAN })], 'preferred', null)).toMatchObject({
      mode: interlaced,
    });
  });

  test('does not reorder the modes it is given', () => {
    const modes = [fullHd50, fullHd5994, fullHd];
    chooseMode(modes, { width: 1920, height: 1080, refresh: 60_000 }, null);
    expect(modes).toEqual([fullHd50, fullHd5994, fullHd]);
  });
});

describe('a mode that the monitor does not list', () => {
  const wish = (width: number, height: number, hertz: number) => ({ width, height, refresh: hertz * 1000 });
  const open = { analog: false, maxWidth: 8192, maxHeight: 8192 };
  const range = { minVertical: 48, maxVertical: 75, minHorizontal: 30, maxHorizontal: 90, maxClock: 170_000 };

  test('is made with reduced blanking, and says so', () => {
    const choice = chooseMode([wxga], wish(1920, 1080, 60), null, open)!;
    expect(choice).toMatchObject({
      made: true,
      why: "not in the monitor's list: made by CVT, reduced blanking",
    });
    expect(choice.mode).toMatchObject({ clock: 138_500, htotal: 2080, vtotal: 1111 });
    expect(choice).not.toHaveProperty('note');
  });

  test('is made with version 2 where the first cannot come near enough, or its width is odd', () => {
    const hd = chooseMode([wxga], wish(1280, 720, 59.94), null, open)!;
    expect(hd.why).toBe("not in the monitor's list: made by CVT, reduced v2 blanking");
    expect(Math.abs(refreshOf(hd.mode) - 59_940)).toBeLessThan(2);
    expect(chooseMode([wxga], wish(1366, 768, 60), null, open)?.mode.hdisplay).toBe(1366);
  });

  test('is made for a tube through an analog cable, and where the monitor says so', () => {
    for (const limits of [
      { ...open, analog: true },
      { ...open, range: { ...range, maxClock: 200_000, reducedBlanking: false } },
    ]) {
      const choice = chooseMode([wxga], wish(1920, 1080, 60), null, limits)!;
      expect(choice).toMatchObject({ made: true, mode: { clock: 173_000 } });
    }
    expect(chooseMode([wxga], wish(1366, 768, 60), null, { ...open, analog: true })?.note).toBe(
      'the monitor has no mode 1366x768@60, and CVT has none of that width for it: write a modeline: using 1280x800@59.91',
    );
  });

  test.each([
    [wish(1920, 1080, 85), '1920x1080@84.91 is 84.91 Hz, of which the monitor takes 48 to 75'],
    [wish(1600, 1200, 75), '1600x1200@74.97 is 93.18 kHz, of which the monitor takes 30 to 90'],
    [wish(2560, 1080, 60), '2560x1080@59.98 is 181.25 MHz, of which the monitor takes 0 to 170'],
  ])('%o is beyond what the monitor says it takes', (asked, reason) => {
    const choice = chooseMode([wxga], asked, null, { ...open, range })!;
    const name = `${asked.width}x${asked.height}@${asked.refresh / 1000}`;
    expect(choice.note).toBe(`the monitor has no mode ${name}, and ${reason}: using 1280x800@59.91`);
    expect(choice.mode).toBe(wxga);
  });

  test('may go as far as the modes that the monitor lists, whatever its limits say', () => {
    const fast = mode({ clock: 600_000, vtotal: 2200 });
    const choice = chooseMode([wxga, fast], wish(1920, 1080, 85), null, { ...open, range })!;
    expect(choice).toMatchObject({ made: true });
  });

  test('cannot be larger than the card drives', () => {
    const using = ': using 1280x800@59.91';
    expect(chooseMode([wxga], wish(9000, 1000, 60), null, open)?.note).toBe(
      `the monitor has no mode 9000x1000@60, and the card drives 8192x8192 at most, not 9000x1000@59.94${using}`,
    );
  });

  test('a modeline: the listed mode of those timings, else as it stands, else why not', () => {
    const own = mode({ clock: 141_000 });
    expect(chooseMode([wxga, fullHd], { modeline: mode({ name: 'mine' }) }, null)).toEqual({
      mode: fullHd,
      why: 'as configured',
    });
    expect(chooseMode([wxga], { modeline: own }, null)).toMatchObject({ mode: own, made: true });
    expect(chooseMode([wxga], { modeline: mode({ clock: 297_000 }) }, null, { ...open, range })?.note).toBe(
      'the modeline cannot be used: 1920x1080@120 is 120 Hz, of which the monitor takes 48 to 75: using 1280x800@59.91',
    );
  });
});

describe('a mode that the card has refused', () => {
  const preferred = mode({ type: 8 });
  const [sxga, wxga] = [
    mode({ hdisplay: 1280, vdisplay: 1024 }),
    mode({ hdisplay: 1280, vdisplay: 800, htotal: 1440, vtotal: 823, clock: 71_000 }),
  ];
  const modes = [preferred, wxga, sxga];
  const refusing = (...refused: readonly ModeInfo[]) => ({
    ...{ analog: false, maxWidth: 8192, maxHeight: 8192 },
    refused: (one: ModeInfo) => (refused.some((other) => sameMode(other, one)) ? 'EINVAL' : undefined),
  });

  test.each([
    ['is left for the one that is set', wxga, refusing(preferred), wxga, 'keeping 1280x800@59.91'],
    ['unless that has been refused, too', wxga, refusing(preferred, wxga), sxga, 'using 1280x1024@60'],
    ['or is none of the monitor’s', mode({ clock: 1000 }), refusing(preferred), sxga, 'using 1280x1024@60'],
    ['or for the best of the others', null, refusing(preferred), sxga, 'using 1280x1024@60'],
  ])('%s', (_, current, limits, expected, instead) => {
    const choice = chooseMode(modes, 'preferred', current, limits)!;
    expect(choice.mode).toBe(expected);
    expect(choice.note).toBe(`the card refuses 1920x1080@60: EINVAL: ${instead}`);
  });

  test('as all the others is chosen all the same', () => {
    const choice = chooseMode(modes, 'preferred', null, refusing(...modes))!;
    expect(choice).toMatchObject({
      mode: preferred,
      note: 'the card refuses 1920x1080@60: EINVAL, and all others of the monitor',
    });
  });

  test('and was made is left for what the monitor prefers', () => {
    const limits = {
      ...refusing(),
      refused: ({ hdisplay }: ModeInfo) => (hdisplay === 1600 ? 'EINVAL' : undefined),
    };
    const choice = chooseMode(modes, { width: 1600, height: 900, refresh: 60_000 }, null, limits)!;
    expect(choice).toMatchObject({
      mode: preferred,
      note: 'the card refuses 1600x900@59.83: EINVAL: using 1920x1080@60',
    });
  });
});
