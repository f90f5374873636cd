import type { LayoutConfig } from './config';
import { checkName, entries } from './checker';
import type { Checker } from './checker';
import { readHead } from './guests';
import type { OutputNames } from './output-names';

/** Checks `layouts:`: each outputs of its own, and their heads. */
export function checkLayouts(
  data: unknown,
  guests: ReadonlySet<string>,
  names: OutputNames,
  checker: Checker,
): LayoutConfig[] {
  return entries(data).map(([name, value]) => {
    const path = ['layouts', name];
    checkName(name, path, checker);
    const shows: { output: string; head: { guest: string; head: number } }[] = [];
    for (const [text, show] of entries(value)) {
      const at = [...path, text];
      const output = names.resolve(text, at, 'key')?.name;
      const head = readHead({ show }, path, guests, {
        ...checker,
        report: (_path, message) => {
          checker.report(at, message);
        },
      });
      if (output === undefined || head === undefined) continue;
      const other = shows.find((known) => known.output === output);
      if (other) checker.report(at, `${output} is in this layout twice; remove one of them`, 'key');
      shows.push({ output, head });
    }
    return { name, shows };
  });
}
