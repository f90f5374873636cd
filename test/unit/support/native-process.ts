import { execFileSync } from 'node:child_process';
import * as path from 'node:path';

export const addon = path.resolve(__dirname, '../../../build/Release/kms_switcher.node');

/** A built module of src. */
export const built = (module: string): string => path.resolve(__dirname, '../../../dist', module);

/** Runs JavaScript in a process of its own, with the addon as `native`; returns what it printed. */
export const run = (script: string): string =>
  execFileSync(process.execPath, ['-e', `const native = require(${JSON.stringify(addon)}); ${script}`], {
    encoding: 'utf8',
    timeout: 20000,
  });
