import { AR24, fourcc, fourccName, XR24 } from '../../src/fourcc';
import { bytesPerPixel, encodingOf, opaque, planeShapes, semiPlanar } from '../../src/kms/formats';

test('a fourcc is its characters, the first in the lowest byte', () => {
  expect(fourcc('XR24')).toBe(0x34325258);
  expect(XR24).toBe(0x34325258);
  expect(AR24).toBe(0x34325241);
  expect(fourcc('\xff\xff\xff\xff')).toBe(0xffffffff);
});

test('a fourcc is written as its characters, anything else in hex', () => {
  expect(fourccName(0x34325258)).toBe('XR24');
  expect(fourccName(fourcc('C8  '))).toBe('C8  ');
  expect(fourccName(0)).toBe('0x00000000');
  expect(fourccName(0x34325207)).toBe('0x34325207');
  expect(fourccName(0x7f325258)).toBe('0x7f325258');
  expect(fourccName(0xb4325258)).toBe('0xb4325258');
  expect(fourccName(0xffffffff)).toBe('0xffffffff');
});

test('a format with alpha is shown as its opaque twin', () => {
  const twins = ['AR24 XR24', 'AB24 XB24', 'RA24 RX24', 'BA24 BX24', 'AR30 XR30', 'AB30 XB30', 'AR15 XR15'];
  for (const [alpha, plain] of twins.map((pair) => pair.split(' '))) {
    expect(fourccName(opaque(fourcc(alpha!)))).toBe(plain);
    expect(bytesPerPixel(fourcc(alpha!))).toBe(bytesPerPixel(fourcc(plain!)));
  }
  expect(opaque(fourcc('NV12'))).toBe(fourcc('NV12'));
});

test('bytes per pixel of packed formats, none of others', () => {
  expect(bytesPerPixel(XR24)).toBe(4);
  expect(bytesPerPixel(AR24)).toBe(4);
  expect(bytesPerPixel(fourcc('RG24'))).toBe(3);
  expect(bytesPerPixel(fourcc('RG16'))).toBe(2);
  expect(bytesPerPixel(fourcc('NV12'))).toBeUndefined();
  expect(bytesPerPixel(0)).toBeUndefined();
  expect(bytesPerPixel(0xffffffff)).toBeUndefined();
});

test.each([
  ['NV12', 1, [2, 2], false],
  ['NV21', 1, [2, 2], true],
  ['NV16', 1, [2, 1], false],
  ['NV61', 1, [2, 1], true],
  ['NV24', 1, [1, 1], false],
  ['NV42', 1, [1, 1], true],
  ['P010', 2, [2, 2], false],
  ['P012', 2, [2, 2], false],
  ['P016', 2, [2, 2], false],
  ['P210', 2, [2, 1], false],
])(
  '%s has a plane of lightness and one of pairs of colour samples',
  (code, bytes, [across, down], redFirst) => {
    expect(semiPlanar(fourcc(code))).toEqual({ bytes, across, down, redFirst });
    expect(planeShapes(fourcc(code))).toEqual([
      { bytes, across: 1, down: 1 },
      { bytes: 2 * bytes, across, down },
    ]);
  },
);

test('packed formats have one plane, others are not ours', () => {
  expect(planeShapes(AR24)).toEqual([{ bytes: 4, across: 1, down: 1 }]);
  expect(planeShapes(fourcc('RG16'))).toEqual([{ bytes: 2, across: 1, down: 1 }]);
  expect(planeShapes(fourcc('YV12'))).toBeUndefined();
  expect(planeShapes(0xffffffff)).toBeUndefined();
  expect(semiPlanar(XR24)).toBeUndefined();
});

test('YUV of up to 576 lines is encoded by BT.601, larger pictures by BT.709, RGB by neither', () => {
  const NV12 = fourcc('NV12');
  expect([480, 576, 577, 1080].map((lines) => encodingOf(NV12, lines))).toEqual([601, 601, 709, 709]);
  expect([480, 1080].map((lines) => encodingOf(XR24, lines))).toEqual([0, 0]);
});
