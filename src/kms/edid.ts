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

const blockSize = 128;
const descriptorOffsets = [54, 72, 90, 108];
const serialTag = 0xff;
const nameTag = 0xfc;

/** Reads the identity from a monitor's EDID; undefined if the bytes are no EDID. Reads the base block alone. */
export function parseEdid(bytes: Uint8Array): EdidIdentity | undefined {
  if (bytes.length < blockSize) return undefined;
  const header = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
  if (!header.every((byte, i) => bytes[i] === byte)) return undefined;

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

/** Five bits a letter, A is 1. Others than A-Z occur in EDIDs made at home. */
function letters(id: number): string {
  return [10, 5, 0]
    .map((shift) => (id >> shift) & 0x1f)
    .map((letter) => (letter >= 1 && letter <= 26 ? String.fromCharCode(64 + letter) : '?'))
    .join('');
}

/** The text of the first descriptor with this tag: printable ASCII up to the line feed. */
function text(bytes: Uint8Array, tag: number): string | undefined {
  const offset = descriptorOffsets.find(
    (at) => bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === tag,
  );
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
