import type { GuestConfig, HeadRef, HiddenRate, Viewers } from './config';
import { maxHeads } from './config';
import { entries, entry, kindOf } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import { linkKinds, Links } from './links';
import { hint, nearest } from './nearest';

const longestName = 64;
const fastest = 240;

/** Checks `guests:`: their names, links and sockets. `control` is the control socket in force. */
export function checkGuests(data: unknown, control: string, checker: Checker): GuestConfig[] {
  const guests: GuestConfig[] = [];
  const links = new Links(control, checker);
  for (const [name, value] of entries(data)) {
    const path = ['guests', name];
    const problem = nameProblem(name);
    if (problem !== undefined) checker.report(path, problem, 'key');
    const viewers = readViewers(value, path, checker);
    const hidden = readHidden(value, path, checker);
    const link = links.read(name, value, path, viewers);
    const input = readInput(value, path, checker);
    if (link !== undefined) guests.push({ name, link, hidden, ...(input && { input }) });
  }
  return guests;
}

const viewersWords = ['take-back', 'leave'] as const;

function readViewers(value: unknown, path: Path, checker: Checker): Viewers {
  const viewers = entry(value, 'viewers');
  if (viewers === undefined) return 'take-back';
  const at = [...path, 'viewers'];
  // With nothing but that link: where there are two, that is what has to be mended first.
  if (
    entry(value, 'vhost-user-gpu') !== undefined &&
    !others.some((kind) => entry(value, kind) !== undefined)
  )
    checker.report(at, 'viewers is for qemu and libvirt: nobody else can take this guest; remove it', 'key');
  const known = viewersWords.find((word) => word === viewers);
  if (known === undefined && typeof viewers === 'string')
    checker.report(at, `"viewers" cannot be "${viewers}"${hint(viewers, viewersWords)}`);
  return known ?? 'take-back';
}

const others = linkKinds.filter((kind) => kind !== 'vhost-user-gpu');

function readHidden(value: unknown, path: Path, checker: Checker): HiddenRate {
  const hidden = entry(value, 'hidden');
  if (hidden === undefined || hidden === 'full') return 'full';
  if (hidden === 'on-demand') return 0;
  if (typeof hidden === 'number' && Number.isInteger(hidden) && hidden >= 1 && hidden <= fastest)
    return hidden;
  const choices = `full, on-demand, or 1 to ${fastest} frames a second`;
  let message: string;
  if (typeof hidden === 'number') message = `${hidden} cannot be; write ${choices}`;
  else if (typeof hidden !== 'string') message = `hidden cannot be ${kindOf(hidden)}; write ${choices}`;
  else if (/^\d+$/.test(hidden)) message = `"${hidden}" is text; write the number without quotes`;
  else {
    const near = nearest(hidden, ['full', 'on-demand']);
    message = `"hidden" cannot be "${hidden}"; ${near === undefined ? `write ${choices}` : `did you mean "${near}"?`}`;
  }
  checker.report([...path, 'hidden'], message);
  return 'full';
}

function readInput(value: unknown, path: Path, checker: Checker): GuestConfig['input'] {
  const input = entry(value, 'input');
  if (input === undefined || input === 'uinput') return input;
  const what = typeof input === 'string' ? `"${input}"` : kindOf(input);
  checker.report(
    [...path, 'input'],
    `"input" cannot be ${what}; write uinput for devices of the guest's own, or remove it for the link's`,
  );
  return undefined;
}

function nameProblem(name: string): string | undefined {
  if (/^[A-Za-z0-9._-]+$/.test(name))
    return name.length <= longestName
      ? undefined
      : `a guest name of ${name.length} characters; use at most ${longestName}`;
  if (name === '') return 'a guest without a name; use letters, digits, ".", "_" and "-"';
  const proposal = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-+|-+$/g, '');
  const rule = 'use letters, digits, ".", "_" and "-" only';
  return `"${name}" is no guest name; ${rule}${proposal === '' ? '' : `, e.g. ${proposal}`}`;
}

/**
 * Reads the head named by the keys `show` and `head` of the mapping at `path`. Reports what is wrong.
 */
export function readHead(
  mapping: unknown,
  path: Path,
  guests: ReadonlySet<string>,
  checker: Checker,
  /** What the key is called in the file. */
  key = 'show',
): HeadRef | undefined {
  const show = entry(mapping, 'show');
  const number = entry(mapping, 'head');
  if (show === undefined) {
    if (number !== undefined)
      checker.report([...path, 'head'], 'a head without its guest; add show: <guest>', 'key');
    return undefined;
  }
  if (typeof show !== 'string') {
    const example = typeof show === 'number' ? 'put it in quotes' : 'write a guest or "guest:head"';
    checker.report([...path, key], `${key} must be the name of a guest, not ${kindOf(show)}; ${example}`);
    return undefined;
  }
  const colon = show.lastIndexOf(':');
  const guest = colon < 0 ? show : show.slice(0, colon);
  const suffix = colon < 0 ? undefined : show.slice(colon + 1);
  let head = 0;
  if (suffix !== undefined && number !== undefined) {
    checker.report([...path, 'head'], `the head is in ${key}: "${show}" already; remove one of them`, 'key');
  }
  if (suffix !== undefined)
    head = readNumber(/^\d{1,4}$/.test(suffix) ? Number(suffix) : suffix, [...path, key], checker);
  else if (number !== undefined) head = readNumber(number, [...path, 'head'], checker);
  if (guests.has(guest)) return { guest, head };
  checker.report([...path, key], `unknown guest "${guest}"${hint(guest, guests)}`);
  return undefined;
}

function readNumber(head: unknown, path: Path, checker: Checker): number {
  if (typeof head === 'number' && Number.isInteger(head) && head >= 0 && head < maxHeads) return head;
  const what = typeof head === 'string' ? `"${head}"` : typeof head === 'number' ? `${head}` : kindOf(head);
  checker.report(path, `${what} is no head; heads are numbered from 0 to ${maxHeads - 1}`);
  return 0;
}
