import type { Hotkey } from '../config/config';
import { modifiersMatch, parseTrigger, type Trigger } from './trigger';

/**
 * Ctrl+Alt+F1 to F12, before any hotkey of the config: the way out that works whatever guests and config do. The
 * kernel's own does not while a seat manager has the keyboard, or this process does.
 */
export const vtHotkeys: readonly Hotkey[] = Array.from({ length: 12 }, (_, index) => {
  const source = `Ctrl+Alt+F${index + 1}`;
  return { trigger: parseTrigger(source), action: { kind: 'vt', vt: index + 1 }, source };
});

/** The one of them that a trigger would press on its way; undefined: none. */
export function vtHotkeyIn({ steps }: Trigger): string | undefined {
  return vtHotkeys.find(({ trigger }) => {
    const chord = trigger.steps[0]!;
    return steps.some(
      ({ code, modifiers }) => code === chord.code && modifiersMatch(chord.modifiers, modifiers),
    );
  })?.source;
}
