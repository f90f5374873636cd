import type { CursorImage } from '../buffers';
import type { NativeCard, NativeDumb } from '../native';
import { AR24 } from '../fourcc';
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
  #shape: Cursor | null = null;
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
  get onPanel(): { image: NativeDumb; x: number; y: number } | undefined {
    return this.#shown ? { image: this.images[this.#current as 0 | 1], x: this.#x, y: this.#y } : undefined;
  }

  /** Brings the plane to what `cursor` says; `dx`, `dy` is where the guest's screen stands on the panel. */
  apply(cursor: Cursor | null, dx: number, dy: number): void {
    if (!cursor?.visible || !cursor.image) {
      this.hide();
      return;
    }
    // An image made smaller stays where its hot spot is.
    const shrunk = shrinkFor(cursor.image, this.images[0]);
    const x = cursor.x + dx + (cursor.hotX - Math.floor(cursor.hotX / shrunk));
    const y = cursor.y + dy + (cursor.hotY - Math.floor(cursor.hotY / shrunk));
    // Moved before it is set, so that a new pointer does not flash where the last one was.
    if (x !== this.#x || y !== this.#y) {
      this.card.moveCursor(this.crtc, x, y);
      this.#x = x;
      this.#y = y;
    }
    if (!this.#shown || cursor !== this.#shape || cursor.generation !== this.#generation)
      this.#set(cursor, cursor.image);
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

  #set(cursor: Cursor, image: CursorImage): void {
    this.#current = 1 - this.#current;
    const target = this.images[this.#current as 0 | 1];
    const scale = draw(image, target);
    const result = this.card.setCursor(
      this.crtc,
      target,
      Math.floor(cursor.hotX / scale),
      Math.floor(cursor.hotY / scale),
    );
    this.refusal =
      result < 0
        ? `the card has no hardware cursor for this CRTC (errno ${-result})`
        : scale > 1
          ? `the pointer (${image.width}x${image.height}) is shown at 1/${scale}: the card takes ${target.width}x${target.height}`
          : undefined;
    this.#shown = result === 0;
    this.#shape = cursor;
    this.#generation = cursor.generation;
  }
}

/** By which whole number an image has to be made smaller to fit. */
function shrinkFor(image: CursorImage, target: NativeDumb): number {
  return Math.max(1, Math.ceil(image.width / target.width), Math.ceil(image.height / target.height));
}

/** Draws an image at the top left of a transparent buffer, smaller if it has to be. Returns by how much. */
function draw({ width, height, pixels }: CursorImage, target: NativeDumb): number {
  const scale = shrinkFor({ width, height, pixels }, target);
  const bytes = new Uint8Array(target.pixels);
  bytes.fill(0);
  for (let y = 0; y < Math.floor(height / scale); y++) {
    const from = y * scale * width * 4;
    const to = y * target.pitch;
    if (scale === 1) bytes.set(pixels.subarray(from, from + width * 4), to);
    else {
      for (let x = 0; x < Math.floor(width / scale); x++) {
        const pixel = from + x * scale * 4;
        bytes.set(pixels.subarray(pixel, pixel + 4), to + x * 4);
      }
    }
  }
  return scale;
}

function capability(card: NativeCard, number: number): number {
  try {
    return card.capability(number);
  } catch {
    return 0; // An old driver: 64x64 is what every one takes.
  }
}
