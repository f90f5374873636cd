import { Image } from './image';

const FNV_BASIS = 2166136261;
const FNV_PRIME = 16777619;
const GOLDEN = 0x9e3779b1;

/** The frames of a bare guest with `solid`: each one colour, which its name and the frame's number give. */
export class SolidFrames {
  readonly #seed: number;
  readonly #black: number;
  /** What each bit of a colour changes in the checksum, which is linear: computing it for each colour takes too long. */
  readonly #bits: readonly number[];

  constructor(name: string, width: number, height: number) {
    let hash = FNV_BASIS;
    // The last is the head.
    for (const byte of [...Buffer.from(name), 0]) hash = Math.imul(hash ^ byte, FNV_PRIME);
    this.#seed = hash ^ (hash >>> 15);
    this.#black = new Image(width, height, 0).crc;
    this.#bits = Array.from({ length: 24 }, (_, bit) => new Image(width, height, 1 << bit).crc ^ this.#black);
  }

  colour(frame: number): number {
    return (this.#seed + Math.imul(frame, GOLDEN)) & 0xffffff;
  }

  /** What vkms computes for a panel of the size that shows a frame; see {@link Image.crc}. */
  crc(frame: number): number {
    const colour = this.colour(frame);
    return (
      this.#bits.reduce((crc, bit, index) => ((colour >> index) & 1 ? crc ^ bit : crc), this.#black) >>> 0
    );
  }

  /** The number of the frame with this checksum; undefined: none of `count` from `first` on. */
  find(crc: number, first: number, count: number): number | undefined {
    for (let frame = first; frame < first + count; frame++) if (this.crc(frame) === crc) return frame;
    return undefined;
  }
}
