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

/** Bytes per pixel of a packed RGB format, `undefined` for any other. */
export function bytesPerPixel(format: number): number | undefined {
  return BYTES_PER_PIXEL.get(opaque(format));
}

/** YUV in two planes: one of lightness, one of pairs of colour samples that neighbours share. */
export interface SemiPlanar {
  /** Of a sample; one of two is a little-endian word whose highest bits count. */
  readonly bytes: 1 | 2;
  /** How many pixels share a pair. */
  readonly across: 1 | 2;
  readonly down: 1 | 2;
  /** Red's difference is the first of a pair. */
  readonly redFirst: boolean;
}

const SEMI_PLANAR = new Map<number, SemiPlanar>(
  (
    [
      ['NV12', 1, 2, 2, false],
      ['NV21', 1, 2, 2, true],
      ['NV16', 1, 2, 1, false],
      ['NV61', 1, 2, 1, true],
      ['NV24', 1, 1, 1, false],
      ['NV42', 1, 1, 1, true],
      ['P010', 2, 2, 2, false],
      ['P012', 2, 2, 2, false],
      ['P016', 2, 2, 2, false],
      ['P210', 2, 2, 1, false],
    ] as const
  ).map(([code, bytes, across, down, redFirst]) => [fourcc(code), { bytes, across, down, redFirst }]),
);

export function semiPlanar(format: number): SemiPlanar | undefined {
  return SEMI_PLANAR.get(format);
}

/** What a plane consists of: elements of so many bytes, each of which so many pixels share. */
export interface PlaneShape {
  readonly bytes: number;
  readonly across: number;
  readonly down: number;
}

/** The planes of a format; undefined: it is not one of ours. */
export function planeShapes(format: number): readonly PlaneShape[] | undefined {
  const packed = bytesPerPixel(format);
  if (packed !== undefined) return [{ bytes: packed, across: 1, down: 1 }];
  const yuv = semiPlanar(format);
  if (!yuv) return undefined;
  const { bytes, across, down } = yuv;
  return [
    { bytes, across: 1, down: 1 },
    { bytes: bytes * 2, across, down },
  ];
}

/** The ITU-R recommendation by which YUV samples are made of colours, in limited range; 0: they are RGB. */
export type Encoding = 0 | 601 | 709;

/** Lines of a picture of standard definition, at most. */
const STANDARD_LINES = 576;

/** Nobody says how a guest's picture is encoded: as it is usual for video of so many lines. */
export function encodingOf(format: number, lines: number): Encoding {
  if (!semiPlanar(format)) return 0;
  return lines <= STANDARD_LINES ? 601 : 709;
}

/** A 64-bit modifier as layouts have it, in two halves. */
export function halves(modifier: bigint): { modifierHigh: number; modifierLow: number } {
  return { modifierHigh: Number(modifier >> 32n), modifierLow: Number(modifier & 0xffffffffn) };
}

/** DRM_FORMAT_MOD_INVALID: the layout is the exporting driver's secret. */
export function isImplicit({ modifierHigh, modifierLow }: BufferLayout): boolean {
  return modifierHigh === 0x00ffffff && modifierLow === 0xffffffff;
}

/** Whether a buffer is said to be plain rows. */
export function isLinear({ modifierHigh, modifierLow }: BufferLayout): boolean {
  return modifierHigh === 0 && modifierLow === 0;
}

const BYTE_CHANNELS = new Set(['XR24', 'XB24', 'RX24', 'BX24'].map(fourcc));

/** Whether a pixel is four bytes, one for each channel. */
export function hasByteChannels(format: number): boolean {
  return BYTE_CHANNELS.has(opaque(format));
}
