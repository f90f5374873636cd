import type { NativeCard, NativeDumb } from '../native';
import { AR24 } from './formats';
import type { Cursor } from './source';

/** Side of the image guests define, in pixels. */
const IMAGE_SIDE = 64;
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
    const width = Math.max(IMAGE_SIDE, capability(card, DRM_CAP_CURSOR_WIDTH));
    const height = Math.max(IMAGE_SIDE, capability(card, DRM_CAP_CURSOR_HEIGHT));
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
    const x = cursor.x + dx;
    const y = cursor.y + dy;
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

  #set(cursor: Cursor, image: Uint8Array): void {
    this.#current = 1 - this.#current;
    const target = this.images[this.#current as 0 | 1];
    const pixels = new Uint8Array(target.pixels);
    for (let row = 0; row < IMAGE_SIDE; row++) {
      pixels.set(image.subarray(row * IMAGE_SIDE * 4, (row + 1) * IMAGE_SIDE * 4), row * target.pitch);
    }
    const result = this.card.setCursor(this.crtc, target, cursor.hotX, cursor.hotY);
    this.refusal =
      result < 0 ? `the card has no hardware cursor for this CRTC (errno ${-result})` : undefined;
    this.#shown = result === 0;
    this.#shape = cursor;
    this.#generation = cursor.generation;
  }
}

function capability(card: NativeCard, number: number): number {
  try {
    return card.capability(number);
  } catch {
    return 0; // An old driver: 64x64 is what every one takes.
  }
}
