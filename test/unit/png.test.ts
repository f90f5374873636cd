import * as zlib from 'node:zlib';
import { encodePng } from '../../src/kms/png';

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly header: readonly number[];
  readonly rows: Buffer;
  readonly text: Record<string, string>;
  readonly order: readonly string[];
}

/** As much of a decoder as an image without filters needs; every chunk's checksum is looked at. */
function decode(png: Buffer): Decoded {
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const text: Record<string, string> = {};
  const order: string[] = [];
  const data: Buffer[] = [];
  let header = Buffer.alloc(13);
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(zlib.crc32(png.subarray(at + 4, at + 8 + length)));
    order.push(type);
    if (type === 'IHDR') header = Buffer.from(body);
    if (type === 'IDAT') data.push(body);
    if (type === 'tEXt') {
      const [key, value] = body.toString('latin1').split('\0');
      text[key!] = value!;
    }
    at += 12 + length;
  }
  const rows = zlib.inflateSync(Buffer.concat(data));
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    header: [...header.subarray(8)],
    rows,
    text,
    order,
  };
}

describe('a PNG', () => {
  const [width, height] = [5, 3];
  const rows = Uint8Array.from({ length: height * (1 + width * 3) }, (_, at) =>
    at % (1 + width * 3) === 0 ? 0 : (at * 37) & 0xff,
  );

  test('holds the rows it was made of, as 8-bit RGB', async () => {
    const png = decode(await encodePng(rows, width, height, {}));
    expect([png.width, png.height]).toEqual([5, 3]);
    expect(png.header).toEqual([8, 2, 0, 0, 0]);
    expect([...png.rows]).toEqual([...rows]);
    expect(png.order).toEqual(['IHDR', 'IDAT', 'IEND']);
  });

  test('says what it shows, before the pixels', async () => {
    const text = { Title: 'HDMI-A-1', Software: 'kms-switcher', Source: 'readback (the card is caf\u00e9)' };
    const png = decode(await encodePng(rows, width, height, text));
    expect(png.text).toEqual(text);
    expect(png.order).toEqual(['IHDR', 'tEXt', 'tEXt', 'tEXt', 'IDAT', 'IEND']);
  });

  test('of a whole screen is compressed', async () => {
    const screen = new Uint8Array(1080 * (1 + 1920 * 3));
    const png = await encodePng(screen, 1920, 1080, {});
    expect(png.length).toBeLessThan(screen.length / 50);
    expect(decode(png).rows.equals(screen)).toBe(true);
  });
});
