import { Image } from './image';

/** Reads a PPM as QEMU writes it: P6, 8 bits a colour. */
export function decodePpm(bytes: Buffer): Image {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.toString('latin1', 0, 64));
  if (!header) throw new Error('not a PPM');
  const image = new Image(Number(header[1]), Number(header[2]));
  const { pixels } = image;
  const [start] = header;
  if (bytes.length !== start.length + pixels.length * 3)
    throw new Error(`${bytes.length} bytes are no ${image.width}x${image.height}`);
  for (let at = 0, from = start.length; at < pixels.length; at++, from += 3) {
    pixels[at] = (0xff000000 | bytes.readUIntBE(from, 3)) >>> 0;
  }
  return image;
}
