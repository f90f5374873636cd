/** A DRM fourcc code from its four characters: <drm/drm_fourcc.h>. */
export function fourcc(code: string): number {
  return (
    (code.charCodeAt(0) |
      (code.charCodeAt(1) << 8) |
      (code.charCodeAt(2) << 16) |
      (code.charCodeAt(3) << 24)) >>>
    0
  );
}

/** `XR24` for a fourcc; hex where it is not printable, since guests may send anything. */
export function fourccName(format: number): string {
  const bytes = [0, 8, 16, 24].map((shift) => (format >>> shift) & 0xff);
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? String.fromCharCode(...bytes)
    : `0x${format.toString(16).padStart(8, '0')}`;
}

export const XR24 = fourcc('XR24');
export const AR24 = fourcc('AR24');
