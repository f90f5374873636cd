import { fourcc } from '../../fourcc';

/**
 * Pixel formats of pixman, which QEMU sends with pixels in memory, as the fourcc of the same layout: pixman counts
 * the parts of a pixel from its highest bit, as DRM's names do.
 * https://gitlab.freedesktop.org/pixman/pixman/-/blob/master/pixman/pixman.h (PIXMAN_FORMAT)
 */
const FORMATS = new Map<number, number>(
  (
    [
      [0x20020888, 'XR24'],
      [0x20028888, 'AR24'],
      [0x20030888, 'XB24'],
      [0x20038888, 'AB24'],
      [0x20080888, 'BX24'],
      [0x20088888, 'BA24'],
      [0x20090888, 'RX24'],
      [0x20098888, 'RA24'],
      [0x20020aaa, 'XR30'],
      [0x20022aaa, 'AR30'],
      [0x20030aaa, 'XB30'],
      [0x20032aaa, 'AB30'],
      [0x18020888, 'RG24'],
      [0x18030888, 'BG24'],
      [0x10020565, 'RG16'],
      [0x10020555, 'XR15'],
      [0x10021555, 'AR15'],
    ] as const
  ).map(([pixman, code]) => [pixman, fourcc(code)]),
);

/** The fourcc of a pixman format; undefined for one that is not shown. */
export function fourccOfPixman(format: number): number | undefined {
  return FORMATS.get(format);
}

/** Bytes per pixel of a pixman format: its topmost byte holds the bits. */
export function bytesOfPixman(format: number): number {
  return format >>> 27;
}
