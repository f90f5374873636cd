import type { Area } from './reader';
import type { Fields } from './header';

/** As many different calls as a peer makes all the time, and more. */
const MOST = 32;
/** Longest fields that are remembered. */
const MOST_BYTES = 512;

/** The fields of a call or signal that came before, and where such a call goes. */
export interface KnownHeader<Route> {
  readonly type: number;
  readonly fields: Fields;
  route: Route | undefined;
}

interface Entry<Route> extends KnownHeader<Route> {
  readonly little: boolean;
  readonly length: number;
  readonly view: DataView;
}

/** A peer makes the same calls again and again: their headers are the same bytes, and are read once. */
export class HeaderCache<Route> {
  readonly #entries: Entry<Route>[] = [];
  #next = 0;

  find(
    area: Area,
    at: number,
    length: number,
    type: number,
    little: boolean,
  ): KnownHeader<Route> | undefined {
    for (const entry of this.#entries) {
      if (entry.length !== length || entry.type !== type || entry.little !== little) continue;
      if (same(entry.view, area.view, at, padded(length))) return entry;
    }
    return undefined;
  }

  add(
    area: Area,
    at: number,
    length: number,
    type: number,
    little: boolean,
    fields: Fields,
  ): KnownHeader<Route> {
    const kept = length <= MOST_BYTES ? area.bytes.slice(at, at + padded(length)) : new Uint8Array();
    const entry = { type, little, length, fields, route: undefined, view: new DataView(kept.buffer) };
    if (length <= MOST_BYTES) {
      this.#entries[this.#next] = entry;
      this.#next = (this.#next + 1) % MOST;
    }
    return entry;
  }

  /** Calls go elsewhere now. */
  clear(): void {
    this.#entries.length = 0;
    this.#next = 0;
  }
}

/** With the zeros behind them, which are compared, too. */
function padded(length: number): number {
  return (length + 7) & ~7;
}

function same(left: DataView, right: DataView, at: number, length: number): boolean {
  for (let from = 0; from < length; from += 4) {
    if (left.getUint32(from) !== right.getUint32(at + from)) return false;
  }
  return true;
}
