import { Image } from './image';
import { PixelBuffer, type WireGuest } from './wire-guest';

/** A buffer is drawn anew this many flips after it has left the panel: the witness takes several vblanks to look. */
const BUFFERS = 16;
const colours = Array.from({ length: 24 }, (_, index) => (index * 0x0b1d2f + 0x102030) & 0xffffff);

/** Flips one buffer of one colour after another, as fast as it is answered, and draws only what has left the panel. */
export class FlippingGuest {
  #flips = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly wire: WireGuest,
    private readonly width: number,
    private readonly height: number,
  ) {}

  get flips(): number {
    return this.#flips;
  }

  /** Checksums of a panel that its frames fill. */
  crcs(width = this.width, height = this.height): Set<number> {
    return new Set(colours.map((colour) => new Image(width, height, colour).crc));
  }

  async start(): Promise<void> {
    const images = colours.map((colour) => new Image(this.width, this.height, colour));
    const buffers = await Promise.all(images.slice(0, BUFFERS).map((image) => PixelBuffer.of(image)));
    this.#running = (async () => {
      for (; !this.#stopped; this.#flips++) {
        const buffer = buffers[this.#flips % BUFFERS]!;
        if (this.#flips >= BUFFERS) await buffer.write(images[this.#flips % images.length]!);
        await this.wire.present(buffer);
      }
      for (const buffer of buffers) buffer.close();
    })();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.wire.close();
  }
}
