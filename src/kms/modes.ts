import type { ModeInfo } from '../native';
import { cvtMode, type Blanking } from './cvt';
import type { RangeLimits } from './edid';

const FLAG_INTERLACE = 1 << 4;
const FLAG_DOUBLESCAN = 1 << 5;
const TYPE_PREFERRED = 1 << 3;

/** What a user may ask of an output; refresh in millihertz. */
export type ModeWish =
  | { readonly width: number; readonly height: number; readonly refresh?: number | undefined }
  | { readonly modeline: ModeInfo }
  | 'preferred'
  | 'current'
  | 'max';

/** Refresh rate in millihertz, from the timings: the kernel's `vrefresh` is rounded to whole hertz. */
export function refreshOf(mode: ModeInfo): number {
  if (mode.htotal === 0 || mode.vtotal === 0) return 0;
  let refresh = (mode.clock * 1_000_000) / (mode.htotal * mode.vtotal);
  if (mode.flags & FLAG_INTERLACE) refresh *= 2;
  if (mode.flags & FLAG_DOUBLESCAN) refresh /= 2;
  if (mode.vscan > 1) refresh /= mode.vscan;
  return Math.round(refresh);
}

/** `1920x1080@59.94`, as a user writes it. */
export function modeName(mode: ModeInfo): string {
  return `${mode.hdisplay}x${mode.vdisplay}@${Number((refreshOf(mode) / 1000).toFixed(2))}`;
}

/** Whether two modes are the same timings, so that going from one to the other is no modeset. */
export function sameMode(a: ModeInfo, b: ModeInfo): boolean {
  // prettier-ignore
  return (
    a.clock === b.clock && a.hdisplay === b.hdisplay && a.hsyncStart === b.hsyncStart && a.hsyncEnd === b.hsyncEnd &&
    a.htotal === b.htotal && a.vdisplay === b.vdisplay && a.vsyncStart === b.vsyncStart && a.vsyncEnd === b.vsyncEnd &&
    a.vtotal === b.vtotal && a.flags === b.flags
  );
}

/** What a mode that the monitor does not list is made for and measured by. */
export interface ModeLimits {
  /** Through an analog cable: reduced blanking is for flat panels. */
  readonly analog: boolean;
  readonly range?: RangeLimits | undefined;
  /** Of the card. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** Why the card did not take this mode when it was tried. */
  readonly refused?: (mode: ModeInfo) => string | undefined;
}

export interface ModeChoice {
  readonly mode: ModeInfo;
  /** How it came to be this one. */
  readonly why: string;
  /** Why it is not what was asked for. */
  readonly note?: string;
  /** Not of the monitor's list. */
  readonly made?: true;
  /** What the note says is a guest's doing, and may be otherwise in a moment. */
  readonly passing?: true;
}

export const NO_LIMITS: ModeLimits = { analog: false, maxWidth: Infinity, maxHeight: Infinity };

/**
 * The mode an output gets: the one asked for, if the monitor lists it or it can be made (a size with a refresh rate:
 * by CVT; a modeline), else the monitor's preferred, else its largest. Where the card refuses that: the one that it has
 * now, else the best of those that are left. Interlaced and doublescan modes only when nothing else is there.
 * `undefined` for a connector without modes.
 */
export function chooseMode(
  modes: readonly ModeInfo[],
  wish: ModeWish,
  current: ModeInfo | null,
  limits: ModeLimits = NO_LIMITS,
): ModeChoice | undefined {
  const refusal = (mode: ModeInfo): string | undefined => limits.refused?.(mode);
  const choice = bestMode(modes, wish, current, limits);
  const why = choice && refusal(choice.mode);
  if (!choice || why === undefined) return choice;
  const left = modes.filter((mode) => refusal(mode) === undefined);
  const kept = current && left.find((mode) => sameMode(mode, current));
  const next = kept ?? bestMode(left, 'preferred', null, limits)?.mode;
  const before = choice.note === undefined ? '' : `${choice.note}, but `;
  const note = `${before}the card refuses ${modeName(choice.mode)}: ${why}`;
  if (!next) return { ...choice, note: `${note}, and all others of the monitor` };
  return kept
    ? { mode: kept, why: 'it was set already', note: `${note}: keeping ${modeName(kept)}` }
    : { mode: next, why: 'the best that is left', note: `${note}: using ${modeName(next)}` };
}

/** The same, whatever the card refuses. */
function bestMode(
  modes: readonly ModeInfo[],
  wish: ModeWish,
  current: ModeInfo | null,
  limits: ModeLimits,
): ModeChoice | undefined {
  const usable = usableModes(modes);
  const largest = usable.reduce<ModeInfo | undefined>(
    (a, b) => (a === undefined || larger(b, a) ? b : a),
    undefined,
  );
  const preferred = usable.find((mode) => mode.type & TYPE_PREFERRED);
  const fallback: ModeChoice | undefined = preferred
    ? { mode: preferred, why: 'the monitor prefers it' }
    : largest && { mode: largest, why: 'its largest: the monitor prefers none' };
  if (fallback === undefined || largest === undefined) return undefined;
  if (wish === 'preferred') return fallback;
  if (wish === 'max') return { mode: largest, why: 'its largest' };
  if (wish === 'current') {
    const kept = current === null ? undefined : usable.find((mode) => sameMode(mode, current));
    return kept
      ? { mode: kept, why: 'it was set already' }
      : { ...fallback, note: 'no current mode to keep: using the preferred one' };
  }
  const asked =
    'modeline' in wish ? readModeline(wish.modeline, modes, limits) : findSize(wish, usable, limits);
  if (typeof asked !== 'string') return asked;
  return { ...fallback, note: `${asked}: using ${modeName(fallback.mode)}` };
}

/** Without interlaced and doublescan ones, unless nothing else is there. */
export function usableModes(modes: readonly ModeInfo[]): readonly ModeInfo[] {
  const progressive = modes.filter((mode) => (mode.flags & (FLAG_INTERLACE | FLAG_DOUBLESCAN)) === 0);
  return progressive.length > 0 ? progressive : modes;
}

/** A size the monitor lists, or can be made; or why not. */
function findSize(
  {
    width,
    height,
    refresh,
  }: { readonly width: number; readonly height: number; readonly refresh?: number | undefined },
  usable: readonly ModeInfo[],
  limits: ModeLimits,
): ModeChoice | string {
  const sized = usable.filter((mode) => mode.hdisplay === width && mode.vdisplay === height);
  const why = 'as configured';
  if (refresh === undefined) {
    // The kernel lists the best first.
    if (sized[0]) return { mode: sized[0], why };
    return `the monitor has no mode ${width}x${height}`;
  }
  const nearest = byRefresh(sized, refresh)[0];
  if (nearest && meant(nearest, refresh)) return { mode: nearest, why };
  const name = `${width}x${height}@${refresh / 1000}`;
  const rates = sized.map((other) => modeName(other)).join(', ');
  const missing = `the monitor has no mode ${name}${rates ? ` (it has ${rates})` : ''}`;
  const made = makeMode(width, height, refresh, limits);
  if (made === undefined) return `${missing}, and CVT has none of that width for it: write a modeline`;
  const problem = beyond(made.mode, usable, limits);
  if (problem !== undefined) return `${missing}, and ${problem}`;
  return {
    mode: made.mode,
    why: `not in the monitor's list: made by CVT, ${made.blanking} blanking`,
    made: true,
  };
}

function readModeline(mode: ModeInfo, modes: readonly ModeInfo[], limits: ModeLimits): ModeChoice | string {
  const listed = modes.find((other) => sameMode(other, mode));
  if (listed) return { mode: listed, why: 'as configured' };
  const problem = beyond(mode, modes, limits);
  if (problem !== undefined) return `the modeline cannot be used: ${problem}`;
  return { mode, why: "not in the monitor's list: the modeline as configured", made: true };
}

/** The most compatible timings that come near enough to the refresh rate, else the most exact ones. */
function makeMode(
  width: number,
  height: number,
  refresh: number,
  { analog, range }: ModeLimits,
): { mode: ModeInfo; blanking: Blanking } | undefined {
  const kinds: readonly Blanking[] =
    analog || range?.reducedBlanking === false ? ['standard'] : ['reduced', 'reduced v2'];
  const made = kinds.flatMap((blanking) => {
    const mode = cvtMode(width, height, refresh, blanking);
    return mode ? [{ mode, blanking }] : [];
  });
  return made.find(({ mode }) => meant(mode, refresh)) ?? made.at(-1);
}

/**
 * Why a mode that is not listed cannot be: the card's limits, or the monitor's. What the monitor lists it can, whatever
 * its limits say.
 */
function beyond(mode: ModeInfo, listed: readonly ModeInfo[], limits: ModeLimits): string | undefined {
  const { range, maxWidth, maxHeight } = limits;
  const name = modeName(mode);
  if (mode.hdisplay > maxWidth || mode.vdisplay > maxHeight)
    return `the card drives ${maxWidth}x${maxHeight} at most, not ${name}`;
  if (!range) return undefined;
  const outside = (
    value: (mode: ModeInfo) => number,
    low: number,
    high: number,
    unit: string,
  ): string | undefined => {
    const known = listed.map(value);
    const [min, max] = [Math.min(low, ...known), Math.max(high, ...known)];
    // The limits are whole numbers, which is not what they are rounded from.
    if (value(mode) > min - 0.5 && value(mode) < max + 0.5) return undefined;
    const takes = max === Infinity ? `from ${plain(min)}` : `${plain(min)} to ${plain(max)}`;
    return `${name} is ${plain(value(mode))} ${unit}, of which the monitor takes ${takes}`;
  };
  return (
    outside((other) => refreshOf(other) / 1000, range.minVertical, range.maxVertical, 'Hz') ??
    outside((other) => other.clock / other.htotal, range.minHorizontal, range.maxHorizontal, 'kHz') ??
    outside((other) => other.clock / 1000, 0, range.maxClock / 1000, 'MHz')
  );
}

const plain = (value: number): number => Number(value.toFixed(2));

/** Whether a refresh rate is the one written: in whole hertz 60 may be 59.94; with decimals it is not. */
function meant(mode: ModeInfo, refresh: number): boolean {
  return away(mode, refresh) <= (refresh % 1000 === 0 ? 500 : 20);
}

function larger(a: ModeInfo, b: ModeInfo): boolean {
  const area = a.hdisplay * a.vdisplay - b.hdisplay * b.vdisplay;
  return area > 0 || (area === 0 && refreshOf(a) > refreshOf(b));
}

/** Nearest to a refresh rate in millihertz first; of two that are as near, the higher. */
export function byRefresh(modes: readonly ModeInfo[], refresh: number): ModeInfo[] {
  return [...modes].sort((a, b) => away(a, refresh) - away(b, refresh) || refreshOf(b) - refreshOf(a));
}

function away(mode: ModeInfo, refresh: number): number {
  return Math.abs(refreshOf(mode) - refresh);
}
