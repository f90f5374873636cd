import type { BufferLayout } from '../buffers';
import { AR24, fourcc, XR24 } from '../fourcc';

/**
 * Guests leave anything in the alpha byte of a whole screen, and primary planes often list only the opaque format:
 * a scanout is shown as its opaque twin.
 */
const OPAQUE = new Map([
  [AR24, XR24],
  [fourcc('AB24'), fourcc('XB24')],
  [fourcc('RA24'), fourcc('RX24')],
  [fourcc('BA24'), fourcc('BX24')],
  [fourcc('AR30'), fourcc('XR30')],
  [fourcc('AB30'), fourcc('XB30')],
  [fourcc('AR15'), fourcc('XR15')],
]);

export function opaque(format: number): number {
  return OPAQUE.get(format) ?? format;
}

const BYTES_PER_PIXEL = new Map<number, number>([
  ...['XR24', 'XB24', 'RX24', 'BX24', 'XR30', 'XB30'].map((code): [number, number] => [fourcc(code), 4]),
  [fourcc('RG24'), 3],
  [fourcc('BG24'), 3],
  [fourcc('RG16'), 2],
  [fourcc('XR15'), 2],
]);

/** Bytes per pixel of a packed RGB format, `undefined` for one this card path does not take (YUV, unknown). */
export function bytesPerPixel(format: number): number | undefined {
  return BYTES_PER_PIXEL.get(opaque(format));
}

/** A 64-bit modifier as layouts have it, in two halves. */
export function halves(modifier: bigint): { modifierHigh: number; modifierLow: number } {
  return { modifierHigh: Number(modifier >> 32n), modifierLow: Number(modifier & 0xffffffffn) };
}

/** DRM_FORMAT_MOD_INVALID: the layout is the exporting driver's secret. */
export function isImplicit({ modifierHigh, modifierLow }: BufferLayout): boolean {
  return modifierHigh === 0x00ffffff && modifierLow === 0xffffffff;
}

const BYTE_CHANNELS = new Set(['XR24', 'XB24', 'RX24', 'BX24'].map(fourcc));

/** Whether a pixel is four bytes, one for each channel. */
export function hasByteChannels(format: number): boolean {
  return BYTE_CHANNELS.has(opaque(format));
}
