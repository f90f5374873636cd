import type { Action, GuestConfig, Hotkey, OutputConfig } from '../config/config';
import { defaultDwellMs } from '../config/config';
import { covers, formatTrigger, parseTrigger, type Step } from './trigger';

/**
 * The hotkeys of a config that has none of its own: those people know from QEMU and from hardware KVM switches, but for
 * keys that have another meaning there.
 */
export function defaultHotkeys(
  guests: readonly GuestConfig[],
  outputs: readonly OutputConfig[],
  taken: { readonly escape: Hotkey; readonly passthrough: readonly Step[] },
): Hotkey[] {
  const leader = 'ScrollLock ScrollLock';
  const hotkeys: Hotkey[] = [];
  const add = (source: string, action: Action, hold = false) => {
    const trigger = parseTrigger(source);
    if (formatTrigger(trigger) === formatTrigger(taken.escape.trigger)) return;
    if (taken.passthrough.some((step) => trigger.steps.some((own) => covers(step, own)))) return;
    hotkeys.push({ trigger, action, source, ...(hold && { hold }) });
  };
  guests.slice(0, 9).forEach(({ name }, i) => {
    const show: Action = { kind: 'show', head: { guest: name, head: 0 } };
    add(`Ctrl+Alt+${i + 1}`, show);
    add(`${leader} ${i + 1}`, show);
  });
  add('Ctrl+Alt+Right', { kind: 'next' });
  add('Ctrl+Alt+Left', { kind: 'previous' });
  for (const key of ['Right', 'N']) add(`${leader} ${key}`, { kind: 'next' });
  for (const key of ['Left', 'P']) add(`${leader} ${key}`, { kind: 'previous' });
  add(`${leader} B`, { kind: 'blank' });
  add(`${leader} End`, { kind: 'panic' });
  // With a single guest or output these would but take keys from it.
  if (guests.length > 1) add(`${leader} A`, { kind: 'scan', dwellMs: defaultDwellMs });
  if (outputs.length !== 1) {
    add('Ctrl+Alt+Tab', { kind: 'focus' });
    add(`${leader} Tab`, { kind: 'focus' });
    add(`${leader} S`, { kind: 'swap' });
  }
  add('ScrollLock', { kind: 'help' }, true);
  return hotkeys;
}
