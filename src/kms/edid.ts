/** Who a monitor says it is. Nothing of it can be trusted, let alone relied on to be unique. */
export interface EdidIdentity {
  /** Three letters, as assigned by the PNP registry: `DEL`. */
  readonly manufacturer: string;
  readonly product: number;
  /** 0 when the monitor has none, or only in its serial text. */
  readonly serial: number;
  /** Product name and serial number as text, where the EDID has them. */
  readonly name?: string;
  readonly serialText?: string;
  /** Size of the picture; 0 when unknown (projectors). */
  readonly mmWidth: number;
  readonly mmHeight: number;
  /** Week of manufacture; absent when unknown or when `year` is the model's. */
  readonly week?: number;
  readonly year: number;
  /** Whether the base block adds up; many a working monitor's does not. */
  readonly checksumValid: boolean;
}

/** What a monitor says it can be driven with (its "display range limits"). */
export interface RangeLimits {
  /** Hz */
  readonly minVertical: number;
  readonly maxVertical: number;
  /** kHz */
  readonly minHorizontal: number;
  readonly maxHorizontal: number;
  /** kHz; Infinity where it does not say. */
  readonly maxClock: number;
  /** Whether it takes CVT's reduced blanking; undefined where it does not say. */
  readonly reducedBlanking?: boolean;
}

const blockSize = 128;
const descriptorOffsets = [54, 72, 90, 108];
const serialTag = 0xff;
const nameTag = 0xfc;
const rangeTag = 0xfd;

/** Reads the identity from a monitor's EDID; undefined if the bytes are no EDID. Reads the base block alone. */
export function parseEdid(bytes: Uint8Array): EdidIdentity | undefined {
  if (!isEdid(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, blockSize);
  const name = text(bytes, nameTag);
  const serialText = text(bytes, serialTag);
  const week = view.getUint8(16);
  return {
    manufacturer: letters(view.getUint16(8)),
    product: view.getUint16(10, true),
    serial: view.getUint32(12, true),
    ...(name !== undefined && { name }),
    ...(serialText !== undefined && { serialText }),
    ...size(view),
    ...(week >= 1 && week <= 54 && { week }),
    year: 1990 + view.getUint8(17),
    checksumValid: bytes.subarray(0, blockSize).reduce((sum, byte) => sum + byte, 0) % 256 === 0,
  };
}

/** Reads the range limits from an EDID; undefined where it has none that make sense. */
export function parseRangeLimits(bytes: Uint8Array): RangeLimits | undefined {
  const at = isEdid(bytes) ? descriptor(bytes, rangeTag) : undefined;
  if (at === undefined) return undefined;
  const byte = (index: number): number => bytes[at + index]!;
  // EDID 1.4: rates beyond 255 say so in the flags, the maximum's bit before the minimum's.
  const rates = (index: number, flags: number): [number, number] => [
    byte(index) + ((flags & 3) === 3 ? 255 : 0),
    byte(index + 1) + ((flags & 2) !== 0 ? 255 : 0),
  ];
  const [minVertical, maxVertical] = rates(5, byte(4));
  const [minHorizontal, maxHorizontal] = rates(7, byte(4) >> 2);
  if (minVertical === 0 || minVertical > maxVertical || minHorizontal === 0 || minHorizontal > maxHorizontal)
    return undefined;
  const CVT = 4;
  const cvt = byte(10) === CVT;
  return {
    minVertical,
    maxVertical,
    minHorizontal,
    maxHorizontal,
    maxClock: byte(9) === 0 ? Infinity : byte(9) * 10_000 - (cvt ? (byte(12) >> 2) * 250 : 0),
    ...(cvt && { reducedBlanking: (byte(15) & 0x10) !== 0 }),
  };
}

function isEdid(bytes: Uint8Array): boolean {
  const header = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
  return bytes.length >= blockSize && header.every((byte, i) => bytes[i] === byte);
}

/** Where the first descriptor with this tag is. */
function descriptor(bytes: Uint8Array, tag: number): number | undefined {
  return descriptorOffsets.find(
    (at) => bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === tag,
  );
}

/** Five bits a letter, A is 1. Others than A-Z occur in EDIDs made at home. */
function letters(id: number): string {
  return [10, 5, 0]
    .map((shift) => (id >> shift) & 0x1f)
    .map((letter) => (letter >= 1 && letter <= 26 ? String.fromCharCode(64 + letter) : '?'))
    .join('');
}

/** The text of the first descriptor with this tag: printable ASCII up to the line feed. */
function text(bytes: Uint8Array, tag: number): string | undefined {
  const offset = descriptor(bytes, tag);
  if (offset === undefined) return undefined;
  const field = bytes.subarray(offset + 5, offset + 18);
  const end = field.indexOf(0x0a);
  const printable = [...(end < 0 ? field : field.subarray(0, end))].filter(
    (byte) => byte >= 0x20 && byte <= 0x7e,
  );
  return String.fromCharCode(...printable).trim() || undefined;
}

/** The preferred timing gives millimetres, the basic parameters centimetres (or an aspect ratio: no size). */
function size(view: DataView): { mmWidth: number; mmHeight: number } {
  const isTiming = view.getUint16(54, true) !== 0;
  const high = view.getUint8(68);
  const fine = {
    mmWidth: view.getUint8(66) | ((high & 0xf0) << 4),
    mmHeight: view.getUint8(67) | ((high & 0x0f) << 8),
  };
  const coarse = { mmWidth: view.getUint8(21) * 10, mmHeight: view.getUint8(22) * 10 };
  if (coarse.mmWidth === 0 || coarse.mmHeight === 0) return { mmWidth: 0, mmHeight: 0 };
  // Some put the aspect ratio or another unit where the millimetres go: believe what agrees with the centimetres.
  const agrees =
    Math.abs(fine.mmWidth - coarse.mmWidth) < 20 && Math.abs(fine.mmHeight - coarse.mmHeight) < 20;
  return isTiming && agrees ? fine : coarse;
}
