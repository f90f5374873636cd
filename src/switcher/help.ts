import type { Action, Hotkey } from '../config/config';
import { formatTrigger } from '../input/trigger';
import { headName } from './layout';

export type HelpLine = readonly [keys: string, what: string];

/** What no config changes. */
const TERMINALS: HelpLine = ['Ctrl+Alt+F1 to F12', 'virtual terminals 1 to 12'];

/** What all hotkeys do: a line for each of the keys that do it, the first with the words. */
export function helpLines(hotkeys: readonly Hotkey[]): HelpLine[] {
  const lines = new Map<string, string[]>();
  for (const { trigger, action, hold = false } of hotkeys) {
    const what = describe(action);
    const keys = `${hold ? 'hold ' : ''}${formatTrigger(trigger)}`;
    lines.set(what, [...(lines.get(what) ?? []), keys]);
  }
  const listed = [...lines].flatMap(([what, keys]) =>
    keys.map((key, i): HelpLine => [key, i === 0 ? what : '']),
  );
  return [...listed, TERMINALS];
}

function describe(action: Action): string {
  switch (action.kind) {
    case 'show':
      return `show ${headName(action.head)}${on(action.on)}`;
    case 'next':
      return `next guest${on(action.on)}`;
    case 'previous':
      return `previous guest${on(action.on)}`;
    case 'swap':
      return action.outputs ? `swap ${action.outputs.join(' and ')}` : 'swap with the next monitor';
    case 'focus':
      return action.output === undefined ? 'keyboard to the next monitor' : `keyboard to ${action.output}`;
    case 'blank':
      return `dark, and back${on(action.on)}`;
    case 'layout':
      return `layout ${action.layout}`;
    case 'vt':
      return `virtual terminal ${action.vt}`;
    case 'scan':
      return `each guest for ${action.dwellMs / 1000} s`;
    case 'help':
      return 'this list';
    case 'escape':
      return 'keyboard to no guest, and back';
    case 'send':
      return `send ${action.keys}${action.to ? ` to ${headName(action.to)}` : ''}`;
    case 'panic':
      return 'no guest has picture or input, and back';
  }
}

function on(output: string | undefined): string {
  return output === undefined ? '' : ` on ${output}`;
}
