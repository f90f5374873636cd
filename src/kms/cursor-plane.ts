import type { CursorImage } from '../buffers';
import { AR24 } from '../fourcc';
import type { NativeCard, NativeDumb } from '../native';
import { drawShape, shapeOf, turned, type Shape } from './cursor-image';
import { onPanel, uprightSize, type Placement } from './fit';
import type { Mutable } from './scanout';
import type { Cursor } from './source';

/** What every driver takes, in pixels; a larger one only if it says so. */
const COMMON_SIDE = 64;
const DRM_CAP_CURSOR_WIDTH = 8;
const DRM_CAP_CURSOR_HEIGHT = 9;
const ENXIO = -6;

/** What a cursor plane shows, and where on the panel its top left and its hot spot are. Pixels. */
export interface CursorState {
  /** null: nothing. */
  readonly image: NativeDumb | null;
  readonly x: number;
  readonly y: number;
  /** Within the image. */
  readonly hotX: number;
  readonly hotY: number;
}

/** What is to become of a cursor plane. */
export interface CursorChange {
  readonly now: CursorState;
  readonly next: CursorState;
}

/**
 * The pointer of one CRTC: what its cursor plane shows, and what it is to show. Whoever commits asks `prepare` while
 * nothing is in flight, commits `next`, and says whether that was `taken` or `refused`. The image is drawn into the
 * buffer that is not on the plane.
 */
export class CursorPlane implements CursorChange {
  readonly now = newState();
  readonly next = newState();
  /** What the card did not take: asked again when anything about it is another. */
  readonly #refused = newState();
  #stale = true;
  #cursor: Cursor | null = null;
  #placement: Placement | null = null;
  /** What an image becomes on the screen it was last shown with: worked out when one of them is another. */
  #shape: Shape | undefined;
  readonly #shapeFor = { image: null as CursorImage | null, placement: null as Placement | null };
  /** What was drawn last, and where. */
  readonly #drawn = {
    cursor: null as Cursor | null,
    generation: -1,
    shape: undefined as Shape | undefined,
    into: null as NativeDumb | null,
  };
  /** Why the pointer is not on the panel, or not as it should be, for `status`. */
  refusal: string | undefined;

  private constructor(
    private readonly images: readonly [NativeDumb, NativeDumb],
    /** The part of the panel that no pointer may cover. */
    private readonly strip: Placement | null,
  ) {}

  /** `framebuffers`: the images go to the panel by commits, not by calls. */
  static async create(
    card: NativeCard,
    framebuffers: boolean,
    strip: Placement | null = null,
  ): Promise<CursorPlane> {
    const width = Math.max(COMMON_SIDE, capability(card, DRM_CAP_CURSOR_WIDTH));
    const height = Math.max(COMMON_SIDE, capability(card, DRM_CAP_CURSOR_HEIGHT));
    const options = { width, height, format: AR24, fill: 0, framebuffer: framebuffers };
    const first = await card.createDumb(options);
    try {
      return new CursorPlane([first, await card.createDumb(options)], strip);
    } catch (error) {
      first.close();
      throw error;
    }
  }

  /** Whether somebody said that the pointer is another since the last commit. */
  get stale(): boolean {
    return this.#stale;
  }

  /** The pointer moved or changed. */
  touch(): void {
    this.#stale = true;
  }

  /**
   * Works out what the plane has to show, scaled and turned like the screen it is on; whether that is to be committed.
   */
  prepare(cursor: Cursor | null, placement: Placement | null): boolean {
    if (!this.#stale && cursor === this.#cursor && placement === this.#placement) return false;
    this.#stale = true;
    this.#cursor = cursor;
    this.#placement = placement;
    const { next } = this;
    if (cursor?.visible && cursor.image && placement) {
      this.#aim(cursor, cursor.image, placement);
      if (same(next, this.#refused)) next.image = null;
    } else {
      next.image = null;
      this.refusal = undefined;
    }
    if (same(next, this.now)) this.#stale = false;
    return this.#stale;
  }

  /** The commit of `next` has been accepted. */
  taken(): void {
    copyState(this.next, this.now);
    this.#stale = false;
    const { image } = this.next;
    if (!image) return;
    this.#refused.image = null;
    this.#noteSize(image);
  }

  /** The card does not take `next`: nothing is to be shown then. Whether that is to be committed. */
  refused(error: number): boolean {
    copyState(this.next, this.#refused);
    this.refusal =
      error === ENXIO
        ? 'the card has no cursor plane for this CRTC'
        : `the card does not take the pointer (errno ${-error})`;
    this.next.image = null;
    this.#stale = this.now.image !== null;
    return this.#stale;
  }

  /** There is nothing on the plane any more (a modeset), nor does what the card refused before count. */
  emptied(): void {
    this.now.image = this.#refused.image = null;
    this.#stale = true;
  }

  close(): void {
    for (const image of this.images) image.close();
  }

  #aim(cursor: Cursor, image: CursorImage, placement: Placement): void {
    const { next } = this;
    const shape = this.#shapeOf(image, placement);
    // The hot spot stays where the guest has it, whatever becomes of the image around it.
    const { cropX, cropY, cropWidth, cropHeight, turn } = placement;
    const [width, height] = uprightSize(placement);
    const [hotX, hotY] = [Math.floor(cursor.hotX / shape.stepX), Math.floor(cursor.hotY / shape.stepY)];
    const left = Math.floor(((cursor.x + cursor.hotX - cropX) * width) / cropWidth) - hotX;
    const top = Math.floor(((cursor.y + cursor.hotY - cropY) * height) / cropHeight) - hotY;
    // Its top left corner is another one when it is turned.
    const right = turn === 2 || turn === 3 ? shape.width : 0;
    const lower = turn === 1 || turn === 2 ? shape.height : 0;
    [next.x, next.y] = onPanel(placement, left + right, top + lower);
    [next.hotX, next.hotY] = turned(hotX, hotY, shape);
    const covers = this.strip && overlaps(this.strip, next.x, next.y, shape);
    next.image = covers ? null : this.#imageOf(cursor, image, shape);
  }

  #shapeOf(image: CursorImage, placement: Placement): Shape {
    const known = this.#shapeFor;
    if (this.#shape && known.image === image && known.placement === placement) return this.#shape;
    const [{ width, height }] = this.images;
    known.image = image;
    known.placement = placement;
    return (this.#shape = shapeOf(image, placement, Math.min(width, height)));
  }

  /** The buffer that holds the image; drawn when it is another one. */
  #imageOf(cursor: Cursor, image: CursorImage, shape: Shape): NativeDumb {
    const drawn = this.#drawn;
    const { generation } = cursor;
    if (drawn.into && drawn.cursor === cursor && drawn.generation === generation && drawn.shape === shape)
      return drawn.into;
    const [first, second] = this.images;
    const target = this.now.image === first ? second : first;
    drawShape(image, shape, target);
    // Of another image that was here.
    this.#refused.image = null;
    drawn.cursor = cursor;
    drawn.generation = generation;
    drawn.shape = shape;
    drawn.into = target;
    return target;
  }

  #noteSize({ width, height }: NativeDumb): void {
    const { image } = this.#shapeFor;
    const shrink = this.#shape?.shrink ?? 1;
    this.refusal =
      image && shrink > 1
        ? `the pointer (${image.width}x${image.height}) is shown at 1/${shrink}: the card takes ${width}x${height}`
        : undefined;
  }
}

/** Whether an image whose top left is at a place of the panel reaches into a part of it. */
function overlaps(part: Placement, x: number, y: number, shape: Shape): boolean {
  const [width, height] = uprightSize(shape);
  const across = x < part.x + part.width && x + width > part.x;
  return across && y < part.y + part.height && y + height > part.y;
}

function newState(): Mutable<CursorState> {
  return { image: null, x: 0, y: 0, hotX: 0, hotY: 0 };
}

function copyState(from: CursorState, to: Mutable<CursorState>): void {
  to.image = from.image;
  to.x = from.x;
  to.y = from.y;
  to.hotX = from.hotX;
  to.hotY = from.hotY;
}

/** Where nothing is shown does not matter. */
function same(a: CursorState, b: CursorState): boolean {
  if (a.image !== b.image) return false;
  return a.image === null || (a.x === b.x && a.y === b.y && a.hotX === b.hotX && a.hotY === b.hotY);
}

function capability(card: NativeCard, number: number): number {
  try {
    return card.capability(number);
  } catch {
    return 0; // An old driver: 64x64 is what every one takes.
  }
}
