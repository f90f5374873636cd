import type { BufferLayout } from '../../src/buffers';
import { fourcc } from '../../src/fourcc';
import { excess, misfit, planeEnd } from '../../src/kms/plane-bounds';

const X_TILED = { modifierHigh: 0x01000000, modifierLow: 1 };
const IMPLICIT = { modifierHigh: 0x00ffffff, modifierLow: 0xffffffff };

/** Planes as [offset, pitch, inode]. */
function layout(
  code: string,
  [width, height]: readonly [number, number],
  planes: readonly (readonly [number, number, number?])[],
  modifier = { modifierHigh: 0, modifierLow: 0 },
): BufferLayout {
  return {
    ...{ width, height, format: fourcc(code), ...modifier, bottomUp: false },
    planes: planes.map(([offset, pitch, inode = 1]) => ({ fd: 3, device: 1, inode, offset, pitch })),
  };
}

describe('a layout', () => {
  test.each<[string, readonly [number, number], readonly (readonly [number, number, number?])[]]>([
    ['NV12', [8, 4], [[0, 8], [32, 8]]],
    ['NV12', [7, 5], [[0, 7], [35, 8]]],
    ['NV12', [1, 1], [[0, 1], [1, 2]]],
    ['NV12', [8, 4], [[0, 8], [0, 8, 2]]],
    ['NV12', [8, 4], [[16, 8], [0, 8]]],
    ['NV24', [8, 4], [[0, 8], [32, 16]]],
    ['P010', [8, 4], [[0, 16], [64, 16]]],
    ['XR24', [8, 4], [[0, 32]]],
  ])('of %s, %j, %j is as it should be', (code, size, planes) => {
    expect(misfit(layout(code, size, planes))).toBeUndefined();
    expect(misfit(layout(code, size, planes, IMPLICIT))).toBeUndefined();
  }); // prettier-ignore

  test.each<[string, string, readonly [number, number], readonly (readonly [number, number, number?])[], string]>([
    ['no planes', 'NV12', [8, 4], [], 'pixel format NV12 is not supported'],
    ['an unknown format', 'YV12', [8, 4], [[0, 8]], 'pixel format YV12 is not supported'],
    ['a plane missing', 'NV12', [8, 4], [[0, 8]], 'a NV12 buffer has 2 planes, this one came with 1'],
    ['a plane too many', 'NV12', [8, 4], [[0, 8], [32, 8], [64, 8]], 'a NV12 buffer has 2 planes, this one came with 3'],
    ['two planes of RGB', 'XR24', [8, 4], [[0, 32], [128, 32]], 'a XR24 buffer has 1 plane, this one came with 2'],
    ['short rows of lightness', 'NV12', [8, 4], [[0, 7], [32, 8]], 'stride 7 is too short for 8 pixels of 1 bytes'],
    ['short rows of words', 'P010', [8, 4], [[0, 15], [64, 16]], 'stride 15 is too short for 8 pixels of 2 bytes'],
    ['short rows of colours', 'NV12', [8, 4], [[0, 8], [32, 7]], 'plane 1: stride 7 is too short for 4 samples of 2 bytes'],
    ['an odd width and no colours for its last pixel', 'NV12', [9, 4], [[0, 9], [36, 9]], 'plane 1: stride 9 is too short for 5 samples of 2 bytes'],
    ['colours of every pixel in half of the room', 'NV24', [8, 4], [[0, 8], [32, 8]], 'plane 1: stride 8 is too short for 8 samples of 2 bytes'],
    ['a stride of nothing', 'NV12', [8, 4], [[0, 8], [32, 0]], 'plane 1: stride 0 is too short for 4 samples of 2 bytes'],
    ['colours in the last row', 'NV12', [8, 4], [[0, 8], [31, 8]], 'its planes overlap'],
    ['both planes at one place', 'NV12', [8, 4], [[0, 8], [0, 8]], 'its planes overlap'],
    ['lightness in the colours', 'NV12', [8, 4], [[15, 8], [0, 8]], 'its planes overlap'],
  ])('with %s is wrong', (_, code, size, planes, words) => {
    expect(misfit(layout(code, size, planes))).toBe(words);
  }); // prettier-ignore

  test('that is tiled may have planes of which its format says nothing, and knows itself whether they overlap', () => {
    expect(misfit(layout('XR24', [8, 4], [[0, 32], [0, 8]], X_TILED))).toBeUndefined(); // prettier-ignore
    expect(misfit(layout('NV12', [8, 4], [[0, 8]], X_TILED))).toMatch(/has 2 planes/);
  });
});

describe('what lies beyond the memory', () => {
  // 4 rows of 8, then 2 rows of 8.
  const nv12 = layout('NV12', [8, 4], [[0, 8], [32, 8]]); // prettier-ignore

  test('is found for each plane by its own size', () => {
    const sizes = (first: number, second: number) => excess(nv12, (plane) => [first, second][plane]!);
    expect(sizes(48, 48)).toBeUndefined();
    expect(sizes(31, 48)).toBe('8x4 with stride 8 needs 32 bytes, the buffer has 31');
    expect(sizes(48, 47)).toBe('plane 1: 8x4 with stride 8 needs 48 bytes, the buffer has 47');
    expect([planeEnd(nv12, 0), planeEnd(nv12, 1)]).toEqual([32, 48]);
  });

  test('is not looked for where the kernel says no size', () => {
    expect(excess(nv12, () => 0)).toBeUndefined();
  });

  test.each([
    ['an odd height has colours for its last row', [8, 5], [[0, 8], [40, 8]], 64],
    ['an odd width has colours for its last pixel', [7, 4], [[0, 8], [32, 8]], 48],
    ['the last row need not be padded', [8, 4], [[0, 64], [256, 64]], 256 + 64 + 8],
  ] as const)('%s', (_, size, planes, end) => {
    const given = layout('NV12', size, planes);
    expect(excess(given, () => end)).toBeUndefined();
    expect(excess(given, () => end - 1)).toMatch(/^plane 1: /);
  }); // prettier-ignore

  test('is found however large the numbers are', () => {
    const most = layout('P010', [16384, 16384], [[0xffffffff, 0xffffffff], [0, 0xffffffff, 2]]); // prettier-ignore
    expect(excess(most, () => 2 ** 40)).toBe(
      `16384x16384 with stride 4294967295 needs ${0xffffffff * 16384 + 32768} bytes, the buffer has ${2 ** 40}`,
    );
  });
});
