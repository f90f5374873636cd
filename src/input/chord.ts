import { keyCode, modifier, modifierBits, unknownKey } from './keys';
import type { Stroke } from './stroke';

/** Why a chord cannot be sent; the message says what to write instead. */
export class ChordError extends Error {}

/** More than anyone sends at once; a text is typed instead. */
const MOST_CHORDS = 32;

/**
 * Parses what is to be pressed in a guest: `Ctrl+Alt+Del`, several one after the other (`Ctrl+Alt+F2 Enter`), or a
 * modifier alone (`Super`). Of modifiers that have two sides it is the left one. Throws {@link ChordError}.
 */
export function parseChords(text: string): Stroke[] {
  const chords = text
    .trim()
    .replace(/\s*\+\s*/g, '+')
    .split(/\s+/);
  if (chords[0] === '') throw new ChordError('no keys; write e.g. Ctrl+Alt+Del');
  if (chords.length > MOST_CHORDS)
    throw new ChordError(`${chords.length} chords at once; send at most ${MOST_CHORDS}, or type a text`);
  return chords.map(parseChord);
}

function parseChord(chord: string): Stroke {
  const names = chord.split('+');
  if (names.includes(''))
    throw new ChordError(
      `"+" joins keys, it names none, in "${chord}"; write e.g. Ctrl+Alt+Del (the keys with a plus on them are Equal and KPPlus)`,
    );
  const codes = names.map(codeOf);
  const twice = names.find((_, index) => codes.indexOf(codes[index]!) !== index);
  if (twice !== undefined) throw new ChordError(`"${chord}" names ${twice} twice; once is enough`);
  const [code] = codes.splice(-1);
  const wrong = names.find((_, index) => index < codes.length && !modifierBits.has(codes[index]!));
  if (wrong !== undefined)
    throw new ChordError(
      `"${chord}" has ${wrong} before its last key, and it is no modifier; keys pressed one after the other are separated by spaces`,
    );
  return { code: code!, modifiers: codes };
}

function codeOf(name: string): number {
  const bits = modifier(name);
  const left = bits === undefined ? undefined : [...modifierBits].find(([, bit]) => (bits & bit) !== 0);
  const code = left?.[0] ?? keyCode(name);
  if (code !== undefined) return code;
  throw new ChordError(unknownKey(name));
}
