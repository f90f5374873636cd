import {
  covers,
  formatTrigger,
  parsePassthrough,
  parseTrigger,
  shadows,
  TriggerError,
} from '../input/trigger';
import type { Step, Trigger } from '../input/trigger';
import { vtHotkeyIn } from '../input/vt-hotkeys';
import { readAction, type Known } from './actions';
import { entries, isMapping, kindOf } from './checker';
import type { Checker } from './checker';
import { defaultEscape } from './config';
import type { Hotkey } from './config';
import type { Path } from './document';

/** A trigger of the file, and where it is. */
interface Bound {
  readonly source: string;
  readonly trigger: Trigger;
  readonly line: number;
  readonly hold: boolean;
}

/** The keys that a config gives a meaning. */
export interface Keys {
  readonly escape: Hotkey;
  readonly passthrough: readonly Step[];
}

/** Checks `escape:` and `passthrough:`: keys that can be pressed, and a way out that always works. */
export function checkKeys(escape: unknown, passthrough: unknown, checker: Checker): Keys {
  const path = ['escape'];
  let source = defaultEscape;
  let trigger = parseTrigger(source);
  if (typeof escape === 'string') {
    const read = readKeys(() => parseTrigger(escape), path, 'value', checker);
    if (read?.steps.length === 1 && read.steps[0]!.modifiers === 0)
      checker.report(
        path,
        `${escape} alone would be missed by every guest; write a chord, e.g. ${defaultEscape}`,
      );
    const terminal = read && vtHotkeyIn(read);
    if (terminal !== undefined)
      checker.report(path, `${terminal} always switches virtual terminals; choose another`);
    if (read) [source, trigger] = [escape, read];
  }
  const steps = (Array.isArray(passthrough) ? passthrough : []).flatMap((text: unknown, index): Step[] => {
    const at = ['passthrough', `${index}`];
    if (typeof text !== 'string') {
      checker.report(
        at,
        `this must be a key or a chord, not ${kindOf(text)}; write e.g. F12 or Ctrl+Alt+Delete`,
      );
      return [];
    }
    const step = readKeys(() => parsePassthrough(text), at, 'value', checker);
    if (step && trigger.steps.some((own) => covers(step, own)))
      checker.report(
        at,
        `"${source}" takes the keyboard back from the guests: it cannot go to them; set escape: to another`,
      );
    const terminal = step && vtHotkeyIn({ steps: [step] });
    if (terminal !== undefined)
      checker.report(at, `${terminal} always switches virtual terminals: it cannot go to guests; remove it`);
    return step ? [step] : [];
  });
  return { escape: { trigger, action: { kind: 'escape' }, source }, passthrough: steps };
}

/**
 * Checks `hotkeys:`, at `place` in the file: triggers that can be pressed, are bound once and do not hide each other,
 * and their actions.
 */
export function checkHotkeys(
  data: unknown,
  keys: Keys,
  known: Known,
  checker: Checker,
  place: Path = ['hotkeys'],
): Hotkey[] {
  const hotkeys: Hotkey[] = [];
  const bound = new Map<string, Bound>();
  const { escape, passthrough } = keys;
  for (const [source, value] of entries(data)) {
    const path = [...place, source];
    const { action, hold } = readBinding(value, path, known, checker);
    const trigger = readKeys(() => parseTrigger(source), path, 'key', checker);
    if (trigger === undefined) continue;
    const canonical = formatTrigger(trigger);
    const line = checker.line(path);
    const other = bound.get(canonical);
    if (other !== undefined) {
      checker.report(
        path,
        `this is the same hotkey as "${other.source}" (line ${other.line}); remove one of them`,
        'key',
      );
      continue;
    }
    const terminal = vtHotkeyIn(trigger);
    if (terminal !== undefined) {
      checker.report(path, `${terminal} always switches virtual terminals; choose another`, 'key');
      continue;
    }
    if (
      action?.kind !== 'escape' &&
      (canonical === formatTrigger(escape.trigger) || shadows(escape.trigger, trigger))
    )
      checker.report(
        path,
        `"${escape.source}" takes the keyboard back from the guests; use another, or set escape: to another`,
        'key',
      );
    const passed = passthrough.find((step) => trigger.steps.some((own) => covers(step, own)));
    if (passed)
      checker.report(
        path,
        `this can never fire, passthrough gives ${formatTrigger({ steps: [passed] })} to the guest; remove one of them`,
        'key',
      );
    bound.set(canonical, { source, trigger, line, hold });
    if (trigger.steps.length === 1 && trigger.steps[0]!.modifiers === 0 && !hold)
      checker.note(`line ${line}: ${canonical} alone is a hotkey; guests are not meant to use that key`);
    if (action !== undefined) hotkeys.push({ trigger, action, source, ...(hold && { hold }) });
  }
  for (const later of bound.values()) {
    const earlier = [...bound.values()].find(({ trigger, hold }) => !hold && shadows(trigger, later.trigger));
    if (earlier !== undefined)
      checker.report(
        [...place, later.source],
        `this can never fire, "${earlier.source}" (line ${earlier.line}) fires before it is complete; change one of them`,
        'key',
      );
  }
  return hotkeys;
}

/** An action, or `{ hold: <action> }`. */
function readBinding(
  value: unknown,
  path: Path,
  known: Known,
  checker: Checker,
): { action: Hotkey['action'] | undefined; hold: boolean } {
  if (!isMapping(value) || !Object.hasOwn(value, 'hold'))
    return { action: readAction(value, path, known, checker), hold: false };
  const other = Object.keys(value).find((key) => key !== 'hold');
  if (other !== undefined)
    checker.report([...path, other], `put ${other} below hold: { hold: { ${other}: … } }`, 'key');
  return { action: readAction(value.hold, [...path, 'hold'], known, checker), hold: true };
}

function readKeys<T>(parse: () => T, path: Path, at: 'key' | 'value', checker: Checker): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TriggerError)) throw error;
    checker.report(path, error.message, at);
    return undefined;
  }
}
