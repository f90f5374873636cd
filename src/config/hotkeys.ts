import { formatTrigger, parseTrigger, shadows, TriggerError } from '../input/trigger';
import type { Trigger } from '../input/trigger';
import { vtHotkeyIn } from '../input/vt-hotkeys';
import { readAction } from './actions';
import { entries } from './checker';
import type { Checker } from './checker';
import type { Hotkey } from './config';
import type { OutputNames } from './output-names';

/** Checks `hotkeys:`: triggers that can be pressed, are bound once and do not hide each other, and their actions. */
export function checkHotkeys(
  data: unknown,
  guests: ReadonlySet<string>,
  names: OutputNames,
  checker: Checker,
): Hotkey[] {
  const hotkeys: Hotkey[] = [];
  const bound = new Map<string, { source: string; trigger: Trigger; line: number }>();
  for (const [source, value] of entries(data)) {
    const path = ['hotkeys', source];
    const action = readAction(value, path, guests, names, checker);
    const trigger = readTrigger(source, checker);
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
    bound.set(canonical, { source, trigger, line });
    if (trigger.steps.length === 1 && trigger.steps[0]!.modifiers === 0)
      checker.note(`line ${line}: ${canonical} alone is a hotkey; guests are not meant to use that key`);
    if (action !== undefined) hotkeys.push({ trigger, action, source });
  }
  for (const later of bound.values()) {
    const earlier = [...bound.values()].find(({ trigger }) => shadows(trigger, later.trigger));
    if (earlier !== undefined)
      checker.report(
        ['hotkeys', later.source],
        `this can never fire, "${earlier.source}" (line ${earlier.line}) fires before it is complete; change one of them`,
        'key',
      );
  }
  return hotkeys;
}

function readTrigger(source: string, checker: Checker): Trigger | undefined {
  try {
    return parseTrigger(source);
  } catch (error) {
    if (!(error instanceof TriggerError)) throw error;
    checker.report(['hotkeys', source], error.message, 'key');
    return undefined;
  }
}
