import { native, type NativeCard, type NativeDumb, type PixelSource } from '../native';
import { copyRectangle, isEmpty, NOTHING, union, type Edges, type Placement } from './fit';
import { bytesPerPixel, XR24 } from './formats';
import type { Source } from './source';

/** A buffer of the mode's size, and what it holds. */
interface Back {
  readonly dumb: NativeDumb;
  /** undefined: nothing that can be built upon. */
  placement: Placement | undefined;
  /** What changed in the screen since this buffer was drawn. */
  stale: Edges;
}

/**
 * Draws screens that the hardware cannot show where they lie into two buffers of the output's own: a worker draws one
 * while the panel shows the other, and only what changed. A pair per pixel format, made when first needed, kept until
 * the output goes dark: a buffer on the panel must never be freed.
 */
export class Copier {
  readonly #pairs = new Map<number, readonly [Back, Back]>();
  /** Grows with every {@link invalidate}: what is being drawn then is not built upon either. */
  #generation = 0;
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly card: NativeCard,
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** The next screen is another one: nothing of the last may be left over. */
  invalidate(): void {
    this.#generation++;
    for (const pair of this.#pairs.values()) for (const back of pair) back.placement = undefined;
  }

  /** Draws the source's screen; resolves with the framebuffer to show, never `onPanel`. One call at a time. */
  draw(source: Source, placement: Placement, onPanel: number): Promise<number> {
    const drawing = this.#draw(source, placement, onPanel);
    this.#work = drawing.catch(() => undefined);
    return drawing;
  }

  /** The buffer of a framebuffer that `draw` gave out. */
  shown(framebuffer: number): NativeDumb | undefined {
    for (const pair of this.#pairs.values()) {
      for (const { dumb } of pair) if (dumb.framebuffer === framebuffer) return dumb;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    for (const pair of this.#pairs.values()) for (const { dumb } of pair) dumb.close();
    this.#pairs.clear();
  }

  async #draw(source: Source, placement: Placement, onPanel: number): Promise<number> {
    // Damage and pixels of the same moment: the source may move on to another buffer while the worker is busy.
    const pixels = pixelsOf(source);
    const damage = source.takeDamage();
    const generation = this.#generation;
    const pair = await this.#pair(pixels.format);
    for (const back of pair) back.stale = union(back.stale, damage);
    const back = pair[0].dumb.framebuffer === onPanel ? pair[1] : pair[0];
    const bytes = bytesPerPixel(pixels.format) ?? 4;
    let stale = back.stale;
    const fresh = !back.placement || !samePlacement(back.placement, placement);
    // Until it is drawn whole.
    back.placement = undefined;
    if (fresh) {
      await this.#clear(back.dumb, bytes);
      stale = shownPart(placement);
    }
    back.stale = NOTHING;
    const rectangle = isEmpty(stale) ? undefined : copyRectangle(stale, placement);
    if (rectangle) {
      await native.copyPixels({
        source: pixels.source,
        sourceOffset: pixels.offset,
        sourcePitch: pixels.pitch,
        target: back.dumb,
        bytesPerPixel: bytes,
        rectangles: rectangle,
      });
    }
    back.placement = generation === this.#generation ? placement : undefined;
    return back.dumb.framebuffer;
  }

  async #pair(format: number): Promise<readonly [Back, Back]> {
    const known = this.#pairs.get(format);
    if (known) return known;
    const options = { width: this.width, height: this.height, format, fill: 0, framebuffer: true };
    const make = async (): Promise<Back> => ({
      dumb: await this.card.createDumb(options),
      placement: undefined,
      stale: NOTHING,
    });
    const first = await make();
    let second: Back;
    try {
      second = await make();
    } catch (error) {
      first.dumb.close();
      throw error;
    }
    const pair = [first, second] as const;
    if (this.#closed) {
      for (const { dumb } of pair) dumb.close();
      throw new Error('the output went dark');
    }
    this.#pairs.set(format, pair);
    return pair;
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

function pixelsOf(source: Source): { source: PixelSource; offset: number; pitch: number; format: number } {
  const { framebuffer, canvas, viewport } = source;
  if (framebuffer) {
    const { layout, format } = framebuffer;
    const offset = layout.offset + viewport.y * layout.pitch + viewport.x * (bytesPerPixel(format) ?? 4);
    return { source: framebuffer.mapping(), offset, pitch: layout.pitch, format };
  }
  if (canvas) return { source: canvas.bytes, offset: 0, pitch: canvas.width * 4, format: XR24 };
  throw new Error('a source without pixels cannot be copied');
}

/** All of the screen that a placement shows. */
function shownPart({ cropX, cropY, width, height }: Placement): Edges {
  return { left: cropX, top: cropY, right: cropX + width, bottom: cropY + height };
}

function samePlacement(a: Placement, b: Placement): boolean {
  // prettier-ignore
  return (
    a.cropX === b.cropX && a.cropY === b.cropY && a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height
  );
}
