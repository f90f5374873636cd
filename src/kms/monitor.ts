import type { EdidIdentity } from './edid';
import { wildcard } from '../wildcard';
import { makerNames } from './makers';

/** What tells monitors apart: what they say of themselves, and where on an MST hub they hang. */
export interface Monitor {
  readonly identity?: EdidIdentity | undefined;
  /** `mst:236-1-8`, of the kernel's PATH property. */
  readonly path?: string | undefined;
}

/** `Dell Inc. DELL U2720Q CNK12345`: make, model and serial, as sway and kanshi name monitors. */
export function monitorName(identity: EdidIdentity): string {
  return namesOf(identity)[0]!;
}

/** Whether a name is a monitor's (`Make Model Serial`, `*` for any text, or `mst:…`), not a connector's. */
export function namesMonitor(name: string): boolean {
  return /[\s*]/.test(name) || name.startsWith('mst:');
}

/** Whether a monitor is meant by a name; letters in either case. */
export function isMeant(name: string, { identity, path }: Monitor): boolean {
  const pattern = wildcard(name);
  if (path !== undefined && pattern.test(path)) return true;
  return identity !== undefined && namesOf(identity).some((known) => pattern.test(known));
}

/** Sorts names by how much they say: those that say more are given their monitor first. */
export function byExactness(a: string, b: string): number {
  return exactness(b) - exactness(a) || 0; // Of two without *, the difference is no number.
}

function exactness(name: string): number {
  return name.includes('*') ? name.replace(/[\s*]/g, '').length : Infinity;
}

/** What is not said goes by the codes of the EDID, or is Unknown. */
function namesOf({ manufacturer, product, name, serial, serialText }: EdidIdentity): string[] {
  const hex = (value: number, digits: number): string =>
    `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`;
  const model = name ?? hex(product, 4);
  const number = serialText ?? (serial === 0 ? 'Unknown' : hex(serial, 8));
  return makerNames(manufacturer).map((make) => `${make} ${model} ${number}`.replace(/\s+/g, ' '));
}
