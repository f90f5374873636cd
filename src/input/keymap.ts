import { isNativeError, KEYMAP_WORDS, native } from '../native';
import { KEY_LEFTSHIFT, KEY_RIGHTALT, type Stroke } from './stroke';

/** Why a text cannot be typed, in words for the user. */
export class KeymapError extends Error {}

/** The layout of a keyboard nobody has said anything about. */
export const defaultLayout = 'us';

/** Where letters, digits and signs are on a PC's keyboard, so that every guest has them there. */
const typed = (code: number): boolean => (code >= 2 && code <= 57) || [86, 89, 124].includes(code);
const KEY_ENTER = 28;
const KEY_TAB = 15;

/** X keysyms of dead keys, and the combining character that each stands for. */
const deadKeys = new Map(
  Object.entries({
    '\u0300': 0xfe50, // dead_grave
    '\u0301': 0xfe51, // dead_acute
    '\u0302': 0xfe52, // dead_circumflex
    '\u0303': 0xfe53, // dead_tilde
    '\u0304': 0xfe54, // dead_macron
    '\u0306': 0xfe55, // dead_breve
    '\u0307': 0xfe56, // dead_abovedot
    '\u0308': 0xfe57, // dead_diaeresis
    '\u030a': 0xfe58, // dead_abovering
    '\u030b': 0xfe59, // dead_doubleacute
    '\u030c': 0xfe5a, // dead_caron
    '\u0327': 0xfe5b, // dead_cedilla
    '\u0328': 0xfe5c, // dead_ogonek
  }),
);

/** What a dead key and a space make, where that is the same everywhere. */
const spaced = new Map(
  Object.entries({ '`': '\u0300', "'": '\u0301', '^': '\u0302', '~': '\u0303', '"': '\u0308' }),
);

/** Which strokes make a character on one keyboard layout. */
export class Keymap {
  readonly #characters = new Map<string, Stroke>();
  /** By keysym. */
  readonly #dead = new Map<number, Stroke>();

  /** `words`: as {@link Native.readKeymap} gives them. */
  constructor(
    readonly layout: string,
    words: Uint32Array,
  ) {
    // Fewer modifiers come first, and stay.
    for (let at = 0; at < words.length; at += KEYMAP_WORDS) {
      const [code = 0, held = 0, symbol = 0, character = 0] = words.subarray(at, at + KEYMAP_WORDS);
      if (!typed(code)) continue;
      const modifiers = [KEY_LEFTSHIFT, KEY_RIGHTALT].filter((_, bit) => (held & (1 << bit)) !== 0);
      const stroke = { code, modifiers };
      if (!this.#dead.has(symbol)) this.#dead.set(symbol, stroke);
      if (character < 0x20 || character > 0x10ffff || character === 0x7f) continue;
      const text = String.fromCodePoint(character);
      if (!this.#characters.has(text)) this.#characters.set(text, stroke);
    }
    this.#characters.set('\n', { code: KEY_ENTER, modifiers: [] });
    this.#characters.set('\t', { code: KEY_TAB, modifiers: [] });
  }

  /** The strokes of a text, line ends as Enter. Throws {@link KeymapError} naming the first character without any. */
  strokes(text: string): Stroke[] {
    const strokes: Stroke[] = [];
    const characters = Array.from(text.normalize('NFC').replace(/\r\n?/g, '\n'));
    for (const [index, character] of characters.entries()) {
      const found = this.#strokesOf(character);
      if (!found) throw new KeymapError(this.#without(character, characters.slice(0, index)));
      strokes.push(...found);
    }
    return strokes;
  }

  #strokesOf(character: string): Stroke[] | undefined {
    const direct = this.#characters.get(character);
    const [base, mark = '', more] = Array.from(character.normalize('NFD'));
    const [accent, letter] = spaced.has(character) ? [spaced.get(character)!, ' '] : [mark, base ?? ''];
    const symbol = deadKeys.get(accent);
    const first = symbol === undefined ? undefined : this.#dead.get(symbol);
    const second = this.#characters.get(letter);
    const composed = first && second && more === undefined ? [first, second] : undefined;
    if (!direct) return composed;
    // What a layout has with AltGr is not the same on every system; its plain dead keys are.
    const plain = direct.modifiers.includes(KEY_RIGHTALT) && first && !first.modifiers.includes(KEY_RIGHTALT);
    return plain ? composed : [direct];
  }

  #without(character: string, before: readonly string[]): string {
    const line = before.filter((earlier) => earlier === '\n').length + 1;
    const column = before.length - before.lastIndexOf('\n');
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    const what = /\p{C}|\p{Z}/u.test(character) ? `U+${code}` : `"${character}" (U+${code})`;
    return `no key of layout ${this.layout} makes ${what}, character ${before.length + 1} (line ${line}, column ${column}); nothing was typed`;
  }
}

/** Reads a layout as XKB names it: `de`, or with a variant `de(nodeadkeys)`. Rejects with {@link KeymapError}. */
export async function readKeymap(
  layout: string,
  read: (layout: string, variant: string) => Promise<Uint32Array> = (name, variant) =>
    native.readKeymap(name, variant),
): Promise<Keymap> {
  const match = /^([a-z_]{2,32})(?:\(([A-Za-z0-9_-]{1,64})\))?$/.exec(layout);
  const example = 'write one of XKB’s, such as us, de, fr, or with a variant de(nodeadkeys)';
  if (!match) throw new KeymapError(`"${layout}" is no keyboard layout; ${example}`);
  let words: Uint32Array;
  try {
    words = await read(match[1]!, match[2] ?? '');
  } catch (error) {
    if (!isNativeError(error, 'ENOENT')) throw error;
    throw new KeymapError('no keyboard layouts are installed here: install the package xkb-data', {
      cause: error,
    });
  }
  if (words.length === 0) throw new KeymapError(`there is no keyboard layout "${layout}"; ${example}`);
  return new Keymap(layout, words);
}
