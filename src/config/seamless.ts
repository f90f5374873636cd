import type { Rows } from '../input/seamless';
import { kindOf } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import type { OutputNames } from './output-names';

const example =
  'write rows of outputs, e.g. [[DP-1, HDMI-A-1]], or [[DP-1], [HDMI-A-1]] for one above the other';

/**
 * Checks `seamless:`, rows of outputs: each output once, and only such as `foreign` finds nothing wrong with.
 * Undefined: the file has none.
 */
export function checkSeamless(
  value: unknown,
  path: Path,
  names: OutputNames,
  foreign: (output: string) => string | undefined,
  checker: Checker,
): Rows | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    checker.report(path, `seamless says where outputs stand, and cannot be ${kindOf(value)}; ${example}`);
    return undefined;
  }
  const lines = new Map<string, number>();
  const readOutput = (text: unknown, at: Path): string[] => {
    if (typeof text !== 'string') {
      checker.report(at, `this must be an output, not ${kindOf(text)}; write e.g. DP-1`);
      return [];
    }
    const name = names.resolve(text, at)?.name;
    if (name === undefined) return [];
    const line = lines.get(name);
    const problem =
      line === undefined
        ? foreign(name)
        : `${name} stands in line ${line} already; an output is in one place: remove one of them`;
    if (problem !== undefined) checker.report(at, problem);
    lines.set(name, line ?? checker.line(at));
    return [name];
  };
  const rows = value.map((row: unknown, index) => {
    const at = [...path, `${index}`];
    if (Array.isArray(row) && row.length > 0)
      return row.flatMap((text: unknown, column) => readOutput(text, [...at, `${column}`]));
    const what = Array.isArray(row) ? 'an empty row' : kindOf(row);
    checker.report(at, `a row is a list of outputs, not ${what}; ${example}`);
    return [];
  });
  if (value.length === 0 || (value.flat().length === 1 && rows.flat().length === 1))
    checker.report(path, `the pointer goes from output to output: name two at least; ${example}`);
  return rows;
}
