import * as fs from 'node:fs';
import { isNativeError, native } from './native';

/**
 * Removes a socket nobody listens on any more (of a daemon that crashed). Throws, in words, for anything else there.
 */
export function removeStaleSocket(file: string): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket())
    throw new Error('a file that is no socket is in the way: move it, or choose another path');
  try {
    native.connect(file).close();
  } catch (error) {
    if (!isNativeError(error, 'ECONNREFUSED')) throw error;
    fs.unlinkSync(file);
    return;
  }
  throw new Error('another process listens there: is kms-switcher running already?');
}
