/** Screen of a guest that sends pixels: XR24, rows packed, drawn as the bytes come. */
export class PixelCanvas {
  readonly bytes: Uint8Array;
  #x = 0;
  #y = 0;
  #rowBytes = 0;
  #done = 0;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.bytes = new Uint8Array(width * height * 4);
  }

  /** A rectangle's pixels are about to come. */
  begin(x: number, y: number, width: number): void {
    this.#x = x;
    this.#y = y;
    this.#rowBytes = width * 4;
    this.#done = 0;
  }

  /** The next bytes of the rectangle, cut anywhere. */
  write(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const row = Math.floor(this.#done / this.#rowBytes);
      const column = this.#done % this.#rowBytes;
      const count = Math.min(to - at, this.#rowBytes - column);
      const target = ((this.#y + row) * this.width + this.#x) * 4 + column;
      this.bytes.set(bytes.subarray(at, at + count), target);
      this.#done += count;
      at += count;
    }
  }
}
