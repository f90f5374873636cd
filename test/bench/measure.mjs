// Runs inside the lab, in virtual time: measures the parts that are named, all
// of them where none is, prints a table and leaves the figures in $LAB_OUT.

import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

import { endAll } from './children.mjs';
import { input } from './input.mjs';
import { fence, frames, hotkey, memory, start } from './parts.mjs';
import { qemu } from './qemu.mjs';
import { printTable } from './table.mjs';

const parts = { frames, fence, switch: hotkey, start, memory, input, qemu };

const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  console.error(`bench: there is no part ${unknown}: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const say = (text) => console.error(`bench: ${(performance.now() / 1000).toFixed(0).padStart(3)} s  ${text}`);

const figures = {};
for (const name of named.length > 0 ? named : Object.keys(parts)) {
  try {
    figures[name] = await parts[name](say);
  } catch (error) {
    figures[name] = { error: error.message };
    console.error(`bench: ${name} could not be measured: ${error.stack}`);
    process.exitCode = 1;
    await endAll();
  }
}
const rows = printTable(figures);
const late = rows.filter(({ figure, verdict }) => verdict === 'missed' && /\bmissed vblanks\b/.test(figure));
if (late.length > 0) {
  console.error(`bench: FAILED: ${late.map(({ figure, text }) => `${figure}: ${text}`).join('; ')}`);
  process.exitCode = 1;
}
writeFileSync(
  `${process.env.LAB_OUT}/bench.json`,
  `${JSON.stringify({ node: process.version, rows, figures }, null, 2)}\n`,
);
