import type { ModeInfo } from '../native';
import { roomOn, type Size, type View } from './fitting';
import { byRefresh, chooseMode, modeName, NO_LIMITS, refreshOf, usableModes, type ModeChoice } from './modes';

/**
 * The mode of an output that follows its guest: of those that the monitor lists, the one with exactly the room for the
 * guest's screen, and of several the one nearest to the preferred one's refresh rate. Where there is none, or no screen,
 * the preferred. None is made: guests choose their sizes as they like, and what a monitor takes beyond its list is for
 * its user to say.
 */
export function chooseGuestMode(
  modes: readonly ModeInfo[],
  screen: Size | null,
  view: View,
  refused: (mode: ModeInfo) => string | undefined,
): ModeChoice | undefined {
  // Not the one that is set where that is refused: it may be another guest's.
  const preferred = chooseMode(modes, 'preferred', null, { ...NO_LIMITS, refused });
  if (!preferred || !screen) return preferred;
  const fits = (mode: ModeInfo): boolean => {
    const { width, height } = roomOn(mode, view);
    return width === screen.width && height === screen.height;
  };
  if (fits(preferred.mode)) return preferred;
  const sized = byRefresh(usableModes(modes).filter(fits), refreshOf(preferred.mode));
  const name = `${screen.width}x${screen.height}`;
  const mode = sized.find((one) => refused(one) === undefined);
  const choice = mode ? { mode, why: `its guest's screen is ${name}` } : preferred;
  const [best] = sized;
  const using = `using ${modeName(choice.mode)}`;
  if (!best) {
    const note = `the monitor has no mode for its guest's ${name}: ${using}`;
    return preferred.note === undefined ? { ...choice, note, passing: true } : preferred;
  }
  const why = refused(best);
  return why === undefined
    ? choice
    : { ...choice, note: `the card refuses ${modeName(best)}: ${why}: ${using}` };
}
