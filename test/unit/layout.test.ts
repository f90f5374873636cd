import type { HeadRef } from '../../src/config/config';
import {
  assignmentOf,
  CommandError,
  initialLayout,
  perform,
  type Assignment,
  type Layout,
  type LayoutAction,
  type Surroundings,
} from '../../src/switcher/layout';
import { Random } from './support/random';

const head = (name: string): HeadRef => {
  const [guest, number] = name.split(':');
  return { guest: guest!, head: Number(number ?? 0) };
};

/** `{ A: 'windows', B: 'linux:1 blank', C: '' }` */
function layout(shows: Record<string, string>, focus: string | null = null): Layout {
  const entries = Object.entries(shows).map(([output, what]): [string, Assignment] => {
    const [name, blank] = what.split(' ');
    return [output, { head: name ? head(name) : null, blank: blank === 'blank' }];
  });
  return { shows: new Map(entries), focus };
}

function written({ shows }: Layout): Record<string, string> {
  return Object.fromEntries(
    [...shows].map(([output, assignment]) => {
      const shown = assignment.head;
      const name = shown ? (shown.head === 0 ? shown.guest : `${shown.guest}:${shown.head}`) : '';
      return [output, assignment.blank ? `${name} blank` : name];
    }),
  );
}

const now: Surroundings = { outputs: ['A', 'B', 'C'], guests: ['windows', 'linux', 'sensors'] };
const after = (before: Layout, action: LayoutAction, surroundings = now): Record<string, string> =>
  written(perform(before, action, surroundings));

describe('a layout by name', () => {
  const shows = (entries: Record<string, string>) =>
    Object.entries(entries).map(([output, guest]) => ({ output, head: head(guest) }));
  const layouts = [
    { name: 'desk', shows: shows({ A: 'linux', B: 'windows:1' }) },
    { name: 'one', shows: shows({ C: 'windows' }) },
  ];
  const named = (name: string, before: Layout) =>
    after(before, { kind: 'layout', layout: name }, { ...now, layouts });

  test('is shown as it says, and what was there changes places', () => {
    expect(named('desk', layout({ A: 'windows', B: 'linux', C: 'sensors' }))).toEqual({
      A: 'linux',
      B: 'windows:1',
      C: 'sensors',
    });
    expect(named('desk', layout({ A: 'windows:1', B: 'sensors', C: 'linux' }))).toEqual({
      A: 'linux',
      B: 'windows:1',
      C: 'sensors',
    });
  });

  test('leaves the outputs alone that it does not name, lights blank ones, and keeps the focus', () => {
    const before = layout({ A: 'linux', B: 'sensors blank', C: 'sensors:1 blank' }, 'A');
    expect(named('one', before)).toEqual({ A: 'linux', B: 'sensors blank', C: 'windows' });
    expect(perform(before, { kind: 'layout', layout: 'one' }, { ...now, layouts }).focus).toBe('A');
  });

  test('has to be there', () => {
    expect(() => named('dsk', layout({}))).toThrow('there is no layout dsk: the config has desk, one');
    expect(() => after(layout({}), { kind: 'layout', layout: 'x' })).toThrow('the config has none');
  });
});

describe('a head on several outputs', () => {
  const mirrored = {
    ...layout({ A: 'windows', B: 'windows', C: 'linux' }, 'A'),
    mirrored: [head('windows')],
  };

  test('is one that the config gives to several', () => {
    const outputs = ['windows', 'linux', 'windows', 'linux:1', 'windows'].map((name, i) => ({
      name: `${i}`,
      mode: 'preferred' as const,
      show: head(name),
    }));
    expect(initialLayout(outputs).mirrored).toEqual([head('windows'), head('windows')]);
    expect(initialLayout(outputs.slice(0, 2)).mirrored).toEqual([]);
  });

  test('goes to another as well, and comes back to where it was: nobody loses it', () => {
    expect(after(mirrored, { kind: 'show', head: head('windows'), on: 'C' })).toEqual({
      A: 'windows',
      B: 'windows',
      C: 'windows',
    });
    const away = perform(mirrored, { kind: 'show', head: head('sensors'), on: 'B' }, now);
    expect(written(away)).toEqual({ A: 'windows', B: 'sensors', C: 'linux' });
    expect(after(away, { kind: 'show', head: head('windows'), on: 'B' })).toEqual(written(mirrored));
  });

  test('makes room for a head that moves, on one output only', () => {
    expect(after(mirrored, { kind: 'show', head: head('linux'), on: 'B' })).toEqual({
      A: 'windows',
      B: 'linux',
      C: 'windows',
    });
  });

  test('is blanked on one, and lit again there, without the others', () => {
    const dark = perform(mirrored, { kind: 'blank', on: 'A' }, now);
    expect(written(dark)).toEqual({ A: 'windows blank', B: 'windows', C: 'linux' });
    expect(after(dark, { kind: 'show', head: head('windows'), on: 'A' })).toEqual(written(mirrored));
  });

  test('changes places and guests like any other', () => {
    expect(after(mirrored, { kind: 'swap', outputs: ['B', 'C'] })).toEqual({
      A: 'windows',
      B: 'linux',
      C: 'windows',
    });
    expect(after(mirrored, { kind: 'next', on: 'A' })).toEqual({ A: 'linux', B: 'windows', C: 'windows' });
  });

  test('is made by a layout, which takes it from who is not meant', () => {
    const layouts = [{ name: 'talk', shows: ['A', 'B'].map((output) => ({ output, head: head('linux') })) }];
    const talk = (before: Layout) => after(before, { kind: 'layout', layout: 'talk' }, { ...now, layouts });
    expect(talk(layout({ A: 'windows', B: 'sensors', C: 'linux' }))).toEqual({
      A: 'linux',
      B: 'linux',
      C: 'windows',
    });
    expect(talk(layout({ A: 'windows', B: 'linux' }))).toEqual({ A: 'linux', B: 'linux' });
    // On several already, it stays where a layout says nothing.
    expect(talk(layout({ A: 'windows', C: 'linux', D: 'linux' }))).toEqual({
      A: 'linux',
      B: 'linux',
      C: 'linux',
      D: 'linux',
    });
  });
});

describe('show', () => {
  test('is for the output it names, else the focused one, else the first', () => {
    const before = layout({ A: '', B: '' }, 'B');
    expect(after(before, { kind: 'show', head: head('linux'), on: 'A' })).toEqual({ A: 'linux', B: '' });
    expect(after(before, { kind: 'show', head: head('linux') })).toEqual({ A: '', B: 'linux' });
    expect(after(layout({}), { kind: 'show', head: head('linux:2') })).toEqual({ A: 'linux:2' });
  });

  test('a head that is elsewhere changes places with what is shown', () => {
    const before = layout({ A: 'windows', B: 'linux', C: 'sensors' });
    expect(after(before, { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
      B: 'windows',
      C: 'sensors',
    });
    expect(after(layout({ B: 'linux' }), { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
      B: '',
    });
  });

  test('another head of the same guest stays where it is', () => {
    const before = layout({ A: 'windows', B: 'linux:1' });
    expect(after(before, { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
      B: 'linux:1',
    });
  });

  test('also finds a head on an output that is not connected now', () => {
    const before = layout({ A: 'windows', gone: 'linux' });
    expect(after(before, { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
      gone: 'windows',
    });
  });

  test('ends a blank, and takes it along to where the other goes', () => {
    expect(after(layout({ A: 'linux blank' }), { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
    });
    const before = layout({ A: 'windows blank', B: 'linux' });
    expect(after(before, { kind: 'show', head: head('linux'), on: 'A' })).toEqual({
      A: 'linux',
      B: 'windows blank',
    });
  });

  test('leaves the focus alone', () => {
    expect(perform(layout({}, 'B'), { kind: 'show', head: head('linux'), on: 'A' }, now).focus).toBe('B');
  });
});

describe('next and previous', () => {
  test('go through the guests in the order of the file, and round', () => {
    let current = layout({ A: 'windows' }, 'A');
    const seen = [1, 2, 3].map(() => {
      current = perform(current, { kind: 'next' }, now);
      return written(current).A;
    });
    expect(seen).toEqual(['linux', 'sensors', 'windows']);
    expect(after(layout({ A: 'windows' }, 'A'), { kind: 'previous' })).toEqual({ A: 'sensors' });
    expect(after(layout({ A: 'sensors' }, 'A'), { kind: 'previous' })).toEqual({ A: 'linux' });
  });

  test('start at the first and the last where nothing is shown', () => {
    expect(after(layout({}), { kind: 'next', on: 'C' })).toEqual({ C: 'windows' });
    expect(after(layout({}), { kind: 'previous', on: 'C' })).toEqual({ C: 'sensors' });
  });

  test('come from a second head to the first of the next guest', () => {
    expect(after(layout({ A: 'windows:3' }, 'A'), { kind: 'next' })).toEqual({ A: 'linux' });
  });

  test('change places with an output that shows that guest', () => {
    expect(after(layout({ A: 'windows', B: 'linux' }, 'A'), { kind: 'next' })).toEqual({
      A: 'linux',
      B: 'windows',
    });
  });

  test('with one guest stay at it', () => {
    const alone = { outputs: ['A'], guests: ['windows'] };
    expect(after(layout({ A: 'windows' }), { kind: 'next' }, alone)).toEqual({ A: 'windows' });
    expect(after(layout({ A: 'windows' }), { kind: 'previous' }, alone)).toEqual({ A: 'windows' });
  });

  test('make no sense without guests', () => {
    const nobody = { outputs: ['A'], guests: [] };
    expect(() => perform(layout({}), { kind: 'next' }, nobody)).toThrow(
      new CommandError('there are no guests'),
    );
  });
});

describe('swap', () => {
  const before = layout({ A: 'windows', B: 'linux blank', C: '' }, 'B');

  test('two outputs change everything they show', () => {
    expect(after(before, { kind: 'swap', outputs: ['A', 'B'] })).toEqual({
      A: 'linux blank',
      B: 'windows',
      C: '',
    });
    expect(after(before, { kind: 'swap', outputs: ['C', 'A'] })).toEqual({
      A: '',
      B: 'linux blank',
      C: 'windows',
    });
  });

  test('without names: the focused one and the next, the last with the first', () => {
    expect(after(before, { kind: 'swap' })).toEqual({ A: 'windows', B: '', C: 'linux blank' });
    expect(after({ ...before, focus: 'C' }, { kind: 'swap' })).toEqual({
      A: '',
      B: 'linux blank',
      C: 'windows',
    });
    expect(after({ ...before, focus: null }, { kind: 'swap' })).toEqual({
      A: 'linux blank',
      B: 'windows',
      C: '',
    });
  });

  test('an output with itself changes nothing', () => {
    expect(after(before, { kind: 'swap', outputs: ['A', 'A'] })).toEqual(written(before));
  });
});

describe('focus', () => {
  test('goes where it is told, else to the next, and round', () => {
    const before = layout({ A: 'windows' }, 'B');
    const focus = (from: Layout, output?: string): string | null =>
      perform(from, output === undefined ? { kind: 'focus' } : { kind: 'focus', output }, now).focus;
    expect(focus(before, 'A')).toBe('A');
    expect(focus(before)).toBe('C');
    expect(focus({ ...before, focus: 'C' })).toBe('A');
    expect(focus({ ...before, focus: null })).toBe('B');
    // Its monitor was pulled: the first one that is there.
    expect(focus({ ...before, focus: 'gone' })).toBe('A');
  });

  test('changes nothing that is shown', () => {
    const before = layout({ A: 'windows', B: 'linux' }, 'A');
    expect(perform(before, { kind: 'focus' }, now).shows).toBe(before.shows);
  });
});

test('blank goes on and off, and keeps what is behind it', () => {
  const before = layout({ A: 'windows', B: 'linux' }, 'A');
  const dark = perform(before, { kind: 'blank' }, now);
  expect(written(dark)).toEqual({ A: 'windows blank', B: 'linux' });
  expect(written(perform(dark, { kind: 'blank' }, now))).toEqual(written(before));
  expect(after(before, { kind: 'blank', on: 'C' })).toEqual({ A: 'windows', B: 'linux', C: ' blank' });
});

test('panic is undone by panic alone, and nothing has moved', () => {
  const before = layout({ A: 'windows', B: 'linux' }, 'A');
  const panic = perform(before, { kind: 'panic' }, now);
  expect(panic).toEqual({ ...before, panic: true });
  expect(() => perform(panic, { kind: 'next' }, now)).toThrow(/panic is on; undo it first/);
  expect(perform(panic, { kind: 'panic', on: true }, now)).toEqual(panic);
  expect(perform(panic, { kind: 'panic' }, now)).toEqual({ ...before, panic: false });
  expect(perform(before, { kind: 'panic', on: false }, now)).toEqual({ ...before, panic: false });
});

describe('a command that makes no sense', () => {
  const none = { outputs: [], guests: ['windows'] };
  const one = { outputs: ['A'], guests: ['windows'] };
  test.each<[string, LayoutAction, typeof now, string]>([
    ['show without a monitor', { kind: 'show', head: head('windows') }, none, 'no monitor is connected'],
    ['next without a monitor', { kind: 'next' }, none, 'no monitor is connected'],
    ['blank without a monitor', { kind: 'blank' }, none, 'no monitor is connected'],
    ['swap without a monitor', { kind: 'swap' }, none, 'no monitor is connected'],
    ['focus without a monitor', { kind: 'focus' }, none, 'no monitor is connected'],
    ['swap with one monitor', { kind: 'swap' }, one, 'there is only one output'],
    ['focus with one monitor', { kind: 'focus' }, one, 'there is only one output'],
  ])('%s says so and changes nothing', (_what, action, surroundings, message) => {
    const before = layout({ gone: 'windows' });
    expect(() => perform(before, action, surroundings)).toThrow(new CommandError(message));
    expect(before).toEqual(layout({ gone: 'windows' }));
  });
});

test('whatever is asked for, a head is on one output at most: 2,000 random actions', () => {
  const random = new Random(3);
  const names = ['A', 'B', 'C', 'D'];
  let current = layout({ A: 'windows', B: 'linux', C: 'linux:1' }, 'A');
  let refused = 0;
  for (let step = 0; step < 2000; step++) {
    const outputs = names.filter(() => random.chance(0.8));
    const on = random.chance(0.5) ? { on: random.pick(names) } : {};
    const action = random.pick<() => LayoutAction>([
      () => ({ kind: 'show', head: { guest: random.pick(now.guests), head: random.below(2) }, ...on }),
      () => ({ kind: 'next', ...on }),
      () => ({ kind: 'previous', ...on }),
      () => ({ kind: 'blank', ...on }),
      () =>
        random.chance(0.5)
          ? { kind: 'swap' }
          : { kind: 'swap', outputs: [random.pick(names), random.pick(names)] },
      () => (random.chance(0.5) ? { kind: 'focus' } : { kind: 'focus', output: random.pick(names) }),
    ])();
    const before = written(current);
    const previous = current;
    try {
      current = perform(current, action, { outputs, guests: now.guests });
    } catch (error) {
      expect(error).toBeInstanceOf(CommandError);
      refused++;
    }
    expect(written(previous)).toEqual(before);
    const shown = [...current.shows.values()].flatMap(({ head: ref }) =>
      ref ? [`${ref.guest}:${ref.head}`] : [],
    );
    expect({ step, shown: [...new Set(shown)] }).toEqual({ step, shown });
    if (action.kind === 'show' && current !== previous) {
      const target = action.on ?? previous.focus ?? outputs[0]!;
      expect(assignmentOf(current, target)).toEqual({ head: action.head, blank: false });
    }
  }
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThan(1000);
});

describe('what other users show', () => {
  const theirs = { ...now, elsewhere: ['C', 'D'] };
  const before = layout({ A: 'windows', B: '', C: 'linux', D: 'windows:1' }, 'A');

  test('is passed over by next and previous', () => {
    expect(after(before, { kind: 'next' }, theirs).A).toBe('sensors');
    expect(after(before, { kind: 'previous' }, theirs).A).toBe('sensors');
    expect(after(layout({ ...written(before), A: 'sensors' }, 'A'), { kind: 'next' }, theirs).A).toBe(
      'windows',
    );
  });

  test('stays there', () => {
    const show = (name: string) => after(before, { kind: 'show', head: head(name) }, theirs);
    expect(() => show('linux')).toThrow('linux is on C, which is of another seat: it stays there');
    expect(() => show('windows:1')).toThrow('windows is on D');
    expect(show('linux:1')).toEqual({ ...written(before), A: 'linux:1' });
  });
});
