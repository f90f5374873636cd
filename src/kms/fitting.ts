import type { BufferLayout, Viewport } from '../buffers';
import type { ModeInfo } from '../native';
import { isScaled, place, placeAbove, uprightSize, type Fit, type Placement, type Turn } from './fit';
import { sameKind } from './framebuffers';
import { indicatorHeight } from './indicator';
import { fillScanout, newScanout, type Scanout } from './scanout';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How a user wants screens to stand on an output. */
export interface View {
  readonly fit: Fit;
  readonly turn: Turn;
  /** A strip above every screen says whose it is. */
  readonly indicator?: boolean;
}

/** The room for a screen on a panel, as its user sees it: turned, and below the indicator. Pixels. */
export function roomOn(
  { hdisplay, vdisplay }: Pick<ModeInfo, 'hdisplay' | 'vdisplay'>,
  { turn, indicator }: View,
): Size {
  const [width, height] = uprightSize({ width: hdisplay, height: vdisplay, turn });
  return { width, height: indicator ? height - indicatorHeight(height) : height };
}

/** Where the indicator stands on a panel; null: there is none. */
export function indicatorPlace({ turn, indicator }: View, width: number, height: number): Placement | null {
  if (!indicator) return null;
  return placeAbove(indicatorHeight(uprightSize({ width, height, turn })[1]), width, height, turn);
}

/** A way of showing screens of one kind. */
export interface Way {
  readonly placement: Placement;
  /** Why it has to be copied; undefined: the hardware shows it where it lies. */
  readonly reason: string | undefined;
}

/**
 * Decides how screens stand on a panel, and asks the hardware what it does by itself:
 *
 * - a screen of the panel's size lies as it is;
 * - any other is scaled as the config says, by the plane or by a copy;
 * - `auto`: by the plane with its aspect ratio kept; where planes do not scale, a smaller screen stands unscaled in the
 *   middle, and a larger one is made smaller by a copy, because a user wants to see all of it;
 * - below an indicator every screen is copied, into a buffer that has both.
 */
export class Fitting {
  readonly #scanout = newScanout();
  #way: Way | undefined;
  #layout: BufferLayout | null = null;
  readonly #viewport = { x: 0, y: 0, width: 0, height: 0 };
  /** Rows above the screen that are the indicator's. */
  readonly #above: number;

  constructor(
    private readonly view: View,
    private readonly width: number,
    private readonly height: number,
    /** Whether the hardware takes a scanout. */
    private readonly accepts: (scanout: Scanout) => boolean,
    /** Whether what is shown may begin anywhere in its buffer. */
    private readonly pans = true,
  ) {
    const indicator = indicatorPlace(view, width, height);
    this.#above = indicator ? uprightSize(indicator)[1] : 0;
  }

  /** For a buffer: worked out when it is of another kind, not for every frame. */
  ofBuffer(layout: BufferLayout, framebuffer: number, viewport: Viewport): Way {
    const known = this.#way;
    if (known && this.#layout && sameKind(this.#layout, layout) && this.#sameViewport(viewport)) return known;
    const way = this.#decide(layout, framebuffer, viewport);
    this.#remember(layout, viewport, way);
    return way;
  }

  /** For a screen that is copied in any case. */
  ofCopy(viewport: Viewport, reason: string): Way {
    const known = this.#way;
    if (known && !this.#layout && known.reason === reason && this.#sameViewport(viewport)) return known;
    const way = { placement: this.#copied(viewport), reason };
    this.#remember(null, viewport, way);
    return way;
  }

  /** The next screen is decided upon anew. */
  forget(): void {
    this.#way = undefined;
  }

  #decide(layout: BufferLayout, framebuffer: number, viewport: Viewport): Way {
    const placements = this.#candidates(viewport).map((fit) => this.#place(viewport, fit));
    for (const placement of placements) {
      if (this.#takes(layout, framebuffer, viewport, placement)) return { placement, reason: undefined };
    }
    const last = placements.at(-1)!;
    return { placement: last, reason: this.#whyNot(layout, last) };
  }

  #reaches({ x, y }: Scanout): boolean {
    return this.pans || (x === 0 && y === 0);
  }

  /** What is asked of the hardware, in this order; a copy does the last. */
  #candidates({ width, height }: Viewport): readonly Exclude<Fit, 'auto'>[] {
    const { fit } = this.view;
    if (fit !== 'auto') return [fit];
    return this.#holds(width, height) ? ['aspect', 'none'] : ['aspect'];
  }

  #copied(viewport: Viewport): Placement {
    return this.#place(viewport, this.#candidates(viewport).at(-1)!);
  }

  #takes(layout: BufferLayout, framebuffer: number, viewport: Viewport, placement: Placement): boolean {
    if (this.#above > 0) return false;
    const scanout = this.#scanout;
    fillScanout(scanout, framebuffer, layout, viewport, placement);
    if (!this.#reaches(scanout)) return false;
    return this.accepts(scanout);
  }

  /** Of the last placement that was asked for. */
  #whyNot({ bottomUp }: BufferLayout, placement: Placement): string {
    const { cropWidth, cropHeight, turn } = placement;
    if (this.#above > 0) return 'the indicator stands above it';
    if (!this.#reaches(this.#scanout)) return 'the driver shows buffers from their corner only';
    if (isScaled(placement))
      return `the display engine does not scale ${cropWidth}x${cropHeight} to ${uprightSize(placement).join('x')}`;
    if (turn !== 0) return `the display engine does not turn pictures by ${turn * 90} degrees`;
    if (bottomUp) return 'its rows lie bottom up';
    return placement.width === this.width && placement.height === this.height
      ? 'the display engine does not take this kind of buffer'
      : `the guest's screen is smaller than the mode`;
  }

  #holds(width: number, height: number): boolean {
    const [across, down] = uprightSize({ width: this.width, height: this.height, turn: this.view.turn });
    return width <= across && height <= down - this.#above;
  }

  #place({ width, height }: Viewport, fit: Exclude<Fit, 'auto'>): Placement {
    return place(width, height, this.width, this.height, fit, this.view.turn, this.#above);
  }

  #sameViewport({ x, y, width, height }: Viewport): boolean {
    const known = this.#viewport;
    return known.x === x && known.y === y && known.width === width && known.height === height;
  }

  #remember(layout: BufferLayout | null, viewport: Viewport, way: Way): void {
    this.#layout = layout;
    Object.assign(this.#viewport, viewport);
    this.#way = way;
  }
}
