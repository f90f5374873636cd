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
  return native.readRgb({ source, offset, pitch, width, height, format: fourcc(format) });
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
    const job = { source: new Uint8Array(16), offset, pitch, width, height, format: XR24 };
    expect(() => native.readRgb(job)).toThrow('the picture lies outside job.source');
  });
});
