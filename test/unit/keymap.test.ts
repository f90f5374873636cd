import { KeymapError, readKeymap } from '../../src/input/keymap';
import type { Stroke } from '../../src/input/stroke';

const written = (strokes: readonly Stroke[]): string =>
  strokes
    .map(({ code, modifiers }) => [...modifiers.map((held) => ({ 42: 's', 100: 'g' })[held]), code].join('+'))
    .join(' ');

async function typed(layout: string, text: string): Promise<string> {
  return written((await readKeymap(layout)).strokes(text));
}

describe('the strokes of a text', () => {
  test.each([
    ['us', 'aZ1! ~\n\t"', '30 s+44 2 s+2 57 s+41 28 15 s+40'],
    ['us', 'a\r\nb\rc', '30 28 48 28 46'],
    ['de', 'zyß@€\\|{', '21 44 12 g+16 g+18 g+12 g+86 g+8'],
    ['fr', 'aqzw1&é@', '16 30 17 44 s+2 2 3 g+11'],
    ['us(dvorak)', 'aoeu,', '30 31 32 33 17'],
    ['de(nodeadkeys)', '^´`', '41 13 s+13'],
  ])('%s: %j', async (layout, text, strokes) => {
    expect(await typed(layout, text)).toBe(strokes);
  });

  test('with dead keys: the accent, then the letter, or a space for the accent alone', async () => {
    expect(await typed('de', '^ê`áÉ')).toBe('41 57 41 18 s+13 57 13 30 13 s+18');
    expect(await typed('fr', 'êïÂ')).toBe('26 18 s+26 23 26 s+16');
    expect(await typed('us(intl)', '\'"')).toBe('40 57 s+40 57');
  });

  test('is the same however its accents are encoded', async () => {
    expect(await typed('de', 'u\u0308')).toBe(await typed('de', 'ü'));
  });

  test('every character of ASCII, on layouts all over the world that have it', async () => {
    const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).join('');
    for (const layout of [
      'us',
      'gb',
      'de',
      'fr',
      'es',
      'it',
      'pt',
      'br',
      'se',
      'no',
      'dk',
      'fi',
      'pl',
      'cz',
      'ch',
      'be',
      'tr',
      'jp',
    ]) {
      const keymap = await readKeymap(layout);
      for (const character of ascii) {
        try {
          keymap.strokes(character);
        } catch (error) {
          // What the layout itself lacks; letters and digits are nowhere among them.
          expect([layout, character, /[a-zA-Z0-9 .,]/.test(character)]).toEqual([layout, character, false]);
          expect(error).toBeInstanceOf(KeymapError);
        }
      }
    }
    expect((await readKeymap('us')).strokes(ascii)).toHaveLength(95);
  });

  test('only keys that every keyboard has', async () => {
    const keymap = await readKeymap('us');
    expect(() => keymap.strokes('€')).toThrow('no key of layout us makes "€" (U+20AC)');
  });

  test.each([
    [
      'us',
      'naïve',
      'no key of layout us makes "ï" (U+00EF), character 3 (line 1, column 3); nothing was typed',
    ],
    [
      'de',
      'a\nb字',
      'no key of layout de makes "字" (U+5B57), character 4 (line 2, column 2); nothing was typed',
    ],
    [
      'us',
      '😀',
      'no key of layout us makes "😀" (U+1F600), character 1 (line 1, column 1); nothing was typed',
    ],
    ['us', 'a\u001b', 'no key of layout us makes U+001B, character 2 (line 1, column 2); nothing was typed'],
    ['us', 'a\u00a0b', 'no key of layout us makes U+00A0, character 2 (line 1, column 2); nothing was typed'],
    ['ru', 'a', 'no key of layout ru makes "a" (U+0061), character 1 (line 1, column 1); nothing was typed'],
  ])('%s cannot %j', async (layout, text, message) => {
    await expect(typed(layout, text)).rejects.toThrow(new KeymapError(message));
  });
});

describe('a layout', () => {
  test.each([
    ['xx', 'there is no keyboard layout "xx"; write one of XKB’s, such as us, de, fr'],
    ['us(nope)', 'there is no keyboard layout "us(nope)"'],
    ['', '"" is no keyboard layout'],
    ['../de', '"../de" is no keyboard layout'],
    ['de,us', '"de,us" is no keyboard layout'],
  ])('%j is none', async (layout, message) => {
    await expect(readKeymap(layout)).rejects.toThrow(message);
  });

  test('where none are installed', async () => {
    const missing = Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'xkb_context_new' });
    await expect(readKeymap('us', () => Promise.reject(missing))).rejects.toThrow(
      'no keyboard layouts are installed here: install the package xkb-data',
    );
    const other = new Error('out of memory');
    await expect(readKeymap('us', () => Promise.reject(other))).rejects.toBe(other);
  });
});
