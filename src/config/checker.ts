import type { Path } from './document';

/** What the checks of a file share: where problems and notes go, and where in the text something stands. */
export interface Checker {
  report(path: Path, message: string, at?: 'key' | 'value'): void;
  note(message: string): void;
  line(path: Path): number;
}

/** Checks what users call something of theirs: a key of the file. */
export function checkName(name: string, path: Path, checker: Checker): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
    checker.report(path, `"${name}" is no name; use letters, digits, ".", "_" and "-" only`, 'key');
}

/** A mapping as its entries. What is none has no entries here: the schema has reported it. */
export function entries(value: unknown): [string, unknown][] {
  return isMapping(value) ? Object.entries(value) : [];
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One value of a mapping; never an inherited one. */
export function entry(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A value's kind in words, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'a mapping';
  }
}
