import { inflateSync } from 'node:zlib';
import { Image } from './image';

export interface Png {
  readonly image: Image;
  /** tEXt chunks. */
  readonly text: ReadonlyMap<string, string>;
}

/** Reads a PNG of 8-bit RGB, not interlaced; written apart from the encoder, so that it can judge it. */
export function decodePng(bytes: Buffer): Png {
  if (bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error('not a PNG');
  const text = new Map<string, string>();
  const data: Buffer[] = [];
  let [width, height] = [0, 0];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    at += length + 12;
    if (type === 'IHDR') {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      if (body[8] !== 8 || body[9] !== 2 || body[12] !== 0) throw new Error('not 8-bit RGB');
    } else if (type === 'IDAT') {
      data.push(body);
    } else if (type === 'tEXt') {
      const [key = '', value = ''] = body.toString('latin1').split('\0');
      text.set(key, value);
    }
  }
  return { image: unfilter(inflateSync(Buffer.concat(data)), width, height), text };
}

function unfilter(rows: Buffer, width: number, height: number): Image {
  const pitch = width * 3 + 1;
  if (rows.length !== pitch * height) throw new Error(`${rows.length} bytes instead of ${pitch * height}`);
  const image = new Image(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    if (rows[y * pitch] !== 0) throw new Error(`row ${y} has filter ${rows[y * pitch]}`);
    for (let from = y * pitch + 1; from < (y + 1) * pitch; from += 3, at++) {
      image.pixels[at] = (0xff000000 | (rows[from]! << 16) | (rows[from + 1]! << 8) | rows[from + 2]!) >>> 0;
    }
  }
  return image;
}
