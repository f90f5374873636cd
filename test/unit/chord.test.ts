import { ChordError, parseChords } from '../../src/input/chord';

test.each([
  ['Ctrl+Alt+Del', [[29, 56, 111]]],
  ['ctrl + alt + f2  Enter', [[29, 56, 60], [28]]],
  ['Super', [[125]]],
  ['RightAlt+RightShift+Q', [[100, 54, 16]]],
  ['AltGr+Q', [[100, 16]]],
  ['Ctrl+Shift', [[29, 42]]],
  ['A', [[30]]],
])('%s', (text, codes) => {
  expect(parseChords(text).map(({ code, modifiers }) => [...modifiers, code])).toEqual(codes);
});

test.each([
  ['', 'no keys; write e.g. Ctrl+Alt+Del'],
  ['Ctrl+Alt+Delet', 'unknown key "Delet"; did you mean Delete?'],
  ['Crtl+A', 'unknown key "Crtl"; did you mean Ctrl?'],
  ['☃', 'unknown key "☃"'],
  ['Ctrl++', '"+" joins keys, it names none, in "Ctrl++"'],
  ['A+B', '"A+B" has A before its last key, and it is no modifier'],
  ['Del+Ctrl', '"Del+Ctrl" has Del before its last key'],
  ['Ctrl+LeftCtrl+A', '"Ctrl+LeftCtrl+A" names LeftCtrl twice'],
  ['A '.repeat(33), '33 chords at once; send at most 32, or type a text'],
])('%j is refused', (text, message) => {
  expect(() => parseChords(text)).toThrow(ChordError);
  expect(() => parseChords(text)).toThrow(message);
});
