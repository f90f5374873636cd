import type { ModeInfo } from '../native';

const FLAG_INTERLACE = 1 << 4;
const FLAG_DOUBLESCAN = 1 << 5;
const TYPE_PREFERRED = 1 << 3;

/** What a user may ask of an output; refresh in millihertz. */
export type ModeWish =
  | { readonly width: number; readonly height: number; readonly refresh?: number | undefined }
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

export interface ModeChoice {
  readonly mode: ModeInfo;
  /** Why it is not what was asked for. */
  readonly note?: string;
}

/**
 * The mode an output gets: the one asked for, else the monitor's preferred, else its largest. Interlaced and
 * doublescan modes only when nothing else is there. `undefined` for a connector without modes.
 */
export function chooseMode(
  modes: readonly ModeInfo[],
  wish: ModeWish,
  current: ModeInfo | null,
): ModeChoice | undefined {
  const progressive = modes.filter((mode) => (mode.flags & (FLAG_INTERLACE | FLAG_DOUBLESCAN)) === 0);
  const usable = progressive.length > 0 ? progressive : modes;
  const largest = usable.reduce<ModeInfo | undefined>(
    (a, b) => (a === undefined || larger(b, a) ? b : a),
    undefined,
  );
  const fallback = usable.find((mode) => mode.type & TYPE_PREFERRED) ?? largest;
  if (fallback === undefined) return undefined;
  if (wish === 'preferred') return { mode: fallback };
  if (wish === 'max') return { mode: largest ?? fallback };
  if (wish === 'current') {
    const kept = current === null ? undefined : usable.find((mode) => sameMode(mode, current));
    return kept
      ? { mode: kept }
      : { mode: fallback, note: 'no current mode to keep: using the preferred one' };
  }
  const { width, height, refresh } = wish;
  const sized = usable.filter((mode) => mode.hdisplay === width && mode.vdisplay === height);
  const fits = sized.filter((mode) => refresh === undefined || Math.abs(refreshOf(mode) - refresh) <= 500);
  // The nearest refresh rate asked for; of no rate asked for, the first: the kernel lists the best first.
  const mode = refresh === undefined ? fits[0] : fits.sort((a, b) => away(a, refresh) - away(b, refresh))[0];
  if (mode) return { mode };
  const asked = `${width}x${height}${refresh === undefined ? '' : `@${refresh / 1000}`}`;
  const rates = sized.map((other) => modeName(other)).join(', ');
  return {
    mode: fallback,
    note: `the monitor has no mode ${asked}${rates ? ` (it has ${rates})` : ''}: using ${modeName(fallback)}`,
  };
}

function larger(a: ModeInfo, b: ModeInfo): boolean {
  const area = a.hdisplay * a.vdisplay - b.hdisplay * b.vdisplay;
  return area > 0 || (area === 0 && refreshOf(a) > refreshOf(b));
}

function away(mode: ModeInfo, refresh: number): number {
  return Math.abs(refreshOf(mode) - refresh);
}
