import type { ModeInfo } from '../native';

/** DRM_MODE_FLAG_*: <drm/drm_mode.h>. */
const PHSYNC = 1 << 0;
const NHSYNC = 1 << 1;
const PVSYNC = 1 << 2;
const NVSYNC = 1 << 3;
const TYPE_USERDEF = 1 << 5;

/**
 * The kinds of timings that VESA's Coordinated Video Timings 1.2 knows: for tubes and their analog cables, with
 * reduced blanking (every flat panel since 2003), and with reduced blanking version 2 (any width, any rate).
 */
export type Blanking = 'standard' | 'reduced' | 'reduced v2';

/** Timings of one line or one column, up to what repeats. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

/**
 * A mode by the formulas of CVT 1.2, as `cvt` and the kernel's drm_cvt_mode compute them; `refresh` in millihertz.
 * undefined: none can be made (a width that is no multiple of 8 needs `reduced v2`; a rate with no time for blanking).
 */
export function cvtMode(
  width: number,
  height: number,
  refresh: number,
  blanking: Blanking,
): ModeInfo | undefined {
  if (blanking !== 'reduced v2' && width % 8 !== 0) return undefined;
  const field = 1e9 / exactRate(refresh); // us
  const timings =
    blanking === 'standard' ? standard(width, height, field) : reduced(width, height, field, blanking);
  if (timings === undefined) return undefined;
  const { horizontal, vertical, clock } = timings;
  return {
    clock,
    hdisplay: width,
    hsyncStart: horizontal.start,
    hsyncEnd: horizontal.end,
    htotal: horizontal.total,
    hskew: 0,
    vdisplay: height,
    vsyncStart: vertical.start,
    vsyncEnd: vertical.end,
    vtotal: vertical.total,
    vscan: 0,
    vrefresh: Math.round((clock * 1000) / (horizontal.total * vertical.total)),
    flags: blanking === 'standard' ? NHSYNC | PVSYNC : PHSYNC | NVSYNC,
    type: TYPE_USERDEF,
    name: `${width}x${height}`,
  };
}

interface Timings {
  readonly horizontal: Span;
  readonly vertical: Span;
  /** kHz */
  readonly clock: number;
}

/** CVT section 5.3. The line period is estimated in us; the clock is a multiple of 250 kHz. */
function standard(width: number, height: number, field: number): Timings | undefined {
  const FRONT_PORCH = 3;
  const MIN_BACK_PORCH = 6;
  const MIN_SYNC_AND_BACK_PORCH = 550; // us
  const period = (field - MIN_SYNC_AND_BACK_PORCH) / (height + FRONT_PORCH);
  if (period <= 0) return undefined;
  const sync = syncLines(width, height);
  const behind = Math.max(Math.floor(MIN_SYNC_AND_BACK_PORCH / period) + 1, sync + MIN_BACK_PORCH);
  // The duty cycle of blanking, in percent, grows with the line rate: C' - M' * period.
  const duty = Math.max(30 - 0.3 * period, 20);
  const blank = Math.floor((width * duty) / (100 - duty) / 16) * 16;
  const total = width + blank;
  const end = width + blank / 2;
  // Eight percent of the line, to the next character from the left; one less where it is exactly one, as `cvt` has it.
  const left = end - Math.floor(total * 0.08);
  const start = left + 8 - (left % 8);
  return {
    horizontal: { start, end, total },
    vertical: column(height, FRONT_PORCH, sync, height + FRONT_PORCH + behind),
    clock: step((total * 1000) / period, 250),
  };
}

/** CVT section 5.4: blanking of a fixed width, and of 460 us at least. */
function reduced(width: number, height: number, field: number, version: Blanking): Timings | undefined {
  const MIN_BLANKING = 460; // us
  const v2 = version === 'reduced v2';
  const period = (field - MIN_BLANKING) / height;
  if (period <= 0) return undefined;
  const sync = v2 ? 8 : syncLines(width, height);
  const lines = Math.max(Math.floor(MIN_BLANKING / period) + 1, (v2 ? 1 : 3) + sync + 6);
  const total = width + (v2 ? 80 : 160);
  const start = width + (v2 ? 8 : 48);
  return {
    horizontal: { start, end: start + 32, total },
    // Version 1 keeps the front porch, version 2 the back porch.
    vertical: column(height, v2 ? lines - sync - 6 : 3, sync, height + lines),
    // Version 1 goes by the estimated line period, as `cvt` and the kernel do: a step less than the rate would allow.
    clock: v2 ? step((total * (height + lines) * 1000) / field, 1) : step((total * 1000) / period, 250),
  };
}

function column(height: number, frontPorch: number, sync: number, total: number): Span {
  return { start: height + frontPorch, end: height + frontPorch + sync, total };
}

/** The width of the vertical sync tells the aspect ratio. */
function syncLines(width: number, height: number): number {
  const ratios: readonly (readonly [number, number, number])[] = [
    [4, 3, 4],
    [16, 9, 5],
    [16, 10, 6],
    [5, 4, 7],
    [15, 9, 7],
  ];
  return ratios.find(([w, h]) => width * h === height * w)?.[2] ?? 10;
}

/** 59.94 is 60/1.001 Hz, and so on: what is written with two decimals is meant exactly. */
function exactRate(refresh: number): number {
  const ntsc = Math.round((refresh * 1.001) / 1000) * (1000 / 1.001);
  return Math.abs(ntsc - refresh) <= 5 ? ntsc : refresh;
}

/** Floating-point noise must not cost a whole step. */
function step(value: number, by: number): number {
  return Math.floor(value / by + 1e-6) * by;
}
