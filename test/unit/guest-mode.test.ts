import { chooseGuestMode } from '../../src/kms/guest-mode';
import { indicatorHeight } from '../../src/kms/indicator';
import type { View } from '../../src/kms/fitting';
import { mode } from './support/modes';

const INTERLACE = 1 << 4;
const plain: View = { fit: 'auto', turn: 0 };
const native = mode({ type: 8 });
const sized = (width: number, height: number, hertz: number, flags = 0) =>
  mode({ hdisplay: width, vdisplay: height, htotal: 1000, vtotal: 1000, clock: hertz * 1000, flags });
const [xga60, xga75, xga120] = [60, 75, 120].map((hertz) => sized(1024, 768, hertz)) as [
  ReturnType<typeof sized>,
  ReturnType<typeof sized>,
  ReturnType<typeof sized>,
];
const modes = [native, xga120, xga75, xga60, sized(768, 1024, 60), sized(800, 600, 60, INTERLACE)];
const noneRefused = (): undefined => undefined;
const xga = { width: 1024, height: 768 };

test('is the preferred one without a screen, and for a screen of its size', () => {
  for (const screen of [null, { width: 1920, height: 1080 }]) {
    expect(chooseGuestMode(modes, screen, plain, noneRefused)).toEqual({
      mode: native,
      why: 'the monitor prefers it',
    });
  }
  expect(chooseGuestMode([], xga, plain, noneRefused)).toBeUndefined();
});

test("is the one of the guest's size whose refresh rate is nearest to the preferred one's, else the higher", () => {
  expect(chooseGuestMode(modes, xga, plain, noneRefused)).toEqual({
    mode: xga60,
    why: "its guest's screen is 1024x768",
  });
  const fast = mode({ type: 8, clock: 148_500 * 2 });
  expect(chooseGuestMode([fast, ...modes], xga, plain, noneRefused)?.mode).toBe(xga120);
  const [below, above] = [sized(1024, 768, 50), sized(1024, 768, 70)];
  expect(chooseGuestMode([native, below, above], xga, plain, noneRefused)?.mode).toBe(above);
});

test('is the preferred one for a size that the monitor does not list, or lists interlaced only', () => {
  for (const [width, height] of [
    [800, 600],
    [1000, 700],
  ] as const) {
    expect(chooseGuestMode(modes, { width, height }, plain, noneRefused)).toEqual({
      mode: native,
      why: 'the monitor prefers it',
      note: `the monitor has no mode for its guest's ${width}x${height}: using 1920x1080@60`,
      passing: true,
    });
  }
});

test('counts the size as the panel is turned, and below an indicator', () => {
  const turned: View = { fit: 'auto', turn: 1 };
  expect(chooseGuestMode(modes, xga, turned, noneRefused)?.mode).toMatchObject({
    hdisplay: 768,
    vdisplay: 1024,
  });
  const said: View = { fit: 'auto', turn: 0, indicator: true };
  expect(chooseGuestMode(modes, xga, said, noneRefused)?.mode).toBe(native);
  const below = { width: 1024, height: 768 - indicatorHeight(768) };
  expect(chooseGuestMode(modes, below, said, noneRefused)?.mode).toBe(xga60);
});

describe('modes that the card refuses', () => {
  const refusing =
    (...refused: readonly unknown[]) =>
    (one: unknown): string | undefined =>
      refused.includes(one) ? 'ENOSPC' : undefined;

  test('leave the next of that size, then the preferred one, and say why', () => {
    expect(chooseGuestMode(modes, xga, plain, refusing(xga60))).toMatchObject({
      mode: xga75,
      note: 'the card refuses 1024x768@60: ENOSPC: using 1024x768@75',
    });
    const all = chooseGuestMode(modes, xga, plain, refusing(xga60, xga75, xga120))!;
    expect(all).toMatchObject({
      mode: native,
      note: 'the card refuses 1024x768@60: ENOSPC: using 1920x1080@60',
    });
    expect(all.passing).toBeUndefined();
  });

  test('may be the preferred one, of which is said so whatever the guest shows', () => {
    for (const screen of [null, { width: 1000, height: 700 }]) {
      const choice = chooseGuestMode(modes, screen, plain, refusing(native))!;
      expect(choice.mode).not.toBe(native);
      expect(choice.note).toContain('the card refuses 1920x1080@60: ENOSPC: using ');
    }
    expect(chooseGuestMode(modes, xga, plain, refusing(native))?.mode.hdisplay).toBe(1024);
  });
});
