import type { Action, Hotkey } from '../../src/config/config';
import { defaultHotkeys } from '../../src/input/defaults';
import { HotkeyMatcher } from '../../src/input/hotkeys';
import { keyCode } from '../../src/input/keys';
import { formatTrigger, parsePassthrough, parseTrigger } from '../../src/input/trigger';

const modifierCodes: Record<string, number> = {
  LeftCtrl: 29,
  RightCtrl: 97,
  LeftAlt: 56,
  RightAlt: 100,
  LeftShift: 42,
  RightShift: 54,
  LeftSuper: 125,
};

/** A matcher whose hotkeys answer with their own source, and a keyboard to play on. */
function keyboard(...triggers: string[]) {
  const matcher = new HotkeyMatcher(
    triggers.map((source): Hotkey => ({
      source,
      trigger: parseTrigger(source),
      action: { kind: 'next', on: source },
    })),
  );
  let now = 5_000_000;
  const fired: string[] = [];
  const send = (name: string, value: 0 | 1 | 2) => {
    const code = modifierCodes[name] ?? keyCode(name)!;
    if (value === 0) matcher.release(code);
    if (value === 1 && matcher.press(code, now) === 'fired') fired.push(matcher.fired!.source);
  };
  return {
    matcher,
    wait: (ms: number) => (now += ms),
    /** Plays `+LeftCtrl -LeftCtrl ~A B`: press, release, repeat, tap; what fired meanwhile. */
    play(keys: string): string[] {
      for (const key of keys.split(' ')) {
        if (key.startsWith('+')) send(key.slice(1), 1);
        else if (key.startsWith('-')) send(key.slice(1), 0);
        else if (key.startsWith('~')) send(key.slice(1), 2);
        else {
          send(key, 1);
          now += 20;
          send(key, 0);
        }
        now += 20;
      }
      return fired.splice(0);
    },
  };
}

describe('chords', () => {
  test('fire on the press of the key, with either modifier', () => {
    const keys = keyboard('Ctrl+Alt+1');
    expect(keys.play('+LeftCtrl +LeftAlt +1')).toEqual(['Ctrl+Alt+1']);
    expect(keys.play('-1 -LeftAlt -LeftCtrl')).toEqual([]);
    expect(keys.play('+RightAlt +RightCtrl 1 -RightAlt -RightCtrl')).toEqual(['Ctrl+Alt+1']);
    expect(keys.play('+RightAlt +LeftAlt +RightCtrl 1')).toEqual(['Ctrl+Alt+1']);
  });

  test('fire again while the modifiers stay down', () => {
    const keys = keyboard('Ctrl+Alt+1', 'Ctrl+Alt+2');
    expect(keys.play('+LeftCtrl +LeftAlt 1 2 1')).toEqual(['Ctrl+Alt+1', 'Ctrl+Alt+2', 'Ctrl+Alt+1']);
  });

  test('want exactly their modifiers', () => {
    const keys = keyboard('Ctrl+Alt+1');
    expect(keys.play('1 +LeftCtrl 1 +LeftShift +LeftAlt 1 -LeftShift -LeftCtrl 1')).toEqual([]);
    expect(keys.play('+LeftCtrl +LeftSuper 1')).toEqual([]);
    expect(keys.play('-LeftSuper 1')).toEqual(['Ctrl+Alt+1']);
  });

  test('want the key last', () => {
    expect(keyboard('Ctrl+Alt+1').play('+1 +LeftCtrl +LeftAlt ~1 -1')).toEqual([]);
  });

  test('are of the side that is named', () => {
    const keys = keyboard('RightCtrl+1');
    expect(keys.play('+LeftCtrl 1 +RightCtrl 1 -LeftCtrl')).toEqual([]);
    expect(keys.play('1')).toEqual(['RightCtrl+1']);
  });

  test('of one side go before those of either', () => {
    const keys = keyboard('Ctrl+1', 'RightCtrl+1');
    expect(keys.play('+RightCtrl 1 -RightCtrl +LeftCtrl 1')).toEqual(['RightCtrl+1', 'Ctrl+1']);
  });

  test('do not mind other keys held', () => {
    expect(keyboard('Ctrl+Alt+1').play('+A +LeftCtrl +LeftAlt +1')).toEqual(['Ctrl+Alt+1']);
  });

  test('mean the top row, not the keypad', () => {
    expect(keyboard('Ctrl+1').play('+LeftCtrl KP1')).toEqual([]);
  });
});

describe('sequences', () => {
  const source = 'ScrollLock ScrollLock N';

  test('fire once, on the press of the last key', () => {
    const keys = keyboard(source);
    expect(keys.play('ScrollLock ScrollLock +N')).toEqual([source]);
    expect(keys.play('-N N N')).toEqual([]);
    expect(keys.play('ScrollLock N')).toEqual([]);
    expect(keys.play('ScrollLock ScrollLock N')).toEqual([source]);
  });

  test('another key breaks them', () => {
    expect(keyboard(source).play('ScrollLock A ScrollLock N')).toEqual([]);
    expect(keyboard(source).play('ScrollLock ScrollLock A N')).toEqual([]);
  });

  test('begin anew with the key that breaks them', () => {
    expect(keyboard(source).play('ScrollLock A ScrollLock ScrollLock N')).toEqual([source]);
    expect(keyboard('A B C', 'B D').play('A B D')).toEqual(['B D']);
  });

  test('a tap too many before them does no harm', () => {
    expect(keyboard(source).play('ScrollLock ScrollLock ScrollLock N')).toEqual([source]);
    expect(keyboard('A A B A C').play('A A B A A B A C')).toEqual(['A A B A C']);
  });

  test('leave one second between two presses', () => {
    const keys = keyboard(source);
    keys.play('ScrollLock');
    keys.wait(960);
    keys.play('ScrollLock');
    keys.wait(960);
    expect(keys.play('N')).toEqual([source]);
    keys.play('ScrollLock ScrollLock');
    keys.wait(961);
    expect(keys.play('N')).toEqual([]);
    keys.play('ScrollLock');
    keys.wait(961);
    expect(keys.play('ScrollLock N')).toEqual([]);
    expect(keys.play('ScrollLock ScrollLock N')).toEqual([source]);
  });

  test('auto-repeat neither fires nor breaks nor prolongs', () => {
    expect(keyboard(source).play('+ScrollLock ~ScrollLock ~ScrollLock -ScrollLock N')).toEqual([]);
    const keys = keyboard(source);
    expect(keys.play('+A ScrollLock ~A ScrollLock ~A ~N +N')).toEqual([source]);
    keys.play('ScrollLock ScrollLock');
    keys.wait(600);
    keys.play('~ScrollLock');
    keys.wait(600);
    expect(keys.play('N')).toEqual([]);
  });

  test('modifiers held or tapped break them', () => {
    expect(keyboard(source).play('ScrollLock +LeftShift ScrollLock -LeftShift N')).toEqual([]);
    expect(keyboard(source).play('+LeftCtrl ScrollLock ScrollLock N')).toEqual([]);
    expect(keyboard(source).play('ScrollLock ScrollLock LeftShift N')).toEqual([]);
    expect(keyboard(source).play('ScrollLock ScrollLock +LeftShift -LeftShift N')).toEqual([]);
  });

  test('steps may be chords', () => {
    const chords = 'Ctrl+A N Ctrl+B';
    expect(keyboard(chords).play('+LeftCtrl A -LeftCtrl N +RightCtrl B')).toEqual([chords]);
    expect(keyboard(chords).play('+LeftCtrl A N B')).toEqual([]);
    expect(keyboard(chords).play('A N B')).toEqual([]);
  });

  test('a chord that fires within one ends it', () => {
    const keys = keyboard(source, 'Ctrl+1');
    expect(keys.play('ScrollLock ScrollLock +LeftCtrl 1 -LeftCtrl N')).toEqual(['Ctrl+1']);
  });

  test('the longer of two that end together wins', () => {
    const keys = keyboard('N', source);
    expect(keys.play('N ScrollLock ScrollLock N N')).toEqual(['N', source, 'N']);
  });

  test('of many with one beginning each fires', () => {
    const keys = keyboard(source, 'ScrollLock ScrollLock P', 'ScrollLock ScrollLock 1');
    expect(keys.play('ScrollLock ScrollLock P ScrollLock ScrollLock 1')).toEqual([
      'ScrollLock ScrollLock P',
      'ScrollLock ScrollLock 1',
    ]);
  });
});

test('keys beyond every table do no harm', () => {
  const { matcher } = keyboard('Ctrl+1');
  for (const code of [0, 255, 256, 767, 65535, 70000]) expect(matcher.press(code, 0)).toBe('none');
  expect(new HotkeyMatcher([]).press(2, 0)).toBe('none');
});

describe('default hotkeys', () => {
  const guest = (name: string) =>
    ({ name, link: { kind: 'vhost-user-gpu', listen: `/run/${name}` }, hidden: 'full' }) as const;
  const output = (name: string) => ({ name, mode: 'preferred' }) as const;
  const escape: Hotkey = { source: '', trigger: parseTrigger('Ctrl+Alt+Esc'), action: { kind: 'escape' } };
  const table = (guests: string[], outputs: string[], passthrough: string[] = []) =>
    new Map<string, Action>(
      defaultHotkeys(guests.map(guest), outputs.map(output), {
        escape,
        passthrough: passthrough.map(parsePassthrough),
      }).map(({ trigger, action }) => [formatTrigger(trigger), action]),
    );

  test('show the guests by number and step through them', () => {
    const hotkeys = table(['a', 'b'], ['DP-1', 'DP-2']);
    expect(hotkeys.get('Ctrl+Alt+2')).toEqual({ kind: 'show', head: { guest: 'b', head: 0 } });
    expect(hotkeys.get('ScrollLock ScrollLock 1')).toEqual({ kind: 'show', head: { guest: 'a', head: 0 } });
    expect(hotkeys.has('Ctrl+Alt+3')).toBe(false);
    expect(hotkeys.get('Ctrl+Alt+Right')).toEqual({ kind: 'next' });
    expect(hotkeys.get('Ctrl+Alt+Left')).toEqual({ kind: 'previous' });
    expect(hotkeys.get('Ctrl+Alt+Tab')).toEqual({ kind: 'focus' });
    const leader = (key: string) => hotkeys.get(`ScrollLock ScrollLock ${key}`)?.kind;
    expect(['N', 'P', 'Tab', 'S', 'B'].map(leader)).toEqual(['next', 'previous', 'focus', 'swap', 'blank']);
    expect(['Right', 'Left', 'A'].map(leader)).toEqual(['next', 'previous', 'scan']);
    expect(hotkeys.get('ScrollLock')).toEqual({ kind: 'help' });
  });

  test('number nine guests at most', () => {
    const hotkeys = table('a b c d e f g h i j k'.split(' '), []);
    expect(hotkeys.has('Ctrl+Alt+9')).toBe(true);
    expect(hotkeys.has('Ctrl+Alt+0')).toBe(false);
  });

  test('take no key for a second output that is not there', () => {
    const hotkeys = table(['a'], ['DP-1']);
    expect(hotkeys.has('Ctrl+Alt+Tab')).toBe(false);
    expect(hotkeys.has('ScrollLock ScrollLock S')).toBe(false);
    expect(hotkeys.has('ScrollLock ScrollLock A')).toBe(false);
  });

  test('leave to the guest what is its own, and to the escape what it takes', () => {
    const hotkeys = table(['a', 'b'], [], ['ScrollLock', 'Ctrl+Alt+2', 'LeftCtrl']);
    expect([...hotkeys.keys()].filter((keys) => keys.includes('ScrollLock'))).toEqual([]);
    expect(hotkeys.has('Ctrl+Alt+2')).toBe(false);
    expect(hotkeys.has('Ctrl+Alt+1')).toBe(true);
  });
});
