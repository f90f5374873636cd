import type { ModeRequest } from './config';
import { nearest } from './nearest';

const rules = ['preferred', 'current', 'max'] as const;
const largest = 16384;
const examples = 'write e.g. 1920x1080, 1920x1080@60, preferred, current or max';

/** Parses `1920x1080@59.94` and its kin; a string result says what is wrong with the text. */
export function parseMode(text: string): { mode: ModeRequest } | string {
  const rule = rules.find((known) => known === text.toLowerCase());
  if (rule !== undefined) return { mode: rule };
  if (/^modeline\b/i.test(text)) return `a modeline is not supported in this version; ${examples}`;
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
