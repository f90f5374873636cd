import { nearest } from '../config/nearest';

/**
 * Modifier keys as bits: Ctrl, Alt, Shift and Super of the left hand in bits 0-3, of the right in bits 4-7.
 * In a trigger both bits of a family mean "either side".
 */
export const modifierBits: ReadonlyMap<number, number> = new Map([
  [29, 0x01], // KEY_LEFTCTRL
  [56, 0x02], // KEY_LEFTALT
  [42, 0x04], // KEY_LEFTSHIFT
  [125, 0x08], // KEY_LEFTMETA
  [97, 0x10], // KEY_RIGHTCTRL
  [100, 0x20], // KEY_RIGHTALT
  [54, 0x40], // KEY_RIGHTSHIFT
  [126, 0x80], // KEY_RIGHTMETA
]);

/** Modifier names in the order in which triggers are written, each with its bits. */
export const modifierNames: readonly (readonly [name: string, bits: number])[] = [
  ['Ctrl', 0x11],
  ['Alt', 0x22],
  ['Shift', 0x44],
  ['Super', 0x88],
  ['LeftCtrl', 0x01],
  ['RightCtrl', 0x10],
  ['LeftAlt', 0x02],
  ['RightAlt', 0x20],
  ['LeftShift', 0x04],
  ['RightShift', 0x40],
  ['LeftSuper', 0x08],
  ['RightSuper', 0x80],
];

/** Consecutive evdev codes from `first`, named in order. Names are positions on a US keyboard. */
const rows: readonly (readonly [first: number, names: string])[] = [
  [1, 'Esc 1 2 3 4 5 6 7 8 9 0 Minus Equal Backspace Tab Q W E R T Y U I O P LeftBracket RightBracket Enter'],
  [30, 'A S D F G H J K L Semicolon Apostrophe Grave'],
  [43, 'Backslash Z X C V B N M Comma Period Slash'],
  [55, 'KPMultiply'],
  [57, 'Space CapsLock F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'],
  [71, 'KP7 KP8 KP9 KPMinus KP4 KP5 KP6 KPPlus KP1 KP2 KP3 KP0 KPPeriod'],
  [86, 'Less F11 F12'],
  [96, 'KPEnter'],
  [98, 'KPDivide PrintScreen'],
  [102, 'Home Up PageUp Left Right End Down PageDown Insert Delete'],
  [117, 'KPEqual'],
  [119, 'Pause'],
  [127, 'Menu'],
  [183, 'F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24'],
];

/** Other usual spellings, lower case. */
const aliases = new Map(
  Object.entries({
    control: 'Ctrl',
    meta: 'Super',
    win: 'Super',
    windows: 'Super',
    leftmeta: 'LeftSuper',
    rightmeta: 'RightSuper',
    leftcontrol: 'LeftCtrl',
    rightcontrol: 'RightCtrl',
    altgr: 'RightAlt',
    escape: 'Esc',
    return: 'Enter',
    del: 'Delete',
    ins: 'Insert',
    pgup: 'PageUp',
    pgdn: 'PageDown',
    pgdown: 'PageDown',
    print: 'PrintScreen',
    sysrq: 'PrintScreen',
    break: 'Pause',
    scroll: 'ScrollLock',
    scrlk: 'ScrollLock',
    caps: 'CapsLock',
    dot: 'Period',
    compose: 'Menu',
  }),
);

/** What people type for keys that have a name here. */
const symbols = new Map(
  Object.entries({
    '-': 'Minus',
    '=': 'Equal',
    '[': 'LeftBracket',
    ']': 'RightBracket',
    ';': 'Semicolon',
    "'": 'Apostrophe',
    '`': 'Grave',
    '\\': 'Backslash',
    ',': 'Comma',
    '.': 'Period',
    '/': 'Slash',
    '<': 'Less',
  }),
);

const nameByCode = new Map<number, string>();
const codeByName = new Map<string, number>();
for (const [first, names] of rows)
  names.split(' ').forEach((name, i) => {
    nameByCode.set(first + i, name);
    codeByName.set(name.toLowerCase(), first + i);
  });
const bitsByName = new Map(modifierNames.map(([name, bits]) => [name.toLowerCase(), bits]));

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return (aliases.get(lower) ?? lower).toLowerCase();
}

/** The evdev code of a key that is no modifier, by the name a user writes. */
export function keyCode(name: string): number | undefined {
  return codeByName.get(canonical(name));
}

/** The name users write for an evdev code, or `Key<code>` where there is none. */
export function keyName(code: number): string {
  return nameByCode.get(code) ?? `Key${code}`;
}

/** The bits of a modifier by its name: `Ctrl` has both sides, `LeftCtrl` one. */
export function modifier(name: string): number | undefined {
  return bitsByName.get(canonical(name));
}

/** The key name a user may have meant. */
export function nearestKey(name: string): string | undefined {
  const known = [...nameByCode.values(), ...modifierNames.map(([modifierName]) => modifierName)];
  return symbols.get(name) ?? nearest(name, known);
}

/** What is said of a name that no key has. */
export function unknownKey(name: string): string {
  const near = nearestKey(name);
  return `unknown key "${name}"${near === undefined ? '' : `; did you mean ${near}?`}`;
}
