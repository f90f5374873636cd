import type { Action, GuestConfig, Hotkey, OutputConfig } from '../config/config';
import { parseTrigger } from './trigger';

/** The hotkeys of a config that has none of its own: those people know from QEMU and from hardware KVM switches. */
export function defaultHotkeys(guests: readonly GuestConfig[], outputs: readonly OutputConfig[]): Hotkey[] {
  const leader = 'ScrollLock ScrollLock';
  const hotkeys: Hotkey[] = [];
  const add = (source: string, action: Action) =>
    hotkeys.push({ trigger: parseTrigger(source), action, source });
  guests.slice(0, 9).forEach(({ name }, i) => {
    const show: Action = { kind: 'show', head: { guest: name, head: 0 } };
    add(`Ctrl+Alt+${i + 1}`, show);
    add(`${leader} ${i + 1}`, show);
  });
  add('Ctrl+Alt+Right', { kind: 'next' });
  add('Ctrl+Alt+Left', { kind: 'previous' });
  add(`${leader} N`, { kind: 'next' });
  add(`${leader} P`, { kind: 'previous' });
  add(`${leader} B`, { kind: 'blank' });
  // With a single output these would but take keys from the guest.
  if (outputs.length !== 1) {
    add('Ctrl+Alt+Tab', { kind: 'focus' });
    add(`${leader} Tab`, { kind: 'focus' });
    add(`${leader} S`, { kind: 'swap' });
  }
  return hotkeys;
}
