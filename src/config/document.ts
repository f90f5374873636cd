import type { Document, LineCounter, Node, Pair, YAMLError } from 'yaml';
import { messageOf } from '../error';
import type { Problem } from './problems';

/** Keys from the root of the file to a value. */
export type Path = readonly string[];

/** A parsed file: plain data, and where in the text each part of it stands. */
export interface ConfigDocument {
  readonly data: unknown;
  /** Where a value begins, or with `key` the key before it; the nearest thing that is there if it is not. */
  position(path: Path, at?: 'key' | 'value'): { readonly line: number; readonly column: number };
  /** What YAML itself refuses. `data` is of use all the same if there are but duplicate keys. */
  readonly problems: readonly Problem[];
}

/** Parses YAML text. Reports problems, never throws. */
export function parseDocument(text: string): ConfigDocument {
  // Takes a while to load, and neither the other commands nor --help read a config.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const yaml = require('yaml') as typeof import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    stringKeys: true,
    uniqueKeys: true,
  });
  const problems = [...document.errors, ...document.warnings].map((error) => describe(error, lines));
  const position = (path: Path, at: 'key' | 'value' = 'value') => locate(yaml, document, lines, path, at);
  if (problems.length > 0 && document.errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return { data: undefined, position, problems };
  try {
    // Aliases are few in an honest file; a file of aliases of aliases is meant to fill memory.
    return { data: document.toJS({ maxAliasCount: 100 }) as unknown, position, problems };
  } catch (error) {
    const message = `${messageOf(error)}; write the value out instead of an alias`;
    return {
      data: undefined,
      position,
      problems: [...problems, { ...firstAlias(yaml, document, lines), message }],
    };
  }
}

/** The commonest errors in other words than the parser's, and what to do about them. */
const wordings: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'this key is here already; remove or rename one of them',
  MULTIPLE_DOCS: 'a second document begins here; remove the "---" or what follows it',
  NON_STRING_KEY: 'a key must be plain text; write it as one word, or in quotes',
};
const remedies: Partial<Record<YAMLError['code'], string>> = {
  MISSING_CHAR: 'add it, or put the text in quotes',
  TAB_AS_INDENT: 'indent with spaces',
  TAG_RESOLVE_FAILED: 'remove the tag',
};

function describe(error: YAMLError, lines: LineCounter): Problem {
  const { line, col } = lines.linePos(error.pos[0]);
  const remedy = remedies[error.code];
  const message =
    wordings[error.code] ?? (remedy === undefined ? error.message : `${error.message}; ${remedy}`);
  return { line, column: col, message };
}

function locate(
  yaml: typeof import('yaml'),
  document: Document,
  lines: LineCounter,
  path: Path,
  at: 'key' | 'value',
): { line: number; column: number } {
  let key: unknown;
  let value: unknown = document.contents;
  for (const name of path) {
    if (yaml.isAlias(value)) value = value.resolve(document);
    const pair: Pair | undefined = yaml.isMap(value)
      ? value.items.find((item) => yaml.isScalar(item.key) && item.key.value === name)
      : undefined;
    const element: unknown = yaml.isSeq(value) ? value.items[Number(name)] : undefined;
    if (pair === undefined && element === undefined) break;
    key = pair?.key;
    value = pair === undefined ? element : pair.value;
  }
  return (
    start(yaml, lines, (at === 'key' ? key : undefined) ?? value) ??
    start(yaml, lines, key) ?? { line: 1, column: 1 }
  );
}

function start(yaml: typeof import('yaml'), lines: LineCounter, node: unknown) {
  if (!yaml.isNode(node) || !(node as Node).range) return undefined;
  const { line, col } = lines.linePos((node as Node).range![0]);
  return { line, column: col };
}

function firstAlias(yaml: typeof import('yaml'), document: Document, lines: LineCounter) {
  let found: { line: number; column: number } | undefined;
  yaml.visit(document, {
    Alias(_key, node) {
      found ??= start(yaml, lines, node);
    },
  });
  return found ?? { line: 1, column: 1 };
}
