import type { CursorImage } from '../buffers';
import type { NativeCard, NativeDumb } from '../native';
import { AR24 } from '../fourcc';
import { onPanel, uprightSize, type Placement, type Turn } from './fit';
import type { Cursor } from './source';

/** What every driver takes, in pixels; a larger one only if it says so. */
const COMMON_SIDE = 64;
const DRM_CAP_CURSOR_WIDTH = 8;
const DRM_CAP_CURSOR_HEIGHT = 9;

/**
 * The pointer of one CRTC on its hardware cursor. At most one move per flip event or timer, so that a 1000 Hz mouse
 * costs no more than the panel can show; the image is drawn into the buffer that is not on the plane.
 */
export class HardwareCursor {
  #current = 0;
  #shown = false;
  #cursor: Cursor | null = null;
  /** What the image becomes on the screen it was last shown with: worked out when one of them is another. */
  #shape: Shape | undefined;
  readonly #shapeFor = { image: null as CursorImage | null, placement: null as Placement | null };
  /** What is drawn on the plane. */
  #drawn: Shape | undefined;
  #generation = -1;
  #x = NaN;
  #y = NaN;
  /** Why there is no cursor on the panel, for `status`. */
  refusal: string | undefined;

  private constructor(
    private readonly card: NativeCard,
    private readonly crtc: number,
    private readonly images: readonly [NativeDumb, NativeDumb],
  ) {}

  static async create(card: NativeCard, crtc: number): Promise<HardwareCursor> {
    const width = Math.max(COMMON_SIDE, capability(card, DRM_CAP_CURSOR_WIDTH));
    const height = Math.max(COMMON_SIDE, capability(card, DRM_CAP_CURSOR_HEIGHT));
    const options = { width, height, format: AR24, fill: 0, framebuffer: false };
    const first = await card.createDumb(options);
    try {
      return new HardwareCursor(card, crtc, [first, await card.createDumb(options)]);
    } catch (error) {
      first.close();
      throw error;
    }
  }

  /** Image and top left of what is on the plane, for a screenshot read back from memory. */
  get drawn(): { image: NativeDumb; x: number; y: number } | undefined {
    return this.#shown ? { image: this.images[this.#current as 0 | 1], x: this.#x, y: this.#y } : undefined;
  }

  /** Brings the plane to what `cursor` says, scaled and turned like the screen it is on. */
  apply(cursor: Cursor | null, placement: Placement | null): void {
    if (!cursor?.visible || !cursor.image || !placement) {
      this.hide();
      return;
    }
    const shape = this.#shapeOf(cursor.image, placement);
    // The hot spot stays where the guest has it, whatever becomes of the image around it.
    const { cropX, cropY, cropWidth, cropHeight } = placement;
    const [width, height] = uprightSize(placement);
    const [hotX, hotY] = [Math.floor(cursor.hotX / shape.stepX), Math.floor(cursor.hotY / shape.stepY)];
    const left = Math.floor(((cursor.x + cursor.hotX - cropX) * width) / cropWidth) - hotX;
    const top = Math.floor(((cursor.y + cursor.hotY - cropY) * height) / cropHeight) - hotY;
    // Its top left corner is another one when it is turned.
    const { turn } = placement;
    const right = turn === 2 || turn === 3 ? shape.width : 0;
    const lower = turn === 1 || turn === 2 ? shape.height : 0;
    const [x, y] = onPanel(placement, left + right, top + lower);
    // Moved before it is set, so that a new pointer does not flash where the last one was.
    if (x !== this.#x || y !== this.#y) {
      this.card.moveCursor(this.crtc, x, y);
      this.#x = x;
      this.#y = y;
    }
    if (
      !this.#shown ||
      cursor !== this.#cursor ||
      cursor.generation !== this.#generation ||
      shape !== this.#drawn
    )
      this.#set(cursor, cursor.image, shape, hotX, hotY);
  }

  hide(): void {
    if (!this.#shown) return;
    this.card.setCursor(this.crtc, null, 0, 0);
    this.#shown = false;
  }

  /** The plane is no longer as we left it (a modeset): the next `apply` sets it anew. */
  forget(): void {
    this.#shown = false;
    this.#x = this.#y = NaN;
  }

  close(): void {
    for (const image of this.images) image.close();
  }

  /** What becomes of an image: as large as the screen makes it, smaller where the plane does not hold that. */
  #shapeOf(image: CursorImage, placement: Placement): Shape {
    if (this.#shape && this.#shapeFor.image === image && this.#shapeFor.placement === placement)
      return this.#shape;
    const { width, height } = image;
    const { cropWidth, cropHeight, turn } = placement;
    const [shownWidth, shownHeight] = uprightSize(placement);
    const [stepX, stepY] = [cropWidth / shownWidth, cropHeight / shownHeight];
    const plane = this.images[0];
    const most = Math.min(plane.width, plane.height);
    const shrink = Math.max(1, Math.ceil(width / stepX / most), Math.ceil(height / stepY / most));
    this.#shapeFor.image = image;
    this.#shapeFor.placement = placement;
    this.#shape = {
      width: Math.max(1, Math.floor(width / stepX / shrink)),
      height: Math.max(1, Math.floor(height / stepY / shrink)),
      stepX: stepX * shrink,
      stepY: stepY * shrink,
      shrink,
      turn,
    };
    return this.#shape;
  }

  #set(cursor: Cursor, image: CursorImage, shape: Shape, hotX: number, hotY: number): void {
    this.#current = 1 - this.#current;
    const target = this.images[this.#current as 0 | 1];
    draw(image, shape, target);
    const [spotX, spotY] = turned(hotX, hotY, shape);
    const result = this.card.setCursor(this.crtc, target, spotX, spotY);
    const { shrink } = shape;
    this.refusal =
      result < 0
        ? `the card has no hardware cursor for this CRTC (errno ${-result})`
        : shrink > 1
          ? `the pointer (${image.width}x${image.height}) is shown at 1/${shrink}: the card takes ${target.width}x${target.height}`
          : undefined;
    this.#shown = result === 0;
    this.#cursor = cursor;
    this.#generation = cursor.generation;
    this.#drawn = shape;
  }
}

/** What becomes of an image before it is turned. */
interface Shape {
  readonly width: number;
  readonly height: number;
  /** Pixels of the image for each that is shown. */
  readonly stepX: number;
  readonly stepY: number;
  /** By which whole number it is smaller than it should be. */
  readonly shrink: number;
  readonly turn: Turn;
}

/** Where a pixel of the image goes when the image is turned. */
function turned(x: number, y: number, { width, height, turn }: Shape): [x: number, y: number] {
  if (turn === 0) return [x, y];
  if (turn === 1) return [height - 1 - y, x];
  if (turn === 2) return [width - 1 - x, height - 1 - y];
  return [y, width - 1 - x];
}

/** Draws an image at the top left of a transparent buffer; every pixel is one of the image's. */
function draw({ width, height, pixels }: CursorImage, shape: Shape, target: NativeDumb): void {
  const bytes = new Uint8Array(target.pixels);
  bytes.fill(0);
  for (let row = 0; row < shape.height; row++) {
    const from = Math.min(height - 1, Math.floor(row * shape.stepY)) * width;
    for (let column = 0; column < shape.width; column++) {
      const pixel = (from + Math.min(width - 1, Math.floor(column * shape.stepX))) * 4;
      const [x, y] = turned(column, row, shape);
      bytes.set(pixels.subarray(pixel, pixel + 4), y * target.pitch + x * 4);
    }
  }
}

function capability(card: NativeCard, number: number): number {
  try {
    return card.capability(number);
  } catch {
    return 0; // An old driver: 64x64 is what every one takes.
  }
}
