// Runs the compiled demo: its imports of ../../src are the daemon's own modules, in dist.
import Module, { createRequire } from 'node:module';
import { fileURLToPath, URL } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) =>
  resolve(request.replace(/^(\.\.\/)+src\//, `${repository}dist/`), ...rest);
createRequire(import.meta.url)(`${repository}build/test/test/demo/demo.js`);
