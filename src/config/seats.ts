import { defaultHotkeys } from '../input/defaults';
import { UDEV_SEAT } from '../input/device-names';
import type { Known } from './actions';
import { checkName, entries, entry, kindOf } from './checker';
import type { Checker } from './checker';
import { defaultSeat } from './config';
import type { Action, GuestConfig, Hotkey, LayoutConfig, OutputConfig, SeatConfig } from './config';
import type { Path } from './document';
import { checkHotkeys, type Keys } from './hotkeys';
import type { OutputNames } from './output-names';
import { checkSeamless } from './seamless';

/** What the rest of the file says that seats go by. */
export interface Place {
  readonly guests: readonly GuestConfig[];
  readonly outputs: readonly OutputConfig[];
  readonly layouts: readonly LayoutConfig[];
  /** Of the file; undefined: it has none. */
  readonly hotkeys: readonly Hotkey[] | undefined;
  readonly keys: Keys;
  /** `seamless:` of the file, for outputs of no seat. */
  readonly seamless: unknown;
}

/** Whose something is, in words. */
type Taken = Map<string, string>;

/**
 * Checks `seats:`: each has devices and outputs that no other has, and its hotkeys leave those of others alone. A seat
 * without hotkeys has those of the file that do. Returns them all, and at last the one that has the rest.
 */
export function checkSeats(data: unknown, place: Place, known: Known, checker: Checker): SeatConfig[] {
  const devices: Taken = new Map();
  const outputs: Taken = new Map();
  const places = entries(data).map(([name, value]) => {
    const path = ['seats', name];
    if (name === defaultSeat)
      checker.report(path, `"${name}" is the seat that has what no other has; choose another name`, 'key');
    else checkName(name, path, checker);
    return {
      name,
      path,
      devices: readDevices(value, path, devices, checker),
      outputs: readOutputs(value, path, outputs, known.names, checker),
      hotkeys: entry(value, 'hotkeys'),
      seamless: entry(value, 'seamless'),
    };
  });
  const seatOf = (output: string): string =>
    places.find((seat) => seat.outputs.includes(output))?.name ?? defaultSeat;
  const seatsOf = (action: Action): Map<string, string> =>
    new Map(outputsOf(action, place.layouts).map((output) => [seatOf(output), output]));
  const rest = place.outputs.filter(({ name }) => seatOf(name) === defaultSeat);
  const inherited = (name: string, own: readonly OutputConfig[]): Hotkey[] =>
    place.hotkeys?.filter(({ action }) => [...seatsOf(action).keys()].every((seat) => seat === name)) ??
    defaultHotkeys(place.guests, own, place.keys);

  const seats = places.map((seat): SeatConfig => {
    const { name, path } = seat;
    const own = seat.outputs.map((output): OutputConfig => ({ name: output, mode: 'preferred' }));
    const foreign = (output: string): string | undefined =>
      seat.outputs.includes(output)
        ? undefined
        : `${output} is ${whoseIs(seatOf(output))}: the pointer of seat ${name} goes to its own outputs, ${seat.outputs.join(', ')}`;
    const rows = checkSeamless(seat.seamless, [...path, 'seamless'], known.names, foreign, checker);
    const { devices, outputs } = seat;
    const all = { name, devices, outputs, ...(rows && { seamless: rows }) };
    if (seat.hotkeys === undefined) return { ...all, hotkeys: inherited(name, own) };
    const at = [...path, 'hotkeys'];
    const hotkeys = checkHotkeys(seat.hotkeys, place.keys, known, checker, at);
    for (const { source, action } of hotkeys) {
      for (const [other, output] of seatsOf(action)) {
        if (other === name) continue;
        checker.report(
          [...at, source],
          `${output} is ${whoseIs(other)}: a hotkey of seat ${name} is for its own outputs, ${seat.outputs.join(', ')}`,
        );
      }
    }
    return { ...all, hotkeys };
  });
  const withOwn = new Set(places.filter(({ hotkeys }) => hotkeys !== undefined).map(({ name }) => name));
  for (const { source, action } of place.hotkeys ?? []) {
    const named = [...seatsOf(action)];
    const only = named.length === 1 ? named[0]![0] : undefined;
    if (named.length > 1) {
      const whose = named.map(([seat, output]) => `${output} is of seat ${seat}`).join(', ');
      checker.report(
        ['hotkeys', source],
        `${whose}: a hotkey is for the outputs of one seat; write one for each, or use a command (kms-switcher layout)`,
      );
    } else if (only !== undefined && withOwn.has(only))
      checker.report(
        ['hotkeys', source],
        `${named[0]![1]} is of seat ${only}, which has hotkeys of its own; move this one there`,
      );
  }
  const foreign = (output: string): string | undefined => {
    const seat = seatOf(output);
    return seat === defaultSeat
      ? undefined
      : `${output} is of seat ${seat}, whose pointer alone goes there; write seamless: below that seat`;
  };
  const rows = checkSeamless(place.seamless, ['seamless'], known.names, foreign, checker);
  const hotkeys = inherited(defaultSeat, rest);
  return [
    ...seats,
    { name: defaultSeat, devices: [], outputs: [], hotkeys, ...(rows && { seamless: rows }) },
  ];
}

function whoseIs(seat: string): string {
  return seat === defaultSeat ? 'in no seat' : `of seat ${seat}`;
}

function readDevices(value: unknown, path: Path, taken: Taken, checker: Checker): string[] {
  return readList(value, path, 'devices', 'a device; name its keyboard, e.g. "Logitech *"', checker).flatMap(
    ([text, at]): string[] => {
      const problem = typeof text === 'string' ? deviceProblem(text) : `a device, not ${kindOf(text)}`;
      if (problem !== undefined || typeof text !== 'string') {
        checker.report(at, `this must be ${problem}; ${deviceExamples}`);
        return [];
      }
      if (/^\/dev\/input\/event\d+$/.test(text))
        checker.note(
          `line ${checker.line(at)}: ${text} is another device after the next start, perhaps; its names below /dev/input/by-id and by-path last`,
        );
      take(taken, text.trim().replace(/\s+/g, ' ').toLowerCase(), `"${text}"`, path, at, checker);
      return [text.trim()];
    },
  );
}

const deviceExamples =
  'write its name ("Logitech *"), its path (/dev/input/by-path/…, * for any text), or udev:seat1';

/** What it should be instead; undefined: it is all right. */
function deviceProblem(text: string): string | undefined {
  if (text.trim() === '') return 'a device, not an empty text';
  if (text.startsWith('/') && !text.startsWith('/dev/input/'))
    return `a device below /dev/input, not "${text}"`;
  if (/^event\d+$/.test(text)) return `the name of a device; did you mean /dev/input/${text}?`;
  if (text.startsWith(UDEV_SEAT) && !/^seat[A-Za-z0-9_-]*$/.test(text.slice(UDEV_SEAT.length)))
    return `a seat of udev's, which are called seat0, seat1 and so on, not "${text}"`;
  return undefined;
}

function readOutputs(
  value: unknown,
  path: Path,
  taken: Taken,
  names: OutputNames,
  checker: Checker,
): string[] {
  return readList(value, path, 'outputs', 'an output; name its monitor, e.g. DP-1', checker).flatMap(
    ([text, at]): string[] => {
      if (typeof text !== 'string') {
        checker.report(at, `this must be an output, not ${kindOf(text)}; write e.g. DP-1`);
        return [];
      }
      const name = names.resolve(text, at)?.name;
      if (name === undefined) return [];
      take(taken, name, name, path, at, checker);
      return [name];
    },
  );
}

/** The elements of a list of a seat's, and where they are. What is no list the schema has reported. */
function readList(
  value: unknown,
  path: Path,
  key: string,
  least: string,
  checker: Checker,
): [unknown, Path][] {
  const list: unknown = entry(value, key);
  if (!Array.isArray(list)) return [];
  if (list.length === 0) checker.report([...path, key], `a seat without ${least}`);
  return list.map((element: unknown, index): [unknown, Path] => [element, [...path, key, `${index}`]]);
}

function take(taken: Taken, what: string, shown: string, path: Path, at: Path, checker: Checker): void {
  const other = taken.get(what);
  if (other !== undefined) checker.report(at, `${shown} is of ${other} already; remove one of them`);
  else taken.set(what, `seat ${path.at(-1)} (line ${checker.line(at)})`);
}

/** The outputs that an action names, of itself or by its layout. */
function outputsOf(action: Action, layouts: readonly LayoutConfig[]): readonly string[] {
  switch (action.kind) {
    case 'show':
    case 'next':
    case 'previous':
    case 'blank':
      return action.on === undefined ? [] : [action.on];
    case 'focus':
      return action.output === undefined ? [] : [action.output];
    case 'swap':
      return action.outputs ?? [];
    case 'layout':
      return layouts.find(({ name }) => name === action.layout)?.shows.map(({ output }) => output) ?? [];
    default:
      return [];
  }
}
