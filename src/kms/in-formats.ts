/** DRM_FORMAT_MOD_INVALID: not said; drivers take it for what they make themselves. */
export const INVALID_MODIFIER = 0x00ff_ffff_ffff_ffffn;
const HEADER_BYTES = 24;
const MODIFIER_BYTES = 24;
/** Far more than any plane has; what is larger is no list. */
const MAX_ENTRIES = 4096;

/** Which buffers a plane takes: its modifiers, by pixel format. */
export class PlaneFormats {
  private constructor(private readonly modifiers: ReadonlyMap<number, ReadonlySet<bigint>>) {}

  /** Of a plane without IN_FORMATS: linear buffers of these formats, and those that do not say. */
  static linear(formats: readonly number[]): PlaneFormats {
    return new PlaneFormats(new Map(formats.map((format) => [format, new Set([0n, INVALID_MODIFIER])])));
  }

  /**
   * Of an IN_FORMATS blob, `struct drm_format_modifier_blob` of <drm/drm_mode.h>: formats, and for each modifier a mask
   * of 64 formats from an offset on. undefined: it is none.
   */
  static parse(blob: Uint8Array): PlaneFormats | undefined {
    if (blob.byteLength < HEADER_BYTES) return undefined;
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    const word = (at: number): number => view.getUint32(at, true);
    const [version, formatCount, formatsAt, modifierCount, modifiersAt] = [
      word(0),
      word(8),
      word(12),
      word(16),
      word(20),
    ];
    const fits = (at: number, count: number, bytes: number): boolean =>
      count <= MAX_ENTRIES && at >= HEADER_BYTES && at + count * bytes <= blob.byteLength;
    if (
      version !== 1 ||
      !fits(formatsAt, formatCount, 4) ||
      !fits(modifiersAt, modifierCount, MODIFIER_BYTES)
    )
      return undefined;
    const found = new Map<number, Set<bigint>>();
    for (let index = 0; index < formatCount; index++) found.set(word(formatsAt + index * 4), new Set());
    for (let index = 0; index < modifierCount; index++) {
      const at = modifiersAt + index * MODIFIER_BYTES;
      const mask = view.getBigUint64(at, true);
      const offset = word(at + 8);
      const modifier = view.getBigUint64(at + 16, true);
      for (let bit = 0; bit < 64 && offset + bit < formatCount; bit++) {
        if ((mask >> BigInt(bit)) & 1n) found.get(word(formatsAt + (offset + bit) * 4))?.add(modifier);
      }
    }
    return new PlaneFormats(found);
  }

  /** Whether a buffer of this kind is in the list; without a modifier, whether the format is. */
  has(format: number, modifier: bigint): boolean {
    const known = this.modifiers.get(format);
    return known !== undefined && (modifier === INVALID_MODIFIER || known.has(modifier));
  }

  get formats(): readonly number[] {
    return [...this.modifiers.keys()];
  }
}
