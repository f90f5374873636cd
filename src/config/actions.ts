import type { Action } from './config';
import { isMapping, kindOf } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import { readHead } from './guests';
import { hint } from './nearest';
import type { OutputNames } from './output-names';

const plainActions = ['next', 'previous', 'focus', 'swap', 'blank'] as const;
const actions = ['show', ...plainActions, 'vt'];
/** Virtual terminals that Linux has. */
const maxVt = 63;

/** Reads what a hotkey does, `next` or `{ show: windows, on: DP-1 }`. Reports whatever is wrong with it. */
export function readAction(
  value: unknown,
  path: Path,
  guests: ReadonlySet<string>,
  names: OutputNames,
  checker: Checker,
): Action | undefined {
  if (typeof value === 'string') {
    const kind = plainActions.find((known) => known === value);
    if (kind !== undefined) return { kind };
    checker.report(
      path,
      value === 'show'
        ? needsGuest
        : value === 'vt'
          ? needsVt
          : `unknown action "${value}"${actionHint(value, guests)}`,
    );
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
  const others = kind === 'show' ? ['show', 'head', 'on'] : kinds.slice(0, 1);
  for (const key of keys.filter((known) => !others.includes(known))) {
    const at = [...path, key];
    if (kind === undefined && key !== 'on' && key !== 'head')
      checker.report(at, `unknown action "${key}"${hint(key, actions)}`, 'key');
    else if (actions.includes(key))
      checker.report(at, `a hotkey does one thing, ${kind} here; remove ${key}`, 'key');
    else if (kind === undefined) checker.report(at, `"${key}" goes with show; add show: <guest>`, 'key');
    else if (kind === 'vt' && key === 'on') checker.report(at, '"on" goes with show; remove it', 'key');
    else if (kind !== 'show' && key === 'on')
      checker.report(at, `"on" goes with show; write { ${kind}: <output> }`, 'key');
    else
      checker.report(at, `unknown key "${key}"${kind === 'show' ? hint(key, others) : '; remove it'}`, 'key');
  }
  if (keys.length === 0) checker.report(path, `an empty action; write e.g. next or { show: windows }`);
  if (kind === undefined) return undefined;
  if (kind === 'show') return readShow(value, path, guests, names, checker);
  if (kind === 'vt') return readVt(value.vt, [...path, kind], checker);
  return readOnOutputs(kind as (typeof plainActions)[number], value[kind], [...path, kind], names, checker);
}

const needsVt = 'write { vt: 1 } for /dev/tty1';
const needsGuest = 'show needs a guest; write { show: <guest> }';

function actionHint(word: string, guests: ReadonlySet<string>): string {
  return guests.has(word) ? `; to show that guest write { show: ${word} }` : hint(word, actions);
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

function readOnOutputs(
  kind: (typeof plainActions)[number],
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
