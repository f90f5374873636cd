import * as os from 'node:os';
import { systemError } from '../native';
import type { Fields } from './header';
import type { BusValue } from './values';

const { EINVAL } = os.constants.errno;
const KEYS = /^(?:type|sender|interface|member|path|path_namespace|arg\d{1,2})$/;
const PAIR = /\s*([a-z_]+\d*)='([^']*)'(?:,|$)/y;

/** Which signals somebody listens to: a match rule in D-Bus words, `type='signal',member='…'`. */
export class Match {
  readonly #keys = new Map<string, string>();
  readonly #args: [index: number, value: string][] = [];

  /** Throws EINVAL for what is no rule, or has what is not understood. */
  constructor(readonly rule: string) {
    PAIR.lastIndex = 0;
    while (PAIR.lastIndex < rule.length) {
      const [, key = '', value = ''] = PAIR.exec(rule) ?? [];
      if (!KEYS.test(key) || this.#keys.has(key) || (key === 'type' && value !== 'signal')) {
        throw systemError(EINVAL, 'match');
      }
      this.#keys.set(key, value);
      if (key.startsWith('arg')) this.#args.push([Number(key.slice(3)), value]);
    }
  }

  /** Whether a signal's header fits; its values may not. */
  fits(signal: Fields): boolean {
    for (const key of ['sender', 'interface', 'member', 'path'] as const) {
      const wanted = this.#keys.get(key);
      if (wanted !== undefined && wanted !== signal[key]) return false;
    }
    const root = this.#keys.get('path_namespace');
    return root === undefined || root === '/' || signal.path === root || signal.path.startsWith(`${root}/`);
  }

  fitsValues(values: readonly BusValue[]): boolean {
    return this.#args.every(([index, wanted]) => values[index] === wanted);
  }
}
