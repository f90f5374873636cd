import { crc32 } from 'node:zlib';

/** A picture as tests make them: XRGB8888 in native byte order, the unused byte 0xff. */
export class Image {
  readonly pixels: Uint32Array;

  constructor(
    readonly width: number,
    readonly height: number,
    colour = 0x000000,
  ) {
    this.pixels = new Uint32Array(width * height).fill(opaque(colour));
  }

  /** No two pixels near each other alike, so that a shift by one or a mixed-up row is another picture. */
  static pattern(width: number, height: number, seed = 0): Image {
    const image = new Image(width, height);
    const { pixels } = image;
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        pixels[at] = opaque(
          ((x * 5 + seed * 40) & 0xff) | (((y * 3 + x) & 0xff) << 8) | (((x ^ y ^ seed) & 0xff) << 16),
        );
      }
    }
    return image;
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.pixels.buffer);
  }

  /** Puts another picture on this one; what hangs over is cut. */
  draw(other: Image, x: number, y: number): this {
    const left = Math.max(0, x);
    const right = Math.min(this.width, x + other.width);
    for (let row = Math.max(0, y); row < Math.min(this.height, y + other.height) && left < right; row++) {
      const from = (row - y) * other.width + left - x;
      this.pixels.set(other.pixels.subarray(from, from + right - left), row * this.width + left);
    }
    return this;
  }

  /** A pointer image, premultiplied AR24 in native byte order, over this picture, the way vkms blends. */
  blend(cursor: Uint32Array, side: number, x: number, y: number): this {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const [tx, ty] = [x + column, y + row];
        if (tx < 0 || ty < 0 || tx >= this.width || ty >= this.height) continue;
        const over = cursor[row * side + column]!;
        const alpha = over >>> 24;
        if (alpha !== 0 && alpha !== 0xff)
          throw new Error('only clear and opaque pointer pixels have one right result');
        if (alpha === 0xff) this.pixels[ty * this.width + tx] = over;
      }
    }
    return this;
  }

  /** Upside down. */
  flipped(): Image {
    const image = new Image(this.width, this.height);
    for (let row = 0; row < this.height; row++) {
      const from = (this.height - 1 - row) * this.width;
      image.pixels.set(this.pixels.subarray(from, from + this.width), row * this.width);
    }
    return image;
  }

  /** Clockwise, by quarters. */
  turned(quarters: number): Image {
    if (quarters % 4 === 0) return this;
    const image = new Image(this.height, this.width);
    for (let y = 0, at = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, at++)
        image.pixels[x * this.height + (this.height - 1 - y)] = this.pixels[at]!;
    }
    return image.turned(quarters - 1);
  }

  /** Each pixel the one whose middle is nearest. */
  enlarged(times: number): Image {
    const image = new Image(this.width * times, this.height * times);
    for (let y = 0, at = 0; y < image.height; y++) {
      for (let x = 0; x < image.width; x++, at++)
        image.pixels[at] = this.pixels[Math.floor(y / times) * this.width + Math.floor(x / times)]!;
    }
    return image;
  }

  /** Bilinear: each pixel of the four around its middle, in 1/256 of the way from one to the next, rounded once. */
  scaled(width: number, height: number): Image {
    const image = new Image(width, height);
    const across = taps(this.width, width);
    const down = taps(this.height, height);
    for (let y = 0, at = 0; y < height; y++) {
      const [top, low, v] = down[y]!;
      for (let x = 0; x < width; x++, at++) {
        const [left, right, u] = across[x]!;
        let pixel = 0;
        for (const shift of [0, 8, 16]) {
          const channel = (column: number, row: number): number =>
            (this.pixels[row * this.width + column]! >>> shift) & 0xff;
          const above = channel(left, top) * (256 - u) + channel(right, top) * u;
          const below = channel(left, low) * (256 - u) + channel(right, low) * u;
          pixel |= ((above * (256 - v) + below * v + 32768) >>> 16) << shift;
        }
        image.pixels[at] = opaque(pixel);
      }
    }
    return image;
  }

  crop(x: number, y: number, width: number, height: number): Image {
    return new Image(width, height).draw(this, -x, -y);
  }

  /** This picture in the middle of a panel, cut or with black around it. */
  centredOn(width: number, height: number): Image {
    const [x, y] = [(width - this.width) >> 1, (height - this.height) >> 1];
    // Where it is larger, what is cut on the left and top is half of the difference, rounded down.
    const cutX = (this.width - width) >> 1;
    const cutY = (this.height - height) >> 1;
    return new Image(width, height).draw(this, x >= 0 ? x : -cutX, y >= 0 ? y : -cutY);
  }

  /** The largest difference of any channel from that of a picture of the same size. */
  distance(other: Image): number {
    if (other.width !== this.width || other.height !== this.height) return Infinity;
    let most = 0;
    for (let at = 0; at < this.pixels.length; at++) {
      const [one, two] = [this.pixels[at]!, other.pixels[at]!];
      for (let shift = 0; shift < 24 && one !== two; shift += 8)
        most = Math.max(most, Math.abs(((one >>> shift) & 0xff) - ((two >>> shift) & 0xff)));
    }
    return most;
  }

  /**
   * What vkms computes when a panel of this size shows this picture: CRC-32, neither inverted before nor after, over
   * all pixels as four little-endian 16-bit numbers: alpha (always all ones), red, green, blue, each times 257.
   */
  get crc(): number {
    const line = new Uint32Array(this.width * 2);
    const bytes = new Uint8Array(line.buffer);
    let crc = 0xffffffff; // zlib inverts what it is given and what it returns.
    for (let y = 0, at = 0; y < this.height; y++) {
      for (let to = 0; to < line.length; to += 2, at++) {
        const pixel = this.pixels[at]!;
        line[to] = 0xffff | (((pixel >>> 16) & 0xff) * 0x01010000);
        line[to + 1] = (((pixel >>> 8) & 0xff) * 0x0101) | ((pixel & 0xff) * 0x01010000);
      }
      crc = crc32(bytes, crc);
    }
    return ~crc >>> 0;
  }
}

function opaque(colour: number): number {
  return (0xff000000 | colour) >>> 0;
}

/** For each pixel of a scaled row: two of the source's, and how much of the second. */
function taps(from: number, to: number): [number, number, number][] {
  return Array.from({ length: to }, (_, at) => {
    const place = Math.max(0, Math.floor(((2 * at + 1) * from * 65536) / (2 * to)) - 32768);
    const first = Math.floor(place / 65536);
    return [first, Math.min(first + 1, from - 1), Math.floor((place % 65536) / 256)];
  });
}
