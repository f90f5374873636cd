import { keyCode, keyName, modifier, modifierNames, unknownKey } from './keys';

/** One key pressed with exactly these modifiers held (bits as in keys.ts; both sides of one: either). */
export interface Step {
  readonly modifiers: number;
  readonly code: number;
}

/** A chord (one step) or a sequence of taps (several). */
export interface Trigger {
  readonly steps: readonly Step[];
}

/** Why a trigger cannot be read; the message says what to write instead. */
export class TriggerError extends Error {}

/** Parses `Ctrl+Alt+2` or `ScrollLock ScrollLock 2`. Throws {@link TriggerError}. */
export function parseTrigger(text: string): Trigger {
  // "Ctrl + Alt + 2" is one chord.
  const chords = text
    .trim()
    .replace(/\s*\+\s*/g, '+')
    .split(/\s+/);
  if (chords[0] === '') throw new TriggerError('a hotkey without keys; write e.g. Ctrl+Alt+1');
  return { steps: chords.map(parseStep) };
}

/**
 * Parses a key or chord that is no hotkey's, `Ctrl+Alt+Delete`; modifiers alone, `LeftCtrl`, have code 0. Throws
 * {@link TriggerError}.
 */
export function parsePassthrough(text: string): Step {
  const name = text.trim();
  const modifiers = modifier(name);
  if (modifiers !== undefined) return { modifiers, code: 0 };
  const { steps } = parseTrigger(text);
  if (steps.length > 1)
    throw new TriggerError(
      `"${text}" is a sequence; name each key or chord by itself, as ${formatStep(steps[0]!)}`,
    );
  return steps[0]!;
}

function parseStep(chord: string): Step {
  const names = chord.split('+');
  if (names.includes('')) {
    throw new TriggerError(
      `"+" joins keys, it names none, in "${chord}"; write e.g. Ctrl+Alt+1 (the keys with a plus on them are Equal and KPPlus)`,
    );
  }
  let modifiers = 0;
  let code: number | undefined;
  for (const name of names) {
    const bits = modifier(name);
    if (bits === undefined) {
      if (code !== undefined)
        throw new TriggerError(
          `"${chord}" has two keys that are no modifiers, ${keyName(code)} and ${name}; keys pressed one after the other are separated by spaces`,
        );
      code = keyCode(name);
      if (code === undefined) throw new TriggerError(unknownKey(name));
    } else {
      if (fold(modifiers) & fold(bits))
        throw new TriggerError(`"${chord}" names ${family(bits)} twice; once is enough`);
      modifiers |= bits;
    }
  }
  if (code === undefined) {
    throw new TriggerError(
      `"${chord}" has modifiers only; add the key that is pressed with them, e.g. ${chord}+1`,
    );
  }
  return { modifiers, code };
}

function family(bits: number): string {
  return modifierNames.find(([, both]) => (both & bits) === bits)?.[0] ?? '';
}

/** Modifier families (Ctrl, Alt, Shift, Super), whichever the side. */
function fold(modifiers: number): number {
  return (modifiers | (modifiers >> 4)) & 0x0f;
}

/** Whether `held` are exactly the modifiers a step asks for. */
export function modifiersMatch(wanted: number, held: number): boolean {
  return (held & ~wanted) === 0 && fold(held) === fold(wanted);
}

/** The one spelling of a trigger; two triggers are the same if and only if these are. */
export function formatTrigger(trigger: Trigger): string {
  return trigger.steps.map(formatStep).join(' ');
}

/** For a step of modifiers alone these. */
function formatStep(step: Step): string {
  const names: string[] = [];
  let rest = step.modifiers;
  for (const [name, bits] of modifierNames) {
    if ((rest & bits) !== bits) continue;
    names.push(name);
    rest &= ~bits;
  }
  return [...names, ...(step.code === 0 ? [] : [keyName(step.code)])].join('+');
}

/**
 * Whether `later` can never fire because every way to press it has pressed the whole of `earlier`
 * before the end (a trigger that fires forgets the taps that led to it).
 */
export function shadows(earlier: Trigger, later: Trigger): boolean {
  const length = earlier.steps.length;
  for (let start = 0; start + length < later.steps.length; start++)
    if (earlier.steps.every((step, i) => covers(step, later.steps[start + i]!))) return true;
  return false;
}

/** Whether every way to press `narrow` is one to press `wide`. */
export function covers(wide: Step, narrow: Step): boolean {
  return wide.code === narrow.code && modifiersMatch(wide.modifiers, narrow.modifiers);
}
