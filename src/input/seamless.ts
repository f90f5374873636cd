import type { Place } from '../guest/sink';

/** A side of a screen. */
export type Edge = 'left' | 'right' | 'top' | 'bottom';

/** Where outputs stand: rows from top to bottom, in each the outputs from left to right. */
export type Rows = readonly (readonly string[])[];

/** For people: `DP-1, HDMI-A-1 / DP-2`. */
export function formatRows(rows: Rows): string {
  return rows.map((row) => row.join(', ')).join(' / ');
}

/** What lies around a screen that a pointer may be pushed out of. */
export interface Border {
  /** Turns `at` into where the pointer is on the screen; false: nobody knows. */
  pointer(at: Place): boolean;
  /** The pointer was pushed over an edge, there. */
  crossed(edge: Edge, at: Place): void;
}

/** Pixels that a pointer at an edge is to be pushed on until it crosses: who only rests it there stays. */
export const RESISTANCE = 30;
/** A pointer this near to an edge, in shares of the screen, is at it: some guests stop a pixel before. */
const NEAR = 0.002;

/** How far a pointer has been pushed against an edge of its screen. Allocates nothing. */
export class EdgePush {
  #edge: Edge | undefined;
  #pushed = 0;

  /** The pointer was `at` this place and is moved on, in pixels. The edge it has been pushed over; undefined: none. */
  move(at: Place, dx: number, dy: number): Edge | undefined {
    if (this.#edge && !touches(at, this.#edge)) this.reset();
    const edge = edgeAgainst(at, dx, dy);
    if (!edge) return undefined;
    if (edge !== this.#edge) this.reset();
    this.#edge = edge;
    this.#pushed += Math.max(Math.abs(dx), Math.abs(dy));
    if (this.#pushed < RESISTANCE) return undefined;
    this.reset();
    return edge;
  }

  reset(): void {
    this.#edge = undefined;
    this.#pushed = 0;
  }
}

/** The edge that a motion goes against; undefined: none, or it goes along one more than against it. */
export function edgeAgainst(at: Place, dx: number, dy: number): Edge | undefined {
  if (dx === 0 && dy === 0) return undefined;
  const sideways = Math.abs(dx) >= Math.abs(dy);
  const edge = sideways ? (dx < 0 ? 'left' : 'right') : dy < 0 ? 'top' : 'bottom';
  return touches(at, edge) ? edge : undefined;
}

function touches({ x, y }: Place, edge: Edge): boolean {
  switch (edge) {
    case 'left':
      return x <= NEAR;
    case 'right':
      return x >= 1 - NEAR;
    case 'top':
      return y <= NEAR;
    case 'bottom':
      return y >= 1 - NEAR;
  }
}

/**
 * The output beyond an edge of `from` that takes the pointer, the nearest; undefined: there is none. `at`, where the
 * pointer leaves, becomes where it comes in. All rows are as wide as each other, and so are the outputs of a row.
 */
export function neighbour(
  rows: Rows,
  from: string,
  edge: Edge,
  at: Place,
  takes: (output: string) => boolean,
): string | undefined {
  for (let row = 0; row < rows.length; row++) {
    const column = rows[row]!.indexOf(from);
    if (column < 0) continue;
    return edge === 'left' || edge === 'right'
      ? beside(rows[row]!, column, edge, at, takes)
      : across(rows, row, column, edge, at, takes);
  }
  return undefined;
}

function beside(
  row: readonly string[],
  column: number,
  edge: 'left' | 'right',
  at: Place,
  takes: (output: string) => boolean,
): string | undefined {
  const step = edge === 'left' ? -1 : 1;
  for (let i = column + step; i >= 0 && i < row.length; i += step) {
    if (!takes(row[i]!)) continue;
    at.x = edge === 'left' ? 1 : 0;
    return row[i];
  }
  return undefined;
}

function across(
  rows: Rows,
  row: number,
  column: number,
  edge: 'top' | 'bottom',
  at: Place,
  takes: (output: string) => boolean,
): string | undefined {
  const share = (column + at.x) / rows[row]!.length;
  const step = edge === 'top' ? -1 : 1;
  for (let i = row + step; i >= 0 && i < rows.length; i += step) {
    const place = share * rows[i]!.length;
    const below = Math.min(Math.floor(place), rows[i]!.length - 1);
    if (!takes(rows[i]![below]!)) continue;
    at.x = place - below;
    at.y = edge === 'top' ? 1 : 0;
    return rows[i]![below];
  }
  return undefined;
}
