import type { Action, Hotkey } from '../../src/config/config';
import { parseTrigger } from '../../src/input/trigger';
import { helpLines } from '../../src/switcher/help';

const hotkey = (source: string, action: Action, hold = false): Hotkey => ({
  source,
  trigger: parseTrigger(source),
  action,
  hold,
});

test('the list of hotkeys has them all, those of one action together', () => {
  const windows: Action = { kind: 'show', head: { guest: 'windows', head: 1 }, on: 'DP-1' };
  expect(
    helpLines([
      hotkey('control+alt+1', windows),
      hotkey('F1', { kind: 'next' }),
      hotkey('F2', { kind: 'next', on: 'DP-1' }),
      hotkey('scroll scroll 1', windows),
      hotkey('F3', { kind: 'swap', outputs: ['DP-1', 'DP-2'] }),
      hotkey('F4', { kind: 'layout', layout: 'desk' }),
      hotkey('F5', { kind: 'scan', dwellMs: 1500 }),
      hotkey('F6', { kind: 'help' }, true),
    ]),
  ).toEqual([
    ['Ctrl+Alt+1', 'show windows:1 on DP-1'],
    ['ScrollLock ScrollLock 1', ''],
    ['F1', 'next guest'],
    ['F2', 'next guest on DP-1'],
    ['F3', 'swap DP-1 and DP-2'],
    ['F4', 'layout desk'],
    ['F5', 'each guest for 1.5 s'],
    ['hold F6', 'this list'],
    ['Ctrl+Alt+F1 to F12', 'virtual terminals 1 to 12'],
  ]);
});
