import { keyCode, keyName, modifier, nearestKey } from '../../src/input/keys';
import { formatTrigger, parseTrigger, shadows, TriggerError } from '../../src/input/trigger';

describe('key names', () => {
  // Codes of <linux/input-event-codes.h>.
  test.each([
    ['Esc', 1],
    ['1', 2],
    ['0', 11],
    ['Minus', 12],
    ['Backspace', 14],
    ['Tab', 15],
    ['Q', 16],
    ['P', 25],
    ['RightBracket', 27],
    ['Enter', 28],
    ['A', 30],
    ['L', 38],
    ['Grave', 41],
    ['Backslash', 43],
    ['Z', 44],
    ['M', 50],
    ['Slash', 53],
    ['KPMultiply', 55],
    ['Space', 57],
    ['CapsLock', 58],
    ['F1', 59],
    ['F10', 68],
    ['NumLock', 69],
    ['ScrollLock', 70],
    ['KP7', 71],
    ['KP1', 79],
    ['KPPeriod', 83],
    ['Less', 86],
    ['F11', 87],
    ['F12', 88],
    ['KPEnter', 96],
    ['KPDivide', 98],
    ['PrintScreen', 99],
    ['Home', 102],
    ['Left', 105],
    ['Right', 106],
    ['Down', 108],
    ['Delete', 111],
    ['KPEqual', 117],
    ['Pause', 119],
    ['Menu', 127],
    ['F13', 183],
    ['F24', 194],
  ])('%s is %d', (name, code) => {
    expect(keyCode(name)).toBe(code);
    expect(keyCode(name.toUpperCase())).toBe(code);
    expect(keyName(code)).toBe(name);
  });

  test('other spellings, and none for what is no key', () => {
    expect(keyCode('escape')).toBe(1);
    expect(keyCode('Return')).toBe(28);
    expect(keyCode('PgDn')).toBe(109);
    expect(keyCode('Ctrl')).toBeUndefined();
    expect(keyCode('constructor')).toBeUndefined();
    expect(modifier('META')).toBe(modifier('Super'));
    expect(modifier('AltGr')).toBe(modifier('RightAlt'));
    expect(keyName(500)).toBe('Key500');
  });

  test('suggestions', () => {
    expect(nearestKey('ScrolLock')).toBe('ScrollLock');
    expect(nearestKey('Crtl')).toBe('Ctrl');
    expect(nearestKey('=')).toBe('Equal');
    expect(nearestKey('ö')).toBeUndefined();
  });
});

describe('triggers', () => {
  test.each([
    ['alt+CONTROL+2', 'Ctrl+Alt+2'],
    ['Shift + Super + F1', 'Shift+Super+F1'],
    ['rightalt+leftctrl+x', 'LeftCtrl+RightAlt+X'],
    ['  scrolllock   ScrollLock n ', 'ScrollLock ScrollLock N'],
    ['Ctrl+A Ctrl+B', 'Ctrl+A Ctrl+B'],
    ['Pause', 'Pause'],
  ])('%j is %s', (text, canonical) => {
    const trigger = parseTrigger(text);
    expect(formatTrigger(trigger)).toBe(canonical);
    expect(parseTrigger(canonical)).toEqual(trigger);
  });

  test.each(['', ' ', '+', 'Ctrl+', 'Ctrl', 'A+B', 'Ctrl+Ctrl+A', 'Foo', 'A Foo'])('%j is none', (text) => {
    expect(() => parseTrigger(text)).toThrow(TriggerError);
  });

  test.each([
    ['ScrollLock', 'ScrollLock ScrollLock N', true],
    ['ScrollLock ScrollLock', 'ScrollLock ScrollLock N', true],
    ['B', 'A B C', true],
    ['Ctrl+A', 'LeftCtrl+A 1', true],
    // The right one still gets through.
    ['LeftCtrl+A', 'Ctrl+A 1', false],
    // The longer of two that end together wins.
    ['N', 'ScrollLock ScrollLock N', false],
    ['ScrollLock ScrollLock N', 'ScrollLock ScrollLock N', false],
    ['ScrollLock ScrollLock N', 'ScrollLock', false],
    ['Ctrl+A', 'A 1', false],
  ])('%s before %s: %p', (earlier, later, never) => {
    expect(shadows(parseTrigger(earlier), parseTrigger(later))).toBe(never);
  });
});
