import { clamp } from '../clamp';

/** What a user may ask for a screen of another size than the panel. */
export type Fit = 'auto' | 'aspect' | 'integer' | 'fill' | 'none';

/** Clockwise quarter turns of the picture. */
export type Turn = 0 | 1 | 2 | 3;

/** How a screen stands on the panel. Pixels. */
export interface Placement {
  readonly screenWidth: number;
  readonly screenHeight: number;
  /** The part of the screen that is shown. */
  readonly cropX: number;
  readonly cropY: number;
  readonly cropWidth: number;
  readonly cropHeight: number;
  /** Where it stands on the panel. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly turn: Turn;
}

/**
 * Places a `width` x `height` screen in the middle of a panel: turned, then scaled, or cut where it is larger. `above`:
 * rows at the panel's upper edge, as its user sees it, that are not the screen's.
 */
export function place(
  width: number,
  height: number,
  panelWidth: number,
  panelHeight: number,
  fit: Exclude<Fit, 'auto'> = 'none',
  turn: Turn = 0,
  above = 0,
): Placement {
  // As if the panel were turned instead.
  const [across, down] = uprightSize({ width: panelWidth, height: panelHeight, turn });
  const room = down - above;
  const cut = fit === 'none';
  const cropWidth = cut ? Math.min(width, across) : width;
  const cropHeight = cut ? Math.min(height, room) : height;
  const [shownWidth, shownHeight] = cut ? [cropWidth, cropHeight] : scaled(width, height, across, room, fit);
  const left = (across - shownWidth) >> 1;
  const top = above + ((room - shownHeight) >> 1);
  const upright = turn % 2 === 0;
  return {
    screenWidth: width,
    screenHeight: height,
    cropX: (width - cropWidth) >> 1,
    cropY: (height - cropHeight) >> 1,
    cropWidth,
    cropHeight,
    x:
      turn === 0
        ? left
        : turn === 1
          ? down - top - shownHeight
          : turn === 2
            ? across - left - shownWidth
            : top,
    y:
      turn === 0
        ? top
        : turn === 1
          ? left
          : turn === 2
            ? down - top - shownHeight
            : across - left - shownWidth,
    width: upright ? shownWidth : shownHeight,
    height: upright ? shownHeight : shownWidth,
    turn,
  };
}

/** Places a strip of `height` rows along the panel's upper edge, as its user sees it. */
export function placeAbove(height: number, panelWidth: number, panelHeight: number, turn: Turn): Placement {
  const [across, down] = uprightSize({ width: panelWidth, height: panelHeight, turn });
  // As if there were no room for it but what lies below another of the height that is left, upside down.
  const lower = place(
    across,
    height,
    panelWidth,
    panelHeight,
    'none',
    ((turn + 2) % 4) as Turn,
    down - height,
  );
  return { ...lower, turn };
}

function scaled(
  width: number,
  height: number,
  across: number,
  down: number,
  fit: 'aspect' | 'integer' | 'fill',
): [number, number] {
  if (fit === 'fill') return [across, down];
  const factor = Math.min(across / width, down / height);
  const times = Math.floor(factor);
  // What is larger than the panel has no whole number of pixels to become.
  if (fit === 'integer' && times >= 1) return [width * times, height * times];
  return [
    Math.max(1, Math.min(across, Math.round(width * factor))),
    Math.max(1, Math.min(down, Math.round(height * factor))),
  ];
}

/** The size a placement gives what it shows, before it is turned. */
export function uprightSize({
  width,
  height,
  turn,
}: Pick<Placement, 'width' | 'height' | 'turn'>): [width: number, height: number] {
  return turn % 2 === 0 ? [width, height] : [height, width];
}

export function isScaled(placement: Placement): boolean {
  const [width, height] = uprightSize(placement);
  return width !== placement.cropWidth || height !== placement.cropHeight;
}

/**
 * A point of the shown part, from 0 to its upright size, on the panel. Pixels lie between their point and the next, so
 * that whole pixels of width and height `size` end there when turned.
 */
export function onPanel(placement: Placement, u: number, v: number, size = 0): [x: number, y: number] {
  const { x, y, width, height, turn } = placement;
  if (turn === 0) return [x + u, y + v];
  if (turn === 1) return [x + width - size - v, y + u];
  if (turn === 2) return [x + width - size - u, y + height - size - v];
  return [x + v, y + height - size - u];
}

/**
 * Turns a place on the panel (0 to 1 in both directions) into the nearest one on the screen that stands on it; whether
 * it was within what is shown of the screen.
 */
export function toScreen(
  at: { x: number; y: number },
  placement: Placement,
  panelWidth: number,
  panelHeight: number,
): boolean {
  const { x, y, width, height, turn, cropX, cropY, cropWidth, cropHeight } = placement;
  // Shares of what is shown, then turned back.
  const right = (at.x * panelWidth - x) / width;
  const down = (at.y * panelHeight - y) / height;
  const u = turn === 0 ? right : turn === 1 ? down : turn === 2 ? 1 - right : 1 - down;
  const v = turn === 0 ? down : turn === 1 ? 1 - right : turn === 2 ? 1 - down : right;
  at.x = (cropX + clamp(u, 0, 1) * cropWidth) / placement.screenWidth;
  at.y = (cropY + clamp(v, 0, 1) * cropHeight) / placement.screenHeight;
  return u >= 0 && v >= 0 && u < 1 && v < 1;
}

/** A rectangle by its edges; empty when right <= left. */
export interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export const NOTHING: Edges = { left: 0, top: 0, right: 0, bottom: 0 };
/** All of a screen, whatever its size. */
export const EVERYTHING: Edges = { left: 0, top: 0, right: 1 << 30, bottom: 1 << 30 };

export function isEmpty(edges: Edges): boolean {
  return edges.right <= edges.left || edges.bottom <= edges.top;
}

/** One that is made larger in place, so that frames need not allocate. */
export class Region implements Edges {
  left = 0;
  top = 0;
  right = 0;
  bottom = 0;

  /** Becomes the smallest rectangle around both. */
  add(left: number, top: number, right: number, bottom: number): void {
    if (right <= left || bottom <= top) return;
    const empty = isEmpty(this);
    this.left = empty ? left : Math.min(this.left, left);
    this.top = empty ? top : Math.min(this.top, top);
    this.right = empty ? right : Math.max(this.right, right);
    this.bottom = empty ? bottom : Math.max(this.bottom, bottom);
  }

  addAll(edges: Edges): void {
    this.add(edges.left, edges.top, edges.right, edges.bottom);
  }

  clear(): void {
    this.left = this.top = this.right = this.bottom = 0;
  }
}

/** The smallest rectangle around both. */
export function union(a: Edges, b: Edges): Edges {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** What of `edges` (in the screen) a placement shows; empty: nothing. */
export function shownPart(edges: Edges, { cropX, cropY, cropWidth, cropHeight }: Placement): Edges {
  return {
    left: Math.max(edges.left, cropX),
    top: Math.max(edges.top, cropY),
    right: Math.min(edges.right, cropX + cropWidth),
    bottom: Math.min(edges.bottom, cropY + cropHeight),
  };
}

/** Where on the panel a part of what is shown stands; with one pixel around it where neighbours are mixed. */
export function panelPart(part: Edges, placement: Placement): Edges {
  const { cropX, cropY, cropWidth, cropHeight } = placement;
  const [width, height] = uprightSize(placement);
  const around = isScaled(placement) ? 1 : 0;
  const first = (at: number, from: number, to: number): number =>
    Math.max(0, Math.floor(((at - around) * to) / from));
  const last = (at: number, from: number, to: number): number =>
    Math.min(to, Math.ceil(((at + around) * to) / from));
  const [ax, ay] = onPanel(
    placement,
    first(part.left - cropX, cropWidth, width),
    first(part.top - cropY, cropHeight, height),
  );
  const [bx, by] = onPanel(
    placement,
    last(part.right - cropX, cropWidth, width),
    last(part.bottom - cropY, cropHeight, height),
  );
  return { left: Math.min(ax, bx), top: Math.min(ay, by), right: Math.max(ax, bx), bottom: Math.max(ay, by) };
}
