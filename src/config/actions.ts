import { ChordError, parseChords } from '../input/chord';
import type { Action } from './config';
import { defaultDwellMs } from './config';
import { entry, isMapping, kindOf } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import { readHead } from './guests';
import { hint } from './nearest';
import type { OutputNames } from './output-names';
import { parseDuration } from './values';

/** Of outputs: the focused one, or what is named. */
const outputActions = ['next', 'previous', 'focus', 'swap', 'blank'] as const;
const plainActions = [...outputActions, 'help', 'escape', 'panic'] as const;
const actions = ['show', 'layout', 'scan', ...plainActions, 'vt', 'send'];

const shortestDwell = 1000;
const longestDwell = 3_600_000;

/** Virtual terminals that Linux has. */
const maxVt = 63;
/** What goes with an action, beside its own key. */
const companions: Readonly<Record<string, readonly string[]>> = { show: ['head', 'on'], send: ['to'] };

/** What actions may name. */
export interface Known {
  readonly guests: ReadonlySet<string>;
  readonly layouts: ReadonlySet<string>;
  readonly names: OutputNames;
}

/** Reads what a hotkey does, `next` or `{ show: windows, on: DP-1 }`. Reports whatever is wrong with it. */
export function readAction(value: unknown, path: Path, known: Known, checker: Checker): Action | undefined {
  const { guests, names } = known;
  if (typeof value === 'string') {
    const kind = plainActions.find((action) => action === value);
    if (kind !== undefined) return { kind };
    if (value === 'scan') return { kind: value, dwellMs: defaultDwellMs };
    checker.report(path, needs[value] ?? `unknown action "${value}"${actionHint(value, known)}`);
    return undefined;
  }
  if (!isMapping(value)) {
    checker.report(
      path,
      `an action must be a word or a mapping, not ${kindOf(value)}; write e.g. next or { show: windows }`,
    );
    return undefined;
  }
  const keys = Object.keys(value);
  const kinds = keys.filter((key) => actions.includes(key));
  const kind = kinds[0];
  const others = kind === undefined ? [] : [kind, ...(companions[kind] ?? [])];
  for (const key of keys.filter((known) => !others.includes(known))) {
    const at = [...path, key];
    if (kind === undefined && key !== 'on' && key !== 'head' && key !== 'to')
      checker.report(at, `unknown action "${key}"${hint(key, actions)}`, 'key');
    else if (actions.includes(key))
      checker.report(at, `a hotkey does one thing, ${kind} here; remove ${key}`, 'key');
    else if (kind === undefined)
      checker.report(
        at,
        key === 'to' ? '"to" goes with send; add send: <keys>' : `"${key}" goes with show; add show: <guest>`,
        'key',
      );
    else if (kind === 'send' && key === 'on')
      checker.report(at, '"on" goes with show, keys are sent to a guest; write to: <guest>', 'key');
    else if (kind === 'vt' && key === 'on') checker.report(at, '"on" goes with show; remove it', 'key');
    else if (kind !== 'show' && key === 'on')
      checker.report(
        at,
        `"on" goes with show; ${outputActions.some((action) => action === kind) ? `write { ${kind}: <output> }` : 'remove it'}`,
        'key',
      );
    else
      checker.report(
        at,
        `unknown key "${key}"${kind in companions ? hint(key, others) : '; remove it'}`,
        'key',
      );
  }
  if (keys.length === 0) checker.report(path, `an empty action; write e.g. next or { show: windows }`);
  if (kind === undefined) return undefined;
  const at = [...path, kind];
  if (kind === 'show') return readShow(value, path, guests, names, checker);
  if (kind === 'vt') return readVt(value.vt, at, checker);
  if (kind === 'layout') return readLayout(value.layout, at, known, checker);
  if (kind === 'scan') return readScan(value.scan, at, checker);
  if (kind === 'send') return readSend(value, path, guests, checker);
  const onOutputs = outputActions.find((action) => action === kind);
  if (onOutputs) return readOnOutputs(onOutputs, value[kind], at, names, checker);
  checker.report(at, `${kind} is a word of its own; write ${kind} without { }`, 'key');
  return undefined;
}

const needsVt = 'write { vt: 1 } for /dev/tty1';

/** Actions that are no words of their own. */
const needs: Readonly<Record<string, string>> = {
  show: 'show needs a guest; write { show: <guest> }',
  layout: 'layout needs a name; write { layout: <name> }',
  vt: needsVt,
  send: 'send needs keys; write e.g. { send: Ctrl+Alt+Del }',
};

function actionHint(word: string, { guests, layouts }: Known): string {
  if (guests.has(word)) return `; to show that guest write { show: ${word} }`;
  if (layouts.has(word)) return `; for that layout write { layout: ${word} }`;
  return hint(word, actions);
}

function readLayout(value: unknown, path: Path, { layouts }: Known, checker: Checker): Action | undefined {
  if (typeof value === 'string' && layouts.has(value)) return { kind: 'layout', layout: value };
  const what =
    typeof value !== 'string'
      ? `layout must be the name of a layout, not ${kindOf(value)}; write it as below layouts:`
      : layouts.size === 0
        ? `there is no layout "${value}"; add it below layouts:`
        : `unknown layout "${value}"${hint(value, layouts)}`;
  checker.report(path, what);
  return undefined;
}

function readScan(value: unknown, path: Path, checker: Checker): Action | undefined {
  const dwell = entry(value, 'dwell');
  if (!isMapping(value) || dwell === undefined) {
    checker.report(path, 'scan takes a dwell time; write { scan: { dwell: 5s } }, or scan alone');
    return undefined;
  }
  const wrong = Object.keys(value).find((key) => key !== 'dwell');
  if (wrong !== undefined) checker.report([...path, wrong], `unknown key "${wrong}"; remove it`, 'key');
  const dwellMs = typeof dwell === 'string' ? parseDuration(dwell) : undefined;
  if (dwellMs !== undefined && dwellMs >= shortestDwell && dwellMs <= longestDwell)
    return { kind: 'scan', dwellMs };
  const what = typeof dwell === 'string' || typeof dwell === 'number' ? `"${dwell}"` : kindOf(dwell);
  checker.report([...path, 'dwell'], `dwell cannot be ${what}; write a time from 1s to 60m, e.g. 5s`);
  return undefined;
}

function readShow(
  value: Readonly<Record<string, unknown>>,
  path: Path,
  guests: ReadonlySet<string>,
  names: OutputNames,
  checker: Checker,
): Action | undefined {
  const head = readHead(value, path, guests, checker);
  const on = Object.hasOwn(value, 'on') ? readOutput(value.on, [...path, 'on'], names, checker) : undefined;
  return head && { kind: 'show', head, ...(on !== undefined && { on }) };
}

function readVt(vt: unknown, path: Path, checker: Checker): Action | undefined {
  if (typeof vt === 'number' && Number.isInteger(vt) && vt >= 1 && vt <= maxVt) return { kind: 'vt', vt };
  checker.report(path, `a virtual terminal is a number from 1 to ${maxVt}; ${needsVt}`);
  return undefined;
}

function readSend(
  value: Readonly<Record<string, unknown>>,
  path: Path,
  guests: ReadonlySet<string>,
  checker: Checker,
): Action | undefined {
  const keys = value.send;
  const to = Object.hasOwn(value, 'to')
    ? readHead({ show: value.to }, path, guests, checker, 'to')
    : undefined;
  if (typeof keys !== 'string') {
    checker.report(
      [...path, 'send'],
      `keys to send must be text, not ${kindOf(keys)}; write e.g. Ctrl+Alt+Del`,
    );
    return undefined;
  }
  try {
    if (keys !== 'wake') parseChords(keys);
  } catch (error) {
    if (!(error instanceof ChordError)) throw error;
    checker.report([...path, 'send'], error.message);
    return undefined;
  }
  return { kind: 'send', keys, ...(to && { to }) };
}

function readOnOutputs(
  kind: (typeof outputActions)[number],
  value: unknown,
  path: Path,
  names: OutputNames,
  checker: Checker,
): Action | undefined {
  if (kind === 'swap') {
    if (!Array.isArray(value) || value.length !== 2) {
      checker.report(path, 'swap takes two outputs; write { swap: [DP-1, HDMI-A-1] }, or swap alone');
      return undefined;
    }
    const [first, second] = value.map((output: unknown, i) =>
      readOutput(output, [...path, `${i}`], names, checker),
    );
    if (first === undefined || second === undefined) return undefined;
    if (first === second)
      checker.report([...path, '1'], `${first} cannot be swapped with itself; name another output`);
    return { kind, outputs: [first, second] };
  }
  const output = readOutput(value, path, names, checker);
  if (output === undefined) return undefined;
  return kind === 'focus' ? { kind, output } : { kind, on: output };
}

function readOutput(value: unknown, path: Path, names: OutputNames, checker: Checker): string | undefined {
  if (typeof value === 'string') return names.resolve(value, path)?.name;
  checker.report(path, `this must be an output, not ${kindOf(value)}; write e.g. DP-1`);
  return undefined;
}
