// Compiles the JSON Schema of the config into plain code, so that the daemon need not load a compiler at start.
import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

const schema = new URL('kms-switcher.schema.json', import.meta.url);
const target = new URL('../dist/config/schema-validator.js', import.meta.url);

const ajv = new Ajv2020({ allErrors: true, strict: true, code: { source: true } });
const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));
writeFileSync(target, standalone.default(ajv, validate));
