import { native } from '../../src/native';

const fourcc = (code: string): number => Buffer.from(code).readUInt32LE();
const XR24 = fourcc('XR24');

function picture(
  format: string,
  source: Uint8Array,
  width: number,
  height: number,
  pitch: number,
  offset = 0,
) {
  return native.readRgb({ source, offset, pitch, x: 0, y: 0, width, height, format: fourcc(format) });
}

describe('readRgb', () => {
  test.each([
    ['XR24', [3, 2, 1, 255], [1, 2, 3]],
    ['AR24', [3, 2, 1, 0], [1, 2, 3]],
    ['XB24', [1, 2, 3, 255], [1, 2, 3]],
    ['AB24', [1, 2, 3, 0], [1, 2, 3]],
    ['RG16', [0x00, 0xf8], [255, 0, 0]],
    ['RG16', [0xe0, 0x07], [0, 255, 0]],
    ['RG16', [0x1f, 0x00], [0, 0, 255]],
    ['RG16', [0x10, 0x84], [132, 130, 132]],
    ['XR15', [0x00, 0x7c], [255, 0, 0]],
    ['RX24', [255, 3, 2, 1], [1, 2, 3]],
    ['BX24', [255, 1, 2, 3], [1, 2, 3]],
    ['RG24', [3, 2, 1], [1, 2, 3]],
    ['BG24', [1, 2, 3], [1, 2, 3]],
    ['XR30', [0x03, 0x00, 0xf0, 0x3f], [255, 0, 0]],
    ['XB30', [0x03, 0x00, 0xf0, 0x3f], [0, 0, 255]],
  ])('reads %s %j as %j', async (format, pixel, rgb) => {
    const read = await picture(format, Uint8Array.from(pixel), 1, 1, pixel.length);
    expect([...read]).toEqual([0, ...rgb]);
  });

  test('leads each row with a zero and skips what lies between rows', async () => {
    const source = Uint8Array.from([
      ...[9, 9],
      ...[1, 2, 3, 0, 4, 5, 6, 0, 9, 9],
      ...[7, 8, 9, 0, 10, 11, 12, 0], // the last row needs no padding
    ]);
    const read = await picture('XB24', source, 2, 2, 10, 2);
    expect([...read]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]);
  });

  test('refuses formats it does not know', () => {
    expect(() => picture('NV12', new Uint8Array(64), 1, 1, 64)).toThrow(
      expect.objectContaining({ code: 'EINVAL', syscall: 'readRgb' }) as Error,
    );
  });

  test.each([
    ['too wide for its pitch', 3, 1, 8, 0],
    ['too high', 2, 3, 8, 0],
    ['one byte off the end', 2, 2, 8, 1],
    ['far off the end', 2, 2, 8, Number.MAX_SAFE_INTEGER],
    ['as large as can be', 0xffffffff, 0xffffffff, 0xffffffff, 0],
    ['empty', 0, 1, 8, 0],
  ])('refuses a picture %s', (_, width, height, pitch, offset) => {
    const job = { source: new Uint8Array(16), offset, pitch, x: 0, y: 0, width, height, format: XR24 };
    expect(() => native.readRgb(job)).toThrow('the picture lies outside job.source');
  });
});

describe('readRgb of YUV', () => {
  /** By the recommendation itself, in floating point. */
  function rgbOf(encoding: 601 | 709, y: number, blue: number, red: number): number[] {
    const [kr, kb] = encoding === 601 ? [0.299, 0.114] : [0.2126, 0.0722];
    const kg = 1 - kr - kb;
    const [lightness, b, r] = [(y - 16) / 219, (blue - 128) / 224, (red - 128) / 224];
    const channels = [
      lightness + 2 * (1 - kr) * r,
      lightness - (2 * (1 - kb) * kb * b) / kg - (2 * (1 - kr) * kr * r) / kg,
      lightness + 2 * (1 - kb) * b,
    ];
    return channels.map((channel) => Math.min(255, Math.max(0, Math.round(channel * 255))));
  }

  const SHAPES = {
    NV12: { bytes: 1, across: 2, down: 2, redFirst: false },
    NV21: { bytes: 1, across: 2, down: 2, redFirst: true },
    NV16: { bytes: 1, across: 2, down: 1, redFirst: false },
    NV24: { bytes: 1, across: 1, down: 1, redFirst: false },
    P010: { bytes: 2, across: 2, down: 2, redFirst: false },
  } as const;

  /** A picture of samples that differ from each other, its two planes in one memory, with room between rows. */
  function drawn(format: keyof typeof SHAPES, encoding: 601 | 709, width: number, height: number) {
    const shape = SHAPES[format];
    const { bytes, across, down, redFirst } = shape;
    const [columns, rows] = [Math.ceil(width / across), Math.ceil(height / down)];
    const [pitch, colourPitch] = [width * bytes + 3, columns * 2 * bytes + 5];
    const offset = 7 + pitch * height;
    const source = new Uint8Array(offset + colourPitch * rows).fill(0xaa);
    const sample = (at: number, value: number): void => {
      if (bytes === 1) source[at] = value;
      else new DataView(source.buffer).setUint16(at, value << 8, true);
    };
    const lightness = (x: number, y: number): number => (x * 37 + y * 101) % 256;
    const colour = (x: number, y: number, which: number): number => (x * 53 + y * 71 + which * 90) % 256;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) sample(7 + y * pitch + x * bytes, lightness(x, y));
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const at = offset + y * colourPitch + x * 2 * bytes;
        sample(at + (redFirst ? bytes : 0), colour(x, y, 0));
        sample(at + (redFirst ? 0 : bytes), colour(x, y, 1));
      }
    const pixel = (x: number, y: number): number[] => {
      const [u, v] = [Math.floor(x / across), Math.floor(y / down)];
      return rgbOf(encoding, lightness(x, y), colour(u, v, 0), colour(u, v, 1));
    };
    const colours = { ...shape, source, offset, pitch: colourPitch, encoding };
    return { job: { source, offset: 7, pitch, format: fourcc(format), colours }, pixel };
  }

  test.each(Object.keys(SHAPES) as (keyof typeof SHAPES)[])(
    'reads any part of %s by both recommendations, to within one step',
    async (format) => {
      for (const encoding of [601, 709] as const) {
        const { job, pixel } = drawn(format, encoding, 17, 9);
        for (const [x, y, width, height] of [
          [0, 0, 17, 9],
          [3, 1, 5, 4],
          [16, 8, 1, 1],
        ] as const) {
          const rows = await native.readRgb({ ...job, x, y, width, height });
          expect(rows).toHaveLength((width * 3 + 1) * height);
          for (let row = 0; row < height; row++)
            for (let column = 0; column < width; column++) {
              const at = row * (width * 3 + 1) + 1 + column * 3;
              const wanted = pixel(x + column, y + row);
              const off = wanted.map((channel, index) => Math.abs(channel - rows[at + index]!));
              expect(Math.max(...off)).toBeLessThanOrEqual(1);
            }
        }
      }
    },
  );

  test.each([
    ['black', 16, 128, 128, [0, 0, 0]],
    ['white', 235, 128, 128, [255, 255, 255]],
    ['blacker than black', 0, 128, 128, [0, 0, 0]],
    ['whiter than white', 255, 128, 128, [255, 255, 255]],
    ['red of BT.601', 81, 90, 240, [254, 0, 0]],
    ['all samples at their most', 255, 255, 255, [255, 125, 255]],
  ])('reads %s', async (_, y, blue, red, rgb) => {
    const source = Uint8Array.from([y, blue, red]);
    const colours = { ...SHAPES.NV12, source, offset: 1, pitch: 2, encoding: 601 as const };
    const job = { source, offset: 0, pitch: 1, x: 0, y: 0, width: 1, height: 1, format: 0, colours };
    expect([...(await native.readRgb(job))]).toEqual([0, ...rgb]);
  });

  test('reads all bits of a word', async () => {
    // Lightness of 10 bits: a quarter of a step apart, which is two of 255 after seven of them.
    const pixel = async (y: number): Promise<number> => {
      const source = Uint16Array.from([y << 6, 512 << 6, 512 << 6]);
      const bytes = new Uint8Array(source.buffer);
      const colours = { ...SHAPES.P010, source: bytes, offset: 2, pitch: 4, encoding: 709 as const };
      const job = { source: bytes, offset: 0, pitch: 2, x: 0, y: 0, width: 1, height: 1, format: 0, colours };
      return (await native.readRgb(job))[1]!;
    };
    expect([await pixel(64), await pixel(64 + 7), await pixel(940)]).toEqual([0, 2, 255]);
  });

  test('refuses colours that lie outside their memory, or are none', () => {
    const { job } = drawn('NV12', 601, 17, 9);
    const whole = { ...job, x: 0, y: 0, width: 17, height: 9 };
    const { colours } = job;
    const outside = 'the picture lies outside job.source';
    const [first, most] = [colours.offset + 6, Number.MAX_SAFE_INTEGER];
    for (const offset of [first, most])
      expect(() => native.readRgb({ ...whole, colours: { ...colours, offset } })).toThrow(outside);
    expect(() => native.readRgb({ ...whole, colours: { ...colours, pitch: 17 } })).toThrow(outside);
    expect(() => native.readRgb({ ...whole, colours: { ...colours, pitch: 0xffffffff } })).toThrow(outside);
    expect(() => native.readRgb({ ...whole, x: 4 })).toThrow(outside);
    expect(() => native.readRgb({ ...whole, y: 0xffffffff })).toThrow(outside);
    const wrong = (change: object): unknown =>
      native.readRgb({ ...whole, colours: { ...colours, ...change } });
    expect(() => wrong({ encoding: 2020 })).toThrow(expect.objectContaining({ code: 'EINVAL' }) as Error);
    expect(() => wrong({ across: 0 })).toThrow('across must be an integer from 1 to 2');
    expect(() => wrong({ down: 3 })).toThrow('down must be an integer from 1 to 2');
    expect(() => wrong({ source: undefined })).toThrow('job.source must be');
  });
});
