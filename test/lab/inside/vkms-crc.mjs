// The CRC vkms computes of what a panel shows, for comparing a picture with
// the output of `crc`.
//
// vkms composes every line of the mode as pixels of four little-endian 16-bit
// numbers, alpha, red, green, blue, and runs crc32_le over all lines, starting
// from 0 and without inverting: CRC-32's usual polynomial, both complements
// left out. Eight-bit values become 16-bit ones times 257. Alpha is 0xffff,
// whatever the planes had, and what no plane covers is the background colour
// (black). So a picture has one CRC whatever format, plane or buffer shows it.

import { crc32 } from 'node:zlib';

/**
 * @param {Uint8Array} pixels XRGB8888 as it lies in memory: blue, green, red, unused
 * @param {number} width of the mode
 * @param {number} height of the mode
 * @param {number} [stride] bytes from one line to the next
 * @returns {number} unsigned, as `crc` prints it
 */
export function vkmsCrc(pixels, width, height, stride = width * 4) {
  // Red, green and blue twice each make 16-bit numbers times 257; the bytes of
  // alpha stay 0xff.
  const line = new Uint8Array(width * 8).fill(0xff);
  // zlib's crc32 complements what it is given and what it returns.
  let crc = 0xffffffff;
  for (let y = 0; y < height; y++) {
    for (let from = y * stride, to = 0; to < line.length; from += 4, to += 8) {
      line[to + 2] = line[to + 3] = pixels[from + 2];
      line[to + 4] = line[to + 5] = pixels[from + 1];
      line[to + 6] = line[to + 7] = pixels[from];
    }
    crc = crc32(line, crc);
  }
  return ~crc >>> 0;
}
