import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LogLevel } from './config';
import { ConfigError } from './problems';
import { cardDevice, cardProblem, isLogLevel, logLevelProblem, socketPathProblem } from './values';

/** What the command line may say; all of it may also stand in the environment. */
export interface Flags {
  readonly config?: string | undefined;
  readonly card?: string | undefined;
  readonly control?: string | undefined;
  readonly logLevel?: string | undefined;
}

/** What flags and environment decide over the file's head, and which file that is. */
export interface Settings {
  readonly file: string;
  readonly card?: string;
  readonly control?: string;
  readonly logLevel?: LogLevel;
}

export const systemFile = '/etc/kms-switcher/config.yaml';

/**
 * Flag before environment; what neither says is left to the file and the defaults.
 * Throws {@link ConfigError} naming the flag or variable.
 */
export function settings(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  system: { readonly uid: number; exists(file: string): boolean } = {
    uid: process.getuid?.() ?? 0,
    exists: existsSync,
  },
): Settings {
  const pick = (flag: string, value: string | undefined, variable: string) =>
    value === undefined ? { value: set(env[variable]), origin: variable } : { value, origin: flag };
  const file = pick('--config', flags.config, 'KMS_SWITCHER_CONFIG');
  const card = pick('--card', flags.card, 'KMS_SWITCHER_CARD');
  const control = pick('--control', flags.control, 'KMS_SWITCHER_CONTROL');
  const level = pick('--log-level', flags.logLevel, 'KMS_SWITCHER_LOG_LEVEL');
  check(card, cardProblem);
  check(control, socketPathProblem);
  check(level, logLevelProblem);
  return {
    file: file.value === undefined ? defaultFile(env, system) : resolve(file.value),
    ...(card.value !== undefined && { card: cardDevice(card.value) }),
    ...(control.value !== undefined && { control: control.value }),
    ...(level.value !== undefined && isLogLevel(level.value) && { logLevel: level.value }),
  };
}

function check(
  { value, origin }: { value: string | undefined; origin: string },
  problem: (value: string) => string | undefined,
): void {
  const message = value === undefined ? undefined : problem(value);
  if (message !== undefined) throw new ConfigError(origin, [{ line: 0, column: 0, message }]);
}

// A root daemon must not depend on whose environment it was started from.
function defaultFile(
  env: Readonly<Record<string, string | undefined>>,
  system: { readonly uid: number; exists(file: string): boolean },
): string {
  const home = set(env.HOME);
  const base = set(env.XDG_CONFIG_HOME) ?? (home && join(home, '.config'));
  if (system.uid === 0 || base === undefined) return systemFile;
  const own = join(base, 'kms-switcher/config.yaml');
  return system.exists(own) ? own : systemFile;
}

/** An empty variable is an unset one. An empty flag is a mistake, and is told so. */
function set(variable: string | undefined): string | undefined {
  return variable === '' ? undefined : variable;
}
