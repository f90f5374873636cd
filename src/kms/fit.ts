/** How a screen of another size than the mode stands on the panel: unscaled and centred, cropped where it is larger. */
export interface Placement {
  /** Top left of what is shown, within the screen. */
  readonly cropX: number;
  readonly cropY: number;
  /** Where it stands on the panel. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Centres a `width` x `height` screen on a `modeWidth` x `modeHeight` panel. */
export function place(width: number, height: number, modeWidth: number, modeHeight: number): Placement {
  const shownWidth = Math.min(width, modeWidth);
  const shownHeight = Math.min(height, modeHeight);
  return {
    cropX: (width - shownWidth) >> 1,
    cropY: (height - shownHeight) >> 1,
    x: (modeWidth - shownWidth) >> 1,
    y: (modeHeight - shownHeight) >> 1,
    width: shownWidth,
    height: shownHeight,
  };
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

/** What of `edges` (in the screen) is visible under a placement, as the six numbers of a native copy rectangle. */
export function copyRectangle(edges: Edges, placement: Placement): number[] | undefined {
  const left = Math.max(edges.left, placement.cropX);
  const top = Math.max(edges.top, placement.cropY);
  const right = Math.min(edges.right, placement.cropX + placement.width);
  const bottom = Math.min(edges.bottom, placement.cropY + placement.height);
  if (right <= left || bottom <= top) return undefined;
  const x = left - placement.cropX + placement.x;
  const y = top - placement.cropY + placement.y;
  return [left, top, x, y, right - left, bottom - top];
}
