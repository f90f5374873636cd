import type { ModeInfo } from '../native';
import type { ModeRequest } from './config';
import { nearest } from './nearest';

const rules = ['preferred', 'current', 'max', 'guest'] as const;
const largest = 16384;
const examples = 'write e.g. 1920x1080, 1920x1080@60, preferred, current, max or guest, or a modeline';

/** Parses `1920x1080@59.94` and its kin; a string result says what is wrong with the text. */
export function parseMode(text: string): { mode: ModeRequest } | string {
  const rule = rules.find((known) => known === text.toLowerCase());
  if (rule !== undefined) return { mode: rule };
  if (/^modeline\b/i.test(text)) {
    const modeline = parseModeline(text);
    return typeof modeline === 'string' ? modeline : { mode: { modeline } };
  }
  const match = /^(\d+)x(\d+)(?:@(\d+(?:\.\d+)?)(?:hz)?)?$/i.exec(text);
  if (!match) {
    const near = nearest(text, rules);
    return `"${text}" is no mode; ${near === undefined ? examples : `did you mean "${near}"?`}`;
  }
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (width < 1 || height < 1 || width > largest || height > largest)
    return `a mode of ${text} cannot be; width and height go from 1 to ${largest}`;
  if (match[3] === undefined) return { mode: { width, height } };
  const refresh = Math.round(Number(match[3]) * 1000);
  if (refresh < 1000 || refresh > 1_000_000)
    return `a refresh rate of ${match[3]} Hz cannot be; it goes from 1 to 1000 Hz`;
  return { mode: { width, height, refresh } };
}

/** Bits of `DRM_MODE_FLAG_*` by the words of a modeline. */
const syncFlags = new Map([
  ['+hsync', 1 << 0],
  ['-hsync', 1 << 1],
  ['+vsync', 1 << 2],
  ['-vsync', 1 << 3],
]);
const TYPE_USERDEF = 1 << 5;
const modelineExample =
  'write e.g. modeline 148.50 1920 2008 2052 2200 1080 1084 1089 1125 +hsync +vsync, as cvt prints them';

/** Timings as Xorg and `cvt` write them: clock in MHz, four numbers across, four down, the syncs. */
function parseModeline(text: string): ModeInfo | string {
  const words = text.replace(/^modeline\s*(?:"[^"]*"\s*)?/i, '').split(/\s+/);
  const numbers = words.slice(0, 9).map((word) => (/^\d+(?:\.\d+)?$/.test(word) ? Number(word) : NaN));
  if (numbers.length < 9 || numbers.some((number) => Number.isNaN(number)))
    return `a modeline has nine numbers; ${modelineExample}`;
  const [mhz, ...timings] = numbers as [number, ...number[]];
  const [hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal] = timings as [
    number, number, number, number, number, number, number, number,
  ]; // prettier-ignore
  if (timings.some((number) => !Number.isInteger(number) || number < 1 || number > 65535))
    return `the timings of a modeline are whole numbers from 1 to 65535; ${modelineExample}`;
  if (hdisplay > largest || vdisplay > largest)
    return `a mode of ${hdisplay}x${vdisplay} cannot be; width and height go from 1 to ${largest}`;
  if (hdisplay > hsyncStart || hsyncStart >= hsyncEnd || hsyncEnd > htotal)
    return `${hdisplay} ${hsyncStart} ${hsyncEnd} ${htotal} cannot be: they grow from the width over the sync's start and end to the total`;
  if (vdisplay > vsyncStart || vsyncStart >= vsyncEnd || vsyncEnd > vtotal)
    return `${vdisplay} ${vsyncStart} ${vsyncEnd} ${vtotal} cannot be: they grow from the height over the sync's start and end to the total`;
  const clock = Math.round(mhz * 1000);
  const refresh = (clock * 1000) / (htotal * vtotal);
  if (refresh < 1 || refresh > 1000)
    return `a pixel clock of ${words[0]} MHz makes ${Number(refresh.toFixed(2))} Hz of these timings; a refresh rate goes from 1 to 1000 Hz`;
  let flags = 0;
  for (const word of words.slice(9)) {
    const flag = syncFlags.get(word.toLowerCase());
    if (flag === undefined)
      return `"${word}" in a modeline is not known here; after the numbers come +hsync or -hsync, and +vsync or -vsync`;
    flags |= flag;
  }
  const name = `${hdisplay}x${vdisplay}`;
  return {
    ...{ clock, hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal },
    ...{ hskew: 0, vscan: 0, vrefresh: Math.round(refresh), flags, type: TYPE_USERDEF, name },
  };
}
