import { monotonic } from '../clock';
import { XR24 } from '../fourcc';
import {
  isNativeError,
  native,
  type NativeCard,
  type NativeColours,
  type NativeDumb,
  type PixelSource,
  type PixelTransfer,
} from '../native';
import {
  EVERYTHING,
  isEmpty,
  isScaled,
  NOTHING,
  panelPart,
  shownPart,
  union,
  type Edges,
  type Placement,
  uprightSize,
} from './fit';
import { bytesPerPixel, encodingOf, hasByteChannels, opaque, planeShapes } from './formats';
import { drawIndicator, type Indicator } from './indicator';
import type { Frame } from './readiness';
import type { Source } from './source';

/** A buffer of the mode's size, and what it holds. */
interface Back {
  readonly dumb: NativeDumb;
  /** Of its pixels: the source's, or XR24 where the card does not take that. */
  readonly format: number;
  /** undefined: nothing that can be built upon. */
  placement: Placement | undefined;
  /** What changed in the screen since this buffer was drawn. */
  stale: Edges;
  /** The indicator in it. */
  indicator: Indicator | null;
}

/** Two buffers of a format, and when they were last asked for (CLOCK_MONOTONIC, ms). */
interface Pair {
  readonly backs: readonly [Back, Back];
  usedAt: number;
}

/** Longer than whoever switches to and fro takes: making buffers costs the first picture some milliseconds. */
const REST_MS = 10_000;

/**
 * Draws screens that the hardware cannot show where they lie into two buffers of the output's own: a worker draws one
 * while the panel shows the other, and only what changed. A pair per pixel format, made when needed, freed when it has
 * not been for some seconds and is not on the panel: some cards have memory for a few pictures only.
 */
export class Copier {
  readonly #pairs = new Map<number, Pair>();
  /** Grows with every {@link invalidate}: what is being drawn then is not built upon either. */
  #generation = 0;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly card: NativeCard,
    private readonly width: number,
    private readonly height: number,
    /** Where indicators stand. */
    private readonly strip: Placement | null = null,
  ) {}

  /** The next screen is another one: nothing of the last may be left over. */
  invalidate(): void {
    this.#generation++;
    for (const { backs } of this.#pairs.values()) for (const back of backs) back.placement = undefined;
  }

  /**
   * Draws the source's screen, or an earlier `frame` of it, and the indicator, where there is a place for it; resolves
   * with the framebuffer to show, never `onPanel`. One call at a time.
   */
  draw(
    source: Source,
    placement: Placement,
    onPanel: number,
    frame: Frame = source,
    indicator: Indicator | null = null,
  ): Promise<number> {
    const drawing = this.#draw(source, placement, onPanel, frame, indicator);
    this.#work = drawing.catch(() => undefined);
    return drawing;
  }

  /** A framebuffer that is black, until the next `draw`. */
  blank(): Promise<number> {
    const blanking = this.#work.then(async () => {
      const [back] = await this.#backs(XR24);
      back.placement = undefined;
      await this.#clear(back.dumb, bytesPerPixel(back.format) ?? 4);
      return back.dumb.framebuffer;
    });
    this.#work = blanking.catch(() => undefined);
    return blanking;
  }

  /** The buffer of a framebuffer that `draw` gave out. */
  shown(framebuffer: number): { dumb: NativeDumb; format: number } | undefined {
    for (const { backs } of this.#pairs.values()) {
      for (const { dumb, format } of backs) if (dumb.framebuffer === framebuffer) return { dumb, format };
    }
    return undefined;
  }

  /** Frees what has rested long enough; not while anything is drawn. `inUse`: on the panel or on its way there. */
  tidy(now: number, inUse: (framebuffer: number) => boolean): void {
    for (const [format, { backs, usedAt }] of this.#pairs) {
      if (now - usedAt < REST_MS || backs.some(({ dumb }) => inUse(dumb.framebuffer))) continue;
      this.#pairs.delete(format);
      free(backs);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    for (const { backs } of this.#pairs.values()) free(backs);
    this.#pairs.clear();
  }

  async #draw(
    source: Source,
    placement: Placement,
    onPanel: number,
    frame: Frame,
    indicator: Indicator | null,
  ): Promise<number> {
    // Damage and pixels of the same moment: the source may move on to another buffer while the worker is busy.
    const pixels = pixelsOf(frame, source);
    // What the source tells is of its newest frame.
    const damage = frame.frame === source.frame ? { ...source.takeDamage() } : EVERYTHING;
    const generation = this.#generation;
    const backs = await this.#backs(this.strip || pixels.colours ? XR24 : pixels.format);
    for (const back of backs) back.stale = union(back.stale, damage);
    const back = backs[0].dumb.framebuffer === onPanel ? backs[1] : backs[0];
    const fresh = !back.placement || !samePlacement(back.placement, placement);
    const stale = fresh ? EVERYTHING : back.stale;
    // Until it is drawn whole.
    back.placement = undefined;
    if (fresh) {
      back.indicator = null;
      await this.#clear(back.dumb, bytesPerPixel(back.format) ?? 4);
    }
    back.stale = NOTHING;
    await transfer(pixels, stale, placement, back);
    if (this.strip && indicator && indicator !== back.indicator) {
      await transfer(pixelsOfIndicator(indicator, this.strip), EVERYTHING, this.strip, back);
      back.indicator = indicator;
    }
    back.placement = generation === this.#generation ? placement : undefined;
    return back.dumb.framebuffer;
  }

  async #backs(format: number): Promise<readonly [Back, Back]> {
    const known = this.#pairs.get(format);
    if (known) {
      known.usedAt = monotonic();
      return known.backs;
    }
    const first = await this.#back(format).catch((error: unknown) => {
      // Some cards scan out one or two formats only: what they do not take is converted.
      if (format === XR24 || !isNativeError(error)) throw error;
      return this.#back(XR24);
    });
    let second: Back;
    try {
      second = await this.#back(first.format);
    } catch (error) {
      first.dumb.close();
      throw error;
    }
    const backs = [first, second] as const;
    if (this.#closed) {
      free(backs);
      throw new Error('the output went dark');
    }
    this.#pairs.set(format, { backs, usedAt: monotonic() });
    return backs;
  }

  async #back(format: number): Promise<Back> {
    const { width, height } = this;
    const dumb = await this.card.createDumb({ width, height, format, fill: 0, framebuffer: true });
    return { dumb, format, placement: undefined, stale: NOTHING, indicator: null };
  }

  /** Black everywhere: one row of zeros, copied to every row. */
  async #clear(target: NativeDumb, bytes: number): Promise<void> {
    const rows = Array.from({ length: this.height }, (_, y) => [0, 0, 0, y, this.width, 1]);
    await native.copyPixels({
      source: new Uint8Array(this.width * bytes),
      sourceOffset: 0,
      sourcePitch: this.width * bytes,
      target,
      bytesPerPixel: bytes,
      rectangles: rows.flat(),
    });
  }
}

function free(backs: readonly Back[]): void {
  for (const { dumb } of backs) dumb.close();
}

/** A screen's pixels: where they lie, and where in them the screen begins. Bytes and pixels. */
interface Pixels {
  readonly source: PixelSource;
  readonly format: number;
  readonly offset: number;
  readonly pitch: number;
  /** The rest of YUV. */
  readonly colours?: NativeColours | undefined;
  /** Rows there are. */
  readonly height: number;
  readonly bottomUp: boolean;
  readonly x: number;
  readonly y: number;
}

function pixelsOf({ framebuffer, viewport }: Frame, { canvas, picture }: Source): Pixels {
  if (framebuffer) {
    const { format } = framebuffer;
    const { height, bottomUp, planes } = framebuffer.layout;
    const { offset, pitch } = planes[0]!;
    const { x, y } = viewport;
    return {
      source: framebuffer.mapping(),
      format,
      offset,
      pitch,
      colours: framebuffer.colours(encodingOf(format, viewport.height)),
      height,
      bottomUp,
      x,
      y,
    };
  }
  if (picture) {
    const { pitch, height } = picture;
    return { source: picture, format: XR24, offset: 0, pitch, height, bottomUp: false, x: 0, y: 0 };
  }
  if (!canvas) throw new Error('a source without pixels cannot be copied');
  const { source, format, offset, pitch, height } = canvas;
  return { source, format: opaque(format), offset, pitch, height, bottomUp: false, x: 0, y: 0 };
}

/** From the screen to where it lies in the memory. */
function rowInMemory({ y, height, bottomUp }: Pixels, top: number, rows: number): number {
  return bottomUp ? height - (top + y + rows) : top + y;
}

function pixelsOfIndicator(indicator: Indicator, { screenWidth, screenHeight }: Placement): Pixels {
  const source = drawIndicator(indicator, screenWidth, screenHeight);
  const whole = { offset: 0, pitch: screenWidth * 4, height: screenHeight, bottomUp: false, x: 0, y: 0 };
  return { source, format: XR24, ...whole };
}

/** Brings what is new of a screen to where it stands. */
async function transfer(pixels: Pixels, changed: Edges, placement: Placement, back: Back): Promise<void> {
  const stale = shownPart(changed, placement);
  if (isEmpty(stale)) return;
  const plain = !isScaled(placement) && placement.turn === 0;
  await (plain ? copy(pixels, stale, placement, back) : scale(pixels, stale, placement, back));
}

function transferOf({ source, offset, pitch, format, colours }: Pixels, back: Back): PixelTransfer {
  return {
    source,
    sourceOffset: offset,
    sourcePitch: pitch,
    target: back.dumb,
    bytesPerPixel: planeShapes(format)?.[0]?.bytes ?? 4,
    ...(format !== back.format && !colours && { convertFrom: format }),
    colours,
  };
}

function copy(
  pixels: Pixels,
  { left, top, right, bottom }: Edges,
  placement: Placement,
  back: Back,
): Promise<void> {
  const [width, height] = [right - left, bottom - top];
  const [x, y] = [left - placement.cropX + placement.x, top - placement.cropY + placement.y];
  return native.copyPixels({
    ...transferOf(pixels, back),
    rectangles: [left + pixels.x, rowInMemory(pixels, top, height), x, y, width, height],
    flip: pixels.bottomUp,
  });
}

function scale(pixels: Pixels, stale: Edges, placement: Placement, back: Back): Promise<void> {
  const { cropX, cropY, cropWidth, cropHeight, x, y, width, height, turn } = placement;
  const { left, top, right, bottom } = panelPart(stale, placement);
  const [shownWidth, shownHeight] = uprightSize(placement);
  const whole = shownWidth % cropWidth === 0 && shownHeight % cropHeight === 0;
  return native.scalePixels({
    ...transferOf(pixels, back),
    from: [cropX + pixels.x, rowInMemory(pixels, cropY, cropHeight), cropWidth, cropHeight],
    to: [x, y, width, height],
    clip: [left, top, right - left, bottom - top],
    turn,
    flip: pixels.bottomUp,
    // Whole multiples stay sharp; neighbours are mixed where channels are bytes.
    smooth: !whole && (pixels.colours !== undefined || hasByteChannels(pixels.format)),
  });
}

function samePlacement(a: Placement, b: Placement): boolean {
  // prettier-ignore
  return (
    a.cropX === b.cropX && a.cropY === b.cropY && a.cropWidth === b.cropWidth && a.cropHeight === b.cropHeight &&
    a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height && a.turn === b.turn
  );
}
