import { keyCode, keyName, unknownKey } from '../input/keys';
import { readAction, type Known } from './actions';
import { entries, entry, isMapping, kindOf } from './checker';
import type { Checker } from './checker';
import type { SecureConfig, SwitchKey } from './config';
import { hint } from './nearest';

/** What switches without anybody's asking for that very guest, and what only a guest's keyboard could do. */
const refused: Readonly<Record<string, string>> = {
  scan: 'the secure profile has no scan: guests are shown when somebody asks for them; remove it',
  send: 'the secure profile sends no keys: a guest gets what is typed while it is shown; remove it',
  help: 'help lists hotkeys, and the secure profile has none; remove it',
};

/** What of the rest of a file the secure profile does not go with. */
const without: Readonly<Record<string, string>> = {
  hotkeys: 'the secure profile has no hotkeys: put these keys on a device of their own, below secure: keys:',
  passthrough: 'the secure profile has no hotkeys, so every key goes to guests; remove passthrough',
  seats: 'the secure profile is for one user at one machine; remove seats',
  seamless:
    'the secure profile moves the focus when somebody asks for it, not with the pointer; remove seamless',
  escape:
    'the secure profile has no hotkeys; put escape on a key below secure: keys:, or switch to a console (Ctrl+Alt+F1)',
};

const example = 'write e.g. { device: "Acme Front Panel", keys: { F1: { show: <guest> } } }';

/** Checks `secure:`, and that nothing in the file speaks against it; undefined: the file has no secure profile. */
export function checkSecure(data: unknown, known: Known, checker: Checker): SecureConfig | undefined {
  const secure = entry(data, 'secure');
  if (secure === undefined || secure === false) return undefined;
  if (secure !== true && !isMapping(secure)) {
    checker.report(['secure'], `secure must be true or a mapping, not ${kindOf(secure)}; ${example}`);
    return undefined;
  }
  for (const [key, message] of Object.entries(without)) {
    const value = entry(data, key);
    const empty =
      (isMapping(value) && Object.keys(value).length === 0) || (Array.isArray(value) && value.length === 0);
    if (value !== undefined && !empty) checker.report([key], message, 'key');
  }
  if (entry(data, 'handover') === 'keep')
    checker.report(
      ['handover'],
      'the secure profile leaves no picture behind: whoever has the card next could read it; write blank, or remove it',
    );
  return secure === true ? { keys: [] } : readDevice(secure, known, checker);
}

function readDevice(secure: Readonly<Record<string, unknown>>, known: Known, checker: Checker): SecureConfig {
  const { device, keys } = secure;
  for (const key of Object.keys(secure).filter((name) => name !== 'device' && name !== 'keys'))
    checker.report(['secure', key], `unknown key "${key}"${hint(key, ['device', 'keys'])}`, 'key');
  if (device !== undefined && (typeof device !== 'string' || device === ''))
    checker.report(
      ['secure', 'device'],
      `the device must be a name or a path, not ${kindOf(device)}; ${example}`,
    );
  if (keys !== undefined && !isMapping(keys))
    checker.report(['secure', 'keys'], `keys must be a mapping, not ${kindOf(keys)}; ${example}`);
  if (keys === undefined && device !== undefined)
    checker.report(['secure'], 'a device without keys switches nothing; add keys: { F1: { show: <guest> } }');
  if (device === undefined && keys !== undefined)
    checker.report(
      ['secure'],
      'keys of which device? add device: with its name or its path below /dev/input',
    );
  if (typeof device === 'string' && device.startsWith('/') && !device.startsWith('/dev/input/'))
    checker.report(
      ['secure', 'device'],
      `"${device}" is no input device; write its name, or a path below /dev/input/by-path`,
    );
  return {
    ...(typeof device === 'string' && { device }),
    keys: readKeys(keys, known, checker),
  };
}

function readKeys(keys: unknown, known: Known, checker: Checker): SwitchKey[] {
  const read: SwitchKey[] = [];
  for (const [name, value] of entries(keys)) {
    const path = ['secure', 'keys', name];
    const code = keyCode(name);
    const other = read.find((key) => key.code === code);
    if (code === undefined) {
      const message = /[+\s]/.test(name)
        ? `unknown key "${name}"; a key of this device acts by itself: write one key, e.g. F1`
        : unknownKey(name);
      checker.report(path, message, 'key');
    } else if (other) checker.report(path, `${keyName(code)} is here already; remove one of them`, 'key');
    const kind = kindOfAction(value);
    const why = refused[kind];
    if (why !== undefined) checker.report(path, why);
    else if (kind === 'hold') checker.report(path, 'a key of this device acts at once; remove hold');
    else {
      const action = readAction(value, path, known, checker);
      if (action && code !== undefined && !other) read.push({ code, action });
    }
  }
  if (isMapping(keys) && Object.keys(keys).length === 0)
    checker.report(['secure', 'keys'], 'no key switches anything; add e.g. F1: { show: <guest> }', 'key');
  return read;
}

function kindOfAction(value: unknown): string {
  if (typeof value === 'string') return value;
  return isMapping(value)
    ? (Object.keys(value).find((key) => key in refused || key === 'hold') ?? '')
    : kindOf(value);
}
