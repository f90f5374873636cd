import { fourcc } from '../../src/fourcc';
import { INVALID_MODIFIER, PlaneFormats } from '../../src/kms/in-formats';
import { Random } from './support/random';

const XR24 = fourcc('XR24');
const TILED = 0x0100_0000_0000_0002n;

/** `struct drm_format_modifier_blob`, from what the kernel's documentation says of it. */
function blob(
  formats: readonly number[],
  modifiers: readonly { mask: bigint; offset: number; modifier: bigint }[],
  header: Partial<Record<'version' | 'formats' | 'formatsAt' | 'modifiers' | 'modifiersAt', number>> = {},
): Uint8Array {
  const modifiersAt = 24 + Math.ceil(formats.length / 2) * 8;
  const bytes = new Uint8Array(modifiersAt + modifiers.length * 24);
  const view = new DataView(bytes.buffer);
  const words = [header.version ?? 1, 0, header.formats ?? formats.length, header.formatsAt ?? 24];
  words.push(header.modifiers ?? modifiers.length, header.modifiersAt ?? modifiersAt);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  formats.forEach((format, index) => {
    view.setUint32(24 + index * 4, format, true);
  });
  modifiers.forEach(({ mask, offset, modifier }, index) => {
    view.setBigUint64(modifiersAt + index * 24, mask, true);
    view.setUint32(modifiersAt + index * 24 + 8, offset, true);
    view.setBigUint64(modifiersAt + index * 24 + 16, modifier, true);
  });
  return bytes;
}

test('a plane takes the modifiers of the formats that are in their masks', () => {
  const list = PlaneFormats.parse(
    blob(
      [XR24, fourcc('RG16')],
      [
        { mask: 0b11n, offset: 0, modifier: 0n },
        { mask: 0b01n, offset: 0, modifier: TILED },
      ],
    ),
  )!;
  expect(list.has(XR24, 0n)).toBe(true);
  expect(list.has(XR24, TILED)).toBe(true);
  expect(list.has(fourcc('RG16'), 0n)).toBe(true);
  expect(list.has(fourcc('RG16'), TILED)).toBe(false);
  expect(list.has(fourcc('NV12'), 0n)).toBe(false);
  // A buffer that does not say goes by its format.
  expect(list.has(fourcc('RG16'), INVALID_MODIFIER)).toBe(true);
});

test('masks are windows of 64 formats', () => {
  const formats = Array.from({ length: 100 }, (_, index) => index + 1);
  const list = PlaneFormats.parse(blob(formats, [{ mask: 1n << 35n, offset: 64, modifier: 0n }]))!;
  expect(formats.filter((format) => list.has(format, 0n))).toEqual([100]);
});

test('without a list: linear', () => {
  const list = PlaneFormats.linear([XR24]);
  expect([list.has(XR24, 0n), list.has(XR24, TILED), list.has(fourcc('XB24'), 0n)]).toEqual([
    true,
    false,
    false,
  ]);
});

test.each([
  ['nothing', new Uint8Array()],
  ['less than a header', blob([XR24], []).subarray(0, 23)],
  ['another version', blob([XR24], [], { version: 2 })],
  ['formats beyond the end', blob([XR24], [], { formats: 1000 })],
  ['formats in the header', blob([XR24], [], { formatsAt: 4 })],
  ['formats far away', blob([XR24], [], { formatsAt: 0xffff_fff0 })],
  ['modifiers beyond the end', blob([XR24], [], { modifiers: 1 })],
  ['more modifiers than can be', blob([XR24], [], { modifiers: 0xffff_ffff })],
  ['modifiers far away', blob([XR24], [{ mask: 1n, offset: 0, modifier: 0n }], { modifiersAt: 0x7fff_ffff })],
])('%s is no list', (_, bytes) => {
  expect(PlaneFormats.parse(bytes)).toBeUndefined();
});

test('an offset beyond the formats means none of them', () => {
  const list = PlaneFormats.parse(
    blob([XR24], [{ mask: ~0n & 0xffff_ffff_ffff_ffffn, offset: 0xffff_ffff, modifier: 0n }]),
  )!;
  expect(list.has(XR24, 0n)).toBe(false);
});

test('cut anywhere and with any bytes it is a list or none, never an error', () => {
  const random = new Random(7);
  const whole = blob(
    [XR24, 2, 3],
    [
      { mask: 7n, offset: 0, modifier: 0n },
      { mask: 1n, offset: 0, modifier: TILED },
    ],
  );
  for (let length = 0; length <= whole.length; length++) PlaneFormats.parse(whole.subarray(0, length));
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(whole);
    for (let change = 0; change < 4; change++) bytes[random.below(bytes.length)] = random.below(256);
    expect(() => PlaneFormats.parse(bytes)).not.toThrow();
  }
});
