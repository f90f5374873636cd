import { AR24, fourcc, fourccName, XR24 } from '../../src/fourcc';
import { bytesPerPixel, opaque } from '../../src/kms/formats';

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
