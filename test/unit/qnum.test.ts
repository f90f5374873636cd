import { qnum } from '../../src/guest/qemu/qnum';

const all = Array.from({ length: 0x300 }, (_, code) => code);

describe('QEMU key numbers', () => {
  test.each([
    ['Esc', 1, 0x01],
    ['A', 30, 0x1e],
    ['Enter', 28, 0x1c],
    ['LeftCtrl', 29, 0x1d],
    ['LeftShift', 42, 0x2a],
    ['LeftAlt', 56, 0x38],
    ['Space', 57, 0x39],
    ['F10', 68, 0x44],
    ['ScrollLock', 70, 0x46],
    ['Zenkaku', 85, 0x76],
    ['Less', 86, 0x56],
    ['F11', 87, 0x57],
    ['F12', 88, 0x58],
    ['Ro', 89, 0x73],
    ['KPEnter', 96, 0x9c],
    ['RightCtrl', 97, 0x9d],
    ['KPDivide', 98, 0xb5],
    ['PrintScreen', 99, 0x54],
    ['RightAlt', 100, 0xb8],
    ['Home', 102, 0xc7],
    ['Up', 103, 0xc8],
    ['PageUp', 104, 0xc9],
    ['Left', 105, 0xcb],
    ['Right', 106, 0xcd],
    ['End', 107, 0xcf],
    ['Down', 108, 0xd0],
    ['PageDown', 109, 0xd1],
    ['Insert', 110, 0xd2],
    ['Delete', 111, 0xd3],
    ['Mute', 113, 0xa0],
    ['Power', 116, 0xde],
    ['Pause', 119, 0xc6],
    ['Hangul', 122, 0xf2],
    ['Yen', 124, 0x7d],
    ['LeftSuper', 125, 0xdb],
    ['RightSuper', 126, 0xdc],
    ['Menu', 127, 0xdd],
    ['Sleep', 142, 0xdf],
    ['Www', 150, 0x82],
    ['F13', 183, 0x5d],
    ['F24', 194, 0x6f],
    ['Media', 226, 0xed],
  ])('%s', (_name, code, number) => {
    expect(qnum(code)).toBe(number);
  });

  test('no two keys have one number', () => {
    // Evdev's 84 is no key; its scancode is that of PrintScreen with Alt.
    const numbers = all.filter((code) => code !== 84).map(qnum);
    const known = numbers.filter((number) => number !== undefined);
    expect(new Set(known).size).toBe(known.length);
    expect(known.length).toBeGreaterThan(150);
    expect(known.every((number) => number >= 1 && number <= 0xff)).toBe(true);
  });

  test('1 to 88 are scancodes of their own, but for 85', () => {
    expect(all.slice(1, 89).filter((code) => qnum(code) !== code)).toEqual([85]);
  });

  test.each([0, 112, 170, 174, 175, 239, 240, 255, 272, 0x2ff, -1, 1.5, NaN])('%d is none', (code) => {
    expect(qnum(code)).toBeUndefined();
  });
});
