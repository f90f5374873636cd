import type { Action, HeadRef, LayoutConfig, OutputConfig } from '../config/config';

/** What changes which head an output shows, or the focus. */
export type LayoutAction = Extract<
  Action,
  { readonly kind: 'show' | 'next' | 'previous' | 'swap' | 'focus' | 'blank' | 'layout' | 'panic' }
>;

/** What a user wants an output to show. */
export interface Assignment {
  /** null: no guest. */
  readonly head: HeadRef | null;
  /** Dark for now; the head comes back when blanked again, or when anything is shown. */
  readonly blank: boolean;
}

/** Which head every output shows, and which output has the keyboard. Outputs keep their entry while unplugged. */
export interface Layout {
  readonly shows: ReadonlyMap<string, Assignment>;
  readonly focus: string | null;
  /** Heads that the config gives to several outputs: no output loses one because another shows it. */
  readonly mirrored?: readonly HeadRef[];
  /** No guest has picture, keyboard or pointer until this is undone. */
  readonly panic?: boolean;
}

/** What a command may refer to: the outputs that are lit, from left to right, and the guests, in the file's order. */
export interface Surroundings {
  readonly outputs: readonly string[];
  readonly guests: readonly string[];
  readonly layouts?: readonly LayoutConfig[];
  /** Outputs of other users, which keep what they show. */
  readonly elsewhere?: readonly string[];
}

/** A command that makes no sense now, in words for whoever gave it. */
export class CommandError extends Error {
  override name = 'CommandError';
}

export const NOTHING: Assignment = { head: null, blank: false };

export function assignmentOf(layout: Layout, output: string): Assignment {
  return layout.shows.get(output) ?? NOTHING;
}

/** What a config says, to begin with. */
export function initialLayout(configs: readonly OutputConfig[]): Layout {
  const shows = configs.map(({ name, show }): [string, Assignment] => [
    name,
    { head: show ?? null, blank: false },
  ]);
  const heads = configs.flatMap(({ show }) => show ?? []);
  const mirrored = heads.filter((head, i) => heads.findIndex((other) => sameHead(head, other)) < i);
  return { shows: new Map(shows), focus: null, mirrored };
}

/** For a config without outputs: gives the guests that are on none yet to outputs that have none, in order. */
export function giveInOrder(layout: Layout, { outputs, guests }: Surroundings): Layout {
  const shows = new Map(layout.shows);
  const taken = new Set([...shows.values()].map(({ head }) => head?.guest));
  for (const output of outputs) {
    if (shows.has(output)) continue;
    const guest = guests.find((candidate) => !taken.has(candidate));
    if (guest !== undefined) taken.add(guest);
    shows.set(output, guest === undefined ? NOTHING : { head: { guest, head: 0 }, blank: false });
  }
  return { ...layout, shows };
}

/** An action with its outputs by the keys of the layout; `key` throws for what is no output. */
export function withKeys(action: LayoutAction, key: (output: string) => string): LayoutAction {
  if (action.kind === 'swap')
    return action.outputs ? { ...action, outputs: [key(action.outputs[0]), key(action.outputs[1])] } : action;
  if (action.kind === 'layout' || action.kind === 'panic') return action;
  if (action.kind === 'focus')
    return action.output === undefined ? action : { ...action, output: key(action.output) };
  return action.on === undefined ? action : { ...action, on: key(action.on) };
}

/** An output that an action names; undefined: it means the focused one, or none. */
export function outputOf(action: LayoutAction): string | undefined {
  if (action.kind === 'swap') return action.outputs?.[0];
  if (action.kind === 'focus') return action.output;
  return action.kind === 'layout' || action.kind === 'panic' ? undefined : action.on;
}

/** The layout after an action. Throws {@link CommandError}; changes nothing then. */
export function perform(layout: Layout, action: LayoutAction, now: Surroundings): Layout {
  if (layout.panic && action.kind !== 'panic')
    throw new CommandError('panic is on; undo it first, with its hotkey or kms-switcher panic --off');
  switch (action.kind) {
    case 'show':
      if (!now.guests.includes(action.head.guest)) {
        throw new CommandError(
          `there is no guest ${action.head.guest}: the config has ${now.guests.join(', ')}`,
        );
      }
      return show(layout, action.head, target(layout, action.on, now), now);
    case 'next':
    case 'previous': {
      const output = target(layout, action.on, now);
      return show(layout, neighbour(layout, output, now, action.kind === 'next' ? 1 : -1), output, now);
    }
    case 'swap': {
      const [a, b] = action.outputs ?? focusedAndNext(layout, now);
      return withShows(layout, [
        [a, assignmentOf(layout, b)],
        [b, assignmentOf(layout, a)],
      ]);
    }
    case 'focus':
      return { ...layout, focus: action.output ?? focusedAndNext(layout, now)[1] };
    case 'blank': {
      const output = target(layout, action.on, now);
      const { head, blank } = assignmentOf(layout, output);
      return withShows(layout, [[output, { head, blank: !blank }]]);
    }
    case 'layout': {
      const layouts = now.layouts ?? [];
      const named = layouts.find(({ name }) => name === action.layout);
      if (!named) {
        const known = layouts.map(({ name }) => name).join(', ') || 'none';
        throw new CommandError(`there is no layout ${action.layout}: the config has ${known}`);
      }
      return named.shows.reduce(
        (before, { output, head }) => show(before, head, output, now, named.shows),
        layout,
      );
    }
    case 'panic':
      return { ...layout, panic: action.on ?? !layout.panic };
  }
}

/**
 * A head moves: the output that showed it gets what the target showed. But one that is mirrored, by the config or by
 * `together`, is shown by the target as well.
 */
function show(
  layout: Layout,
  head: HeadRef,
  output: string,
  now: Surroundings,
  together: LayoutConfig['shows'] = [],
): Layout {
  const taken = takenBy(layout, head, now);
  if (taken !== undefined)
    throw new CommandError(`${head.guest} is on ${taken}, which is of another seat: it stays there`);
  const before = assignmentOf(layout, output);
  const entries: [string, Assignment][] = [[output, { head, blank: false }]];
  const others = [...layout.shows.keys()].filter(
    (other) =>
      other !== output &&
      sameHead(assignmentOf(layout, other).head, head) &&
      !together.some((shown) => shown.output === other && sameHead(shown.head, head)),
  );
  const stays =
    others.length > 1 ||
    sameHead(before.head, head) ||
    layout.mirrored?.some((mirrored) => sameHead(mirrored, head));
  if (!stays) for (const other of others) entries.push([other, before]);
  return withShows(layout, entries);
}

/** As a config has it: `linux`, `linux:1`. */
export function headName({ guest, head }: HeadRef): string {
  return head === 0 ? guest : `${guest}:${head}`;
}

export function sameHead(a: HeadRef | null, b: HeadRef | null): boolean {
  return a !== null && b !== null && a.guest === b.guest && a.head === b.head;
}

/** The output of another user that shows a head. */
function takenBy(layout: Layout, head: HeadRef, { elsewhere }: Surroundings): string | undefined {
  return elsewhere?.find((output) => sameHead(assignmentOf(layout, output).head, head));
}

/** The guest before or after the one that is shown, of those that are to be had. */
function neighbour(layout: Layout, output: string, now: Surroundings, step: number): HeadRef {
  const current = assignmentOf(layout, output).head?.guest;
  const guests = now.guests.filter(
    (guest) => guest === current || takenBy(layout, { guest, head: 0 }, now) === undefined,
  );
  if (guests.length === 0) throw new CommandError('there are no guests');
  const index = current === undefined ? (step > 0 ? -1 : 0) : guests.indexOf(current);
  return { guest: guests[(index + step + guests.length) % guests.length]!, head: 0 };
}

function target(layout: Layout, on: string | undefined, now: Surroundings): string {
  const output = on ?? layout.focus ?? now.outputs[0];
  if (output === undefined) throw new CommandError('no monitor is connected');
  return output;
}

function focusedAndNext(layout: Layout, { outputs }: Surroundings): [string, string] {
  const focus = layout.focus ?? outputs[0];
  if (focus === undefined) throw new CommandError('no monitor is connected');
  const next = outputs[(outputs.indexOf(focus) + 1) % outputs.length];
  if (next === undefined || next === focus) throw new CommandError('there is only one output');
  return [focus, next];
}

function withShows(layout: Layout, entries: readonly [string, Assignment][]): Layout {
  return { ...layout, shows: new Map([...layout.shows, ...entries]) };
}
