import * as os from 'node:os';
import { native, systemError, type NativeSocket } from '../native';

const { EINVAL, EPROTONOSUPPORT } = os.constants.errno;

/**
 * Connects to a bus by its address (`unix:path=…` or `unix:abstract=…`): other kinds would resolve names or start
 * programs, and wait for them. Throws EPROTONOSUPPORT for those, EINVAL for what is no address.
 */
export function connectTo(address: string): NativeSocket {
  if (!address.startsWith('unix:') || address.includes(';')) throw systemError(EPROTONOSUPPORT, 'connect');
  const keys = new Map(
    address
      .slice('unix:'.length)
      .split(',')
      .map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, Math.max(at, 0)), unescaped(pair.slice(at + 1))];
      }),
  );
  const [path, name] = [keys.get('path'), keys.get('abstract')];
  if ((path === undefined) === (name === undefined)) throw systemError(EINVAL, 'connect');
  return path === undefined ? native.connect(name!, true) : native.connect(path);
}

function unescaped(value: string): string {
  const rest = value.replace(/%[0-9a-fA-F]{2}/g, '');
  if (rest.includes('%') || value.includes('\0') || value.includes('%00'))
    throw systemError(EINVAL, 'connect');
  return Buffer.from(
    Buffer.from(value)
      .toString('latin1')
      .replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
}
