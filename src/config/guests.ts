import type { GuestConfig, HeadRef } from './config';
import { maxHeads } from './config';
import { entries, entry, kindOf } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import { hint } from './nearest';
import { samePath, socketPathProblem } from './values';

const longestName = 64;
const laterLinks = ['qemu', 'libvirt'];

/** Checks `guests:`: their names, links and sockets. `control` is the control socket in force. */
export function checkGuests(data: unknown, control: string, checker: Checker): GuestConfig[] {
  const guests: GuestConfig[] = [];
  const sockets = new Map([[samePath(control), 'the control socket']]);
  for (const [name, value] of entries(data)) {
    const path = ['guests', name];
    const problem = nameProblem(name);
    if (problem !== undefined) checker.report(path, problem, 'key');
    for (const kind of laterLinks.filter((link) => entry(value, link) !== undefined))
      checker.report(
        [...path, kind],
        `the link ${kind} is not supported in this version; use vhost-user-gpu`,
        'key',
      );

    const socket = [...path, 'vhost-user-gpu', 'listen'];
    const listen = entry(entry(value, 'vhost-user-gpu'), 'listen');
    if (typeof listen !== 'string') continue;
    const wrong = socketPathProblem(listen);
    if (wrong !== undefined) checker.report(socket, wrong);
    const other = sockets.get(samePath(listen));
    if (other !== undefined)
      checker.report(socket, `"${listen}" is ${other} already; give each its own path`);
    else sockets.set(samePath(listen), `the socket of guest "${name}" (line ${checker.line(socket)})`);
    guests.push({ name, link: { kind: 'vhost-user-gpu', listen } });
  }
  return guests;
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
    checker.report([...path, 'show'], `show must be the name of a guest, not ${kindOf(show)}; ${example}`);
    return undefined;
  }
  const colon = show.lastIndexOf(':');
  const guest = colon < 0 ? show : show.slice(0, colon);
  const suffix = colon < 0 ? undefined : show.slice(colon + 1);
  let head = 0;
  if (suffix !== undefined && number !== undefined) {
    checker.report([...path, 'head'], `the head is in show: "${show}" already; remove one of them`, 'key');
  }
  if (suffix !== undefined)
    head = readNumber(/^\d{1,4}$/.test(suffix) ? Number(suffix) : suffix, [...path, 'show'], checker);
  else if (number !== undefined) head = readNumber(number, [...path, 'head'], checker);
  if (guests.has(guest)) return { guest, head };
  checker.report([...path, 'show'], `unknown guest "${guest}"${hint(guest, guests)}`);
  return undefined;
}

function readNumber(head: unknown, path: Path, checker: Checker): number {
  if (typeof head === 'number' && Number.isInteger(head) && head >= 0 && head < maxHeads) return head;
  const what = typeof head === 'string' ? `"${head}"` : typeof head === 'number' ? `${head}` : kindOf(head);
  checker.report(path, `${what} is no head; heads are numbered from 0 to ${maxHeads - 1}`);
  return 0;
}
