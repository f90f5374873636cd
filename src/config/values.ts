import { posix } from 'node:path';
import { logLevels } from './config';
import type { LogLevel } from './config';
import { hint } from './nearest';

// struct sockaddr_un has 108 bytes for the path and its terminating zero.
const longestSocketPath = 107;

/** What is wrong with the path of a UNIX socket, if anything; `home` is where such sockets use to be. */
export function socketPathProblem(path: string, home = '/run/kms-switcher'): string | undefined {
  if (!path.startsWith('/'))
    return `"${path}" is not an absolute path; write e.g. ${home}/${posix.basename(path) || 'guest.sock'}`;
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) return 'a socket path with control characters; remove them';
  if (path.endsWith('/')) return `"${path}" is a directory; add a file name, e.g. ${path}guest.sock`;
  const length = Buffer.byteLength(path);
  if (length > longestSocketPath)
    return `this socket path has ${length} bytes, the kernel takes ${longestSocketPath}; use a shorter directory`;
  return undefined;
}

/** One spelling for each path, whatever slashes and dots it was written with. */
export function samePath(path: string): string {
  return posix.normalize(path);
}

/** Every card that there is, and that comes. */
export const allCards = 'all';

/** What is wrong with a card, or all, as users write it, if anything. */
export function cardProblem(card: string): string | undefined {
  if (card === allCards) return undefined;
  if (/renderD\d+$/.test(card) || /^\/dev\/dri\/by-path\/.*-render$/.test(card))
    return `"${card}" is a render node, which has no outputs; write its card, e.g. ${card.startsWith('/dev/dri/by-path/') ? card.replace(/-render$/, '-card') : 'card0'}`;
  if (/^(\/dev\/dri\/)?card\d+$/.test(card) || /^\/dev\/dri\/by-path\/[^/]+$/.test(card)) return undefined;
  return `"${card}" is no card; write e.g. card0, /dev/dri/card0 or a path below /dev/dri/by-path`;
}

/** The device node of a card as users write it; {@link allCards} stays. */
export function cardDevice(card: string): string {
  return card.startsWith('/') || card === allCards ? card : `/dev/dri/${card}`;
}

/** What is wrong with a log level, if anything. */
export function logLevelProblem(level: string): string | undefined {
  return isLogLevel(level) ? undefined : `unknown log level "${level}"${hint(level, logLevels)}`;
}

export function isLogLevel(level: string): level is LogLevel {
  return (logLevels as readonly string[]).includes(level);
}

/** Milliseconds of a time as users write it, `5s`, `1500ms` or `1.5 s`; undefined: it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|m|h)$/.exec(text);
  return match ? Number(match[1]) * milliseconds[match[2] as keyof typeof milliseconds] : undefined;
}

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const shortest = 1000;
const longestHours = 24;

/** What is wrong with a time after which something sleeps, if anything. */
export function durationProblem(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms !== undefined && ms >= shortest && ms <= longestHours * milliseconds.h) return undefined;
  const what = typeof value === 'string' || typeof value === 'number' ? `"${value}"` : 'this';
  return `${what} is no time from 1s to ${longestHours}h; write e.g. 90s, 10m or 1h`;
}
