import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { kindOf } from './checker';
import type { Path } from './document';
import { hint } from './nearest';

/** Where data departs from the schema, and how to mend it. */
export interface SchemaProblem {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  /** Only worth telling if nothing else is: the other checks have better words for it. */
  readonly crude: boolean;
}

/** The schema, which editors use as well. */
export const schemaFile = join(__dirname, '../../config/kms-switcher.schema.json');

let validate: ValidateFunction | undefined;

/** Checks the shape of a config: keys and types. What values mean is checked elsewhere, with better words. */
export function checkShape(data: unknown): SchemaProblem[] {
  validate ??= loadValidator();
  if (validate(data)) return [];
  const errors = validate.errors ?? [];
  const unknownKeys = new Set(
    errors
      .filter(({ keyword }) => keyword === 'additionalProperties')
      .map(({ instancePath }) => instancePath),
  );
  return (
    errors
      // The key that is missing is most likely the one that is misspelt.
      .filter(({ keyword, instancePath }) => keyword !== 'required' || !unknownKeys.has(instancePath))
      .map((error) => ({
        ...describe(error, data),
        // Which of several alternatives was meant, the schema cannot tell.
        crude:
          /^((\/seats\/[^/]+)?\/hotkeys\/|\/card\b)/.test(error.instancePath) ||
          /\/(anyOf|oneOf|dependentSchemas)\//.test(error.schemaPath) ||
          !plain.has(error.keyword),
      }))
  );
}

/** Loads the validator that the build made of the schema; where nothing was built, makes it here, which takes long. */
function loadValidator(): ValidateFunction {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('./schema-validator.js') as ValidateFunction;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { Ajv2020 } = require('ajv/dist/2020') as typeof import('ajv/dist/2020');
  return new Ajv2020({ allErrors: true, strict: true }).compile(readSchema());
}

function readSchema(): Schema & { readonly $defs: Readonly<Record<string, Schema>> } {
  return JSON.parse(readFileSync(schemaFile, 'utf8')) as ReturnType<typeof readSchema>;
}

const plain = new Set(['additionalProperties', 'required', 'type', 'enum', 'minProperties']);

function describe(error: ErrorObject, data: unknown): Omit<SchemaProblem, 'crude'> {
  const path = segments(error.instancePath);
  const params = error.params as Readonly<Record<string, unknown>>;
  const name = path.at(-1) ?? 'the file';
  const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], data);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const message = `unknown key "${key}"${hint(key, knownKeys(path)) || '; remove it'}`;
      return { path: [...path, key], at: 'key', message };
    }
    case 'required': {
      const key = String(params.missingProperty);
      const owner = path.length === 0 ? 'the file' : `"${name}"`;
      return { path, at: 'key', message: `${owner} has no "${key}"; add ${key}: …` };
    }
    case 'type': {
      const wanted = words.get(String(params.type)) ?? String(params.type);
      return {
        path,
        at: 'value',
        message: `"${name}" must be ${wanted}, not ${kindOf(value)}; ${remedy(wanted, value)}`,
      };
    }
    case 'enum': {
      const values = params.allowedValues as unknown[];
      const allowed = values.map(String);
      if (values.some((one) => typeof one === 'number' && String(one) === value))
        return {
          path,
          at: 'value',
          message: `"${name}" must be a number, not text; write ${String(value)} without quotes`,
        };
      const what =
        typeof value === 'string' ? `"${value}"` : typeof value === 'number' ? `${value}` : kindOf(value);
      const near = typeof value === 'number' ? '' : String(value);
      return { path, at: 'value', message: `"${name}" cannot be ${what}${hint(near, allowed)}` };
    }
    case 'minProperties':
      return { path, at: 'key', message: `"${name}" is empty; add at least one` };
    default:
      return { path, at: 'value', message: `"${name}" ${error.message ?? 'does not follow the schema'}` };
  }
}

const words = new Map([
  ['string', 'text'],
  ['object', 'a mapping'],
  ['array', 'a list'],
  ['integer', 'a whole number'],
  ['boolean', 'true or false'],
]);

function remedy(wanted: string, value: unknown): string {
  if (wanted === 'text' && (typeof value === 'number' || typeof value === 'boolean'))
    return 'put it in quotes';
  if (wanted === 'a mapping')
    return value === null ? 'write {} or indent its keys below it' : 'write key: value below it';
  return `write ${wanted}`;
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** The keys that the schema knows for the mapping at a path. */
function knownKeys(path: Path): string[] {
  const root = readSchema();
  const resolve = (schema: Schema | boolean | undefined): Schema => {
    if (typeof schema !== 'object') return {};
    return schema.$ref === undefined ? schema : (root.$defs[schema.$ref.replace('#/$defs/', '')] ?? {});
  };
  const schema = path.reduce<Schema>(
    (outer, key) => resolve(outer.properties?.[key] ?? outer.additionalProperties),
    root,
  );
  return Object.keys(schema.properties ?? {});
}

/** The parts of a JSON pointer. */
function segments(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
