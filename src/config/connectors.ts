import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEdid, type EdidIdentity } from '../kms/edid';

/** A connector of this machine, as the kernel names it, and the monitor the kernel knows there. */
export interface ConnectorName {
  readonly card: string;
  readonly name: string;
  readonly identity?: EdidIdentity | undefined;
}

/**
 * Lists the connectors of all cards from what sysfs has: no display is asked or woken.
 * Undefined where there is no card at all.
 */
export function listConnectors(directory = '/sys/class/drm'): ConnectorName[] | undefined {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    return undefined;
  }
  if (!entries.some((entry) => /^card\d+$/.test(entry))) return undefined;
  return connectorNames(entries)
    .map(({ card, name }) => ({ card, name, identity: readIdentity(edidFile(directory, card, name)) }))
    .sort((a, b) => compare(a.card, b.card) || compare(a.name, b.name));
}

/** Those of one card (`card1`), without waiting: the kernel tells nothing of a monitor while it asks one. */
export async function readConnectors(wanted: string, directory = '/sys/class/drm'): Promise<ConnectorName[]> {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    return [];
  }
  return Promise.all(
    connectorNames(entries)
      .filter(({ card }) => card === wanted)
      .map(async ({ card, name }) => {
        const edid = await readFile(edidFile(directory, card, name)).catch(() => undefined);
        return { card, name, identity: edid && parseEdid(edid) };
      }),
  );
}

function connectorNames(entries: readonly string[]): { readonly card: string; readonly name: string }[] {
  return entries
    .map((entry) => /^(card\d+)-(?!Writeback-)(.+)$/.exec(entry))
    .filter((match) => match !== null)
    .map((match) => ({ card: match[1]!, name: match[2]! }));
}

const edidFile = (directory: string, card: string, name: string): string =>
  join(directory, `${card}-${name}`, 'edid');

function readIdentity(file: string): EdidIdentity | undefined {
  try {
    return parseEdid(readFileSync(file));
  } catch {
    return undefined; // No monitor, or a card that has just gone.
  }
}

/** Numbers by their value: card2 before card10. (Intl.Collator can do that, and takes long to load.) */
function compare(a: string, b: string): number {
  const [left, right] = [sortKey(a), sortKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

const sortKey = (name: string): string => name.replace(/\d+/g, (digits) => digits.padStart(10, '0'));
