import { findProperty, OBJECT_PLANE } from '../../../src/kms/connector';
import { native } from '../../../src/native';
import { Image } from './image';
import type { MockGuest, Said } from './mock-guest';
import { Panels } from './panels';
import { openOther } from './spoil';
import { PixelBuffer } from './wire-guest';

// The numbers of <drm/drm_fourcc.h>, on purpose not those of src/: bytes of a sample, pixels that share colours across
// and down, whether red's difference comes first.
const FORMATS = {
  NV12: [1, 2, 2, false],
  NV21: [1, 2, 2, true],
  NV16: [1, 2, 1, false],
  NV24: [1, 1, 1, false],
  P010: [2, 2, 2, false],
  P210: [2, 2, 1, false],
} as const;

// The samples there are: well within limited range, so that nothing is cut.
const [DARKEST, LIGHTNESSES] = [90, 70];
const [LEAST_COLOUR, COLOURS] = [88, 80];

export type YuvFormat = keyof typeof FORMATS;

/** Where its two planes lie: in one dma-buf, in one that is named twice, in one behind something else, in two. */
export type Memory = 'one' | 'twice' | 'behind' | 'two';

/** A picture of samples in which no neighbours are alike. */
export class YuvPicture {
  readonly #lightness: (x: number, y: number) => number;
  readonly #colour: (x: number, y: number, which: 0 | 1) => number;

  constructor(
    readonly format: YuvFormat,
    readonly width: number,
    readonly height: number,
    seed: number,
  ) {
    this.#lightness = (x, y) => DARKEST + ((x * 7 + y * 5 + seed * 11) % LIGHTNESSES);
    this.#colour = (x, y, which) => LEAST_COLOUR + ((x * 3 + y * 11 + which * 29 + seed * 13) % COLOURS);
  }

  /** What is to be seen of it, by the words of ITU-R BT.601 or BT.709. */
  image(encoding: 601 | 709): Image {
    const [, across, down] = FORMATS[this.format];
    const image = new Image(this.width, this.height);
    // Machines in here are slow: each colour is computed once.
    const known = new Uint32Array(LIGHTNESSES * COLOURS * COLOURS);
    for (let y = 0, at = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, at++) {
        const [column, row] = [Math.floor(x / across), Math.floor(y / down)];
        const [lightness, blue, red] = [
          this.#lightness(x, y),
          this.#colour(column, row, 0),
          this.#colour(column, row, 1),
        ];
        const index = ((lightness - DARKEST) * COLOURS + blue - LEAST_COLOUR) * COLOURS + red - LEAST_COLOUR;
        image.pixels[at] = known[index] ||= colourOf(encoding, lightness, blue, red);
      }
    }
    return image;
  }

  /** Bytes of a row of each plane. */
  get strides(): [number, number] {
    const [bytes, across] = FORMATS[this.format];
    return [this.width * bytes, Math.ceil(this.width / across) * 2 * bytes];
  }

  /** Puts it into dma-bufs, and sends them as a QEMU would, but for what is `said`. */
  async send(guest: MockGuest, memory: Memory = 'one', said: Partial<Said> = {}): Promise<void> {
    const [lightness, colours] = this.#planes();
    const before = memory === 'behind' ? 4096 : 0;
    const first = allocate(before + lightness.length + (memory === 'two' ? 0 : colours.length));
    const second = memory === 'two' ? allocate(colours.length) : first;
    const offset = memory === 'two' ? 0 : before + lightness.length;
    await native.writeDmabuf(first.fd, before, lightness);
    await native.writeDmabuf(second.fd, offset, colours);
    guest.scanout(first, {
      fds: memory === 'two' || memory === 'twice' ? [first.fd, second.fd] : [first.fd],
      screen: { x: 0, y: 0, width: this.width, height: this.height },
      size: [this.width, this.height],
      offsets: [before, offset],
      strides: this.strides,
      format: Buffer.from(this.format).readUInt32LE(),
      ...said,
    });
  }

  #planes(): [lightness: Uint8Array, colours: Uint8Array] {
    const [bytes, across, down, redFirst] = FORMATS[this.format];
    const [columns, rows] = [Math.ceil(this.width / across), Math.ceil(this.height / down)];
    // The highest byte of a little-endian word.
    const last = bytes - 1;
    const lightness = new Uint8Array(this.width * this.height * bytes);
    for (let y = 0, at = last; y < this.height; y++)
      for (let x = 0; x < this.width; x++, at += bytes) lightness[at] = this.#lightness(x, y);
    const colours = new Uint8Array(columns * rows * 2 * bytes);
    for (let y = 0, at = last; y < rows; y++) {
      for (let x = 0; x < columns; x++, at += 2 * bytes) {
        colours[at] = this.#colour(x, y, redFirst ? 1 : 0);
        colours[at + bytes] = this.#colour(x, y, redFirst ? 0 : 1);
      }
    }
    return [lightness, colours];
  }
}

/** How the primary plane of the n-th CRTC is told to read YUV. */
export function colourProperties(index: number): { encoding: string | undefined; range: string | undefined } {
  const card = openOther(Panels.lab.device);
  const crtc = card.resources().crtcs[index];
  const named = (plane: number, name: string): string | undefined => {
    const property = findProperty(card, plane, OBJECT_PLANE, name);
    return property?.enums.find(({ value }) => value === property.value)?.name;
  };
  try {
    const plane = card
      .planes()
      .find((id) => card.plane(id).crtcId === crtc && named(id, 'type') === 'Primary')!;
    return { encoding: named(plane, 'COLOR_ENCODING'), range: named(plane, 'COLOR_RANGE') };
  } finally {
    card.close();
  }
}

function allocate(bytes: number): PixelBuffer {
  return new PixelBuffer(bytes, 1, { stride: bytes });
}

/** An XRGB8888 pixel. */
function colourOf(encoding: 601 | 709, lightness: number, blue: number, red: number): number {
  const [kr, kb] = encoding === 601 ? [0.299, 0.114] : [0.2126, 0.0722];
  const kg = 1 - kr - kb;
  const grey = (lightness - 16) / 219;
  const b = ((blue - 128) / 224) * 2 * (1 - kb);
  const r = ((red - 128) / 224) * 2 * (1 - kr);
  const channels = [grey + r, grey - (b * kb + r * kr) / kg, grey + b];
  return channels.reduce((pixel, value) => ((pixel << 8) | byteOf(value)) >>> 0, 0xff);
}

function byteOf(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value * 255)));
}
