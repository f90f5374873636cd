// What is measured. Each part returns its figures and throws where there was
// nothing to measure.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { FOLDER, outputName, socketOf, startDaemon } from './daemon.mjs';
import { HungGuest } from './hung-guest.mjs';
import { cDaemon, flipLoop, panelCard, startGuest, stopGuests } from './peers.mjs';

const FRAMES = 3600;
// Until V8 has compiled what is called twice a frame; the C programs are as fast as they will ever be.
const WARMUP = 3600;
const C_WARMUP = 120;
const SWITCHES = 60;
const STARTS = 5;
const GUESTS = ['one', 'two', 'three', 'four'];

const KEY_LEFTCTRL = 29;
const KEY_LEFTALT = 56;
const KEY_1 = 2;
const EV_KEY = 1;

export function require_(condition, problem) {
  if (!condition) throw new Error(problem);
}

export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { count: sorted.length, median: at(0.5), p99: at(0.99), max: sorted.at(-1) };
}

/** Waits until the guests' own buffers are on the panels, as they lie. */
export async function shown(daemon, panels) {
  for (let tries = 0; ; tries++) {
    const { outputs } = await daemon.status();
    if (outputs.filter(({ path }) => path === 'direct').length === panels) return;
    require_(tries < 600, `the guests are not shown: ${JSON.stringify(outputs)}`);
    await sleep(100);
  }
}

/** What the outputs that show guests have counted, together. */
async function count(daemon, panels) {
  const outputs = (await daemon.status()).outputs.slice(0, panels);
  require_(
    outputs.every(({ path }) => path === 'direct'),
    'a panel does not show its guest directly',
  );
  const sum = (field) => outputs.reduce((total, output) => total + output[field], 0);
  return { frames: sum('frames'), missed: sum('idleVblanks'), modesets: sum('modesets') };
}

async function daemonFrames(panels, rate) {
  const names = GUESTS.slice(0, panels);
  const daemon = await startDaemon(names, panels);
  const guests = names.map((name) => startGuest(name));
  await shown(daemon, panels);
  // Guests draw their buffers while they show them for the first time, too slowly for every vblank.
  await sleep(3000);
  const first = await count(daemon, panels);
  const cpuFirst = daemon.cpuUs();
  await sleep((WARMUP / rate) * 1000);
  const before = await count(daemon, panels);
  const cpuBefore = daemon.cpuUs();
  const from = performance.now();
  // A few vblanks more, so that what is counted is enough.
  await sleep(((FRAMES + 6) / rate) * 1000);
  const cpu = daemon.cpuUs() - cpuBefore;
  const seconds = (performance.now() - from) / 1000;
  const after = await count(daemon, panels);
  const acks = (await stopGuests(guests)).map(({ ackUs }) => ackUs);
  await daemon.stop();

  const frames = after.frames - before.frames;
  const missed = after.missed - before.missed;
  require_(frames + missed >= FRAMES * panels, `only ${frames} frames were shown`);
  require_(after.modesets === before.modesets, 'there was a modeset while measuring');
  // The daemon's own count against the clock: every vblank showed a frame or missed one.
  const vblanks = seconds * rate * panels;
  require_(
    Math.abs(frames + missed - vblanks) <= 4 * panels,
    `${frames} + ${missed} of ${vblanks} vblanks are accounted for`,
  );
  return {
    outputs: panels,
    warmup: WARMUP,
    frames,
    missed,
    missedInWarmup: before.missed - first.missed,
    cpuUsPerFrameInWarmup: (cpuBefore - cpuFirst) / (before.frames - first.frames),
    cpuUsPerFrame: cpu / frames,
    seconds,
    ackUs: {
      median: Math.max(...acks.map(({ median }) => median)),
      p99: Math.max(...acks.map(({ p99 }) => p99)),
      max: Math.max(...acks.map(({ max }) => max)),
    },
  };
}

export async function frames(say) {
  const figures = {};
  for (const panels of [1, 3]) {
    const on = panels === 1 ? 'one panel' : `${panels} panels`;
    say(`${on}: flip loop, ${FRAMES} frames`);
    const loop = await flipLoop(panels, FRAMES, C_WARMUP);
    say(`${on}: C daemon`);
    const c = await cDaemon(GUESTS.slice(0, panels), FRAMES, C_WARMUP);
    for (const { name, frames: shownFrames } of [loop, c]) {
      require_(shownFrames >= FRAMES * panels, `${name} showed ${shownFrames} frames only`);
    }
    say(`${on}: kms-switcher`);
    const own = await daemonFrames(panels, loop.frames / panels / loop.seconds);
    figures[panels] = { flipLoop: loop, cDaemon: c, kmsSwitcher: own };
  }
  return figures;
}

/** What the other two panels miss while a guest's GPU does not finish its picture, which the first keeps waiting for. */
export async function fence(say) {
  const HANGS = 3;
  const HANG_MS = 8000; // the kernel waits for ten seconds
  say(`${HANGS} times a guest whose GPU hangs, beside two that flip`);
  const [first, ...others] = GUESTS.slice(0, 3);
  const daemon = await startDaemon([first, ...others], 3);
  const guests = others.map((name) => startGuest(name));
  const hung = await HungGuest.join(socketOf(first), FOLDER, 1920, 1080);
  await hung.show();
  await shown(daemon, 3);
  await sleep(30_000);
  const figures = { frames: 0, missed: 0, each: [] };
  // The first one runs code that has never run.
  for (let hang = 0; hang <= HANGS; hang++) {
    const before = await count(daemon, 3);
    const { frames: held } = await daemon.output(outputName(0));
    await hung.begin();
    await hung.show();
    await sleep(HANG_MS);
    const { frames: now, reason } = await daemon.output(outputName(0));
    require_(now === held && /GPU/.test(reason), `the unfinished picture was not waited for: ${reason}`);
    const after = await count(daemon, 3);
    await hung.finish();
    const missed = after.missed - before.missed;
    figures.each.push(missed);
    if (hang > 0) {
      figures.frames += after.frames - before.frames;
      figures.missed += missed;
    }
    await sleep(1000);
  }
  require_(figures.frames > HANGS * 2 * (HANG_MS / 1000) * 50, `only ${figures.frames} frames were shown`);
  hung.close();
  await stopGuests(guests);
  await daemon.stop();
  return figures;
}

/** Presses the hotkeys of two guests in turn and collects what the daemon says of each switch. */
async function switches(daemon, keyboard, period) {
  const name = outputName(0);
  const commits = [];
  const waits = [];
  const own = [];
  for (let index = 0; index < SWITCHES; index++) {
    const target = (index + 1) % 2;
    const keys = [KEY_LEFTCTRL, KEY_LEFTALT, KEY_1 + target];
    for (const key of keys) keyboard.emit(EV_KEY, key, 1);
    await sleep(100);
    for (const key of keys.reverse()) keyboard.emit(EV_KEY, key, 0);
    const { guest, path, lastSwitch } = await daemon.output(name);
    require_(
      guest === GUESTS[target] && path === 'direct' && lastSwitch?.agoMs < 1000,
      `hotkey ${target + 1} did not switch: ${guest}, ${path}, ${JSON.stringify(lastSwitch)}`,
    );
    require_(
      lastSwitch.commitMs > 0 && lastSwitch.shownMs > 0,
      `a switch without a commit: ${JSON.stringify(lastSwitch)}`,
    );
    commits.push(lastSwitch.commitMs);
    waits.push(lastSwitch.shownMs);
    // What is the daemon's own: a flip that is under way keeps every other commit off until its vblank.
    own.push(lastSwitch.commitMs - Math.max(0, lastSwitch.shownMs - period));
    // Every time another moment between two vblanks.
    await sleep(100 + ((index * 7) % 17) + 0.3);
  }
  return { commitMs: summary(commits), ownMs: summary(own), shownMs: summary(waits), each: { commits, own } };
}

export async function hotkey(say) {
  const { native } = createRequire(import.meta.url)('../../dist/native.js');
  const keyboard = native.createUinput('bench keyboard');
  const figures = {};
  for (const [kind, options] of [
    ['still', ['--static']],
    ['moving', []],
  ]) {
    say(`${SWITCHES} switches by hotkey, ${kind} guests`);
    const daemon = await startDaemon(GUESTS.slice(0, 2), 1, {
      'Ctrl+Alt+1': { show: GUESTS[0], on: outputName(0) },
      'Ctrl+Alt+2': { show: GUESTS[1], on: outputName(0) },
    });
    const guests = GUESTS.slice(0, 2).map((name) => startGuest(name, ...options));
    await shown(daemon, 1);
    await daemon.logged(/bench keyboard/);
    await sleep(3000);
    const { modesets } = await daemon.output(outputName(0));
    figures[kind] = await switches(daemon, keyboard, 1000 / 60);
    figures[kind].modesets = (await daemon.output(outputName(0))).modesets - modesets;
    await stopGuests(guests);
    await daemon.stop();
  }
  keyboard.close();
  return figures;
}

/** How many planes show a buffer that is not the console's, by what the kernel says. */
function ownPlanes() {
  const state = readFileSync(`/sys/kernel/debug/dri/${panelCard().replace(/.*\D/, '')}/state`, 'utf8');
  const makers = state.match(/allocated by = .*/g) ?? [];
  return makers.filter((maker) => !maker.endsWith('[fbcon]')).length;
}

async function startOnce() {
  require_(ownPlanes() === 0, 'the panels do not show the console');
  const asked = Date.now();
  const daemon = await startDaemon(GUESTS.slice(0, 2), 2);
  // Nobody looks meanwhile: there is one processor, and looking takes time.
  await sleep(1000);
  require_(ownPlanes() === 3, 'not every panel shows a picture');
  const log = await daemon.stop();
  const since = (pattern) =>
    [...log.matchAll(pattern)].map(
      ([, time]) => Date.parse(`${new Date(asked).toISOString().slice(0, 10)}T${time}Z`) - asked,
    );
  const lit = since(/^(\S+) info: \S+: lit with/gm);
  require_(lit.length === 3, `the log does not tell when panels were lit:\n${log}`);
  return { first: lit[0], all: lit[2], ready: since(/^(\S+) info: ready after/gm)[0] };
}

export async function start(say) {
  say('start: once to read all files');
  await startOnce();
  const runs = [];
  for (let run = 1; run <= STARTS; run++) {
    say(`start ${run} of ${STARTS}`);
    runs.push(await startOnce());
  }
  const of = (field) => summary(runs.map((run) => run[field]));
  return { firstPictureMs: of('first'), allPanelsMs: of('all'), readyMs: of('ready') };
}

export async function memory(say) {
  say('memory: four guests on three panels, a minute');
  const daemon = await startDaemon(GUESTS, 3);
  const guests = GUESTS.map((name) => startGuest(name));
  await shown(daemon, 3);
  const before = await count(daemon, 3);
  await sleep(60_000);
  const after = await count(daemon, 3);
  const { guests: known, framebuffers } = await daemon.status();
  require_(known.filter(({ connected }) => connected).length === 4, 'not all guests are connected');
  require_(after.frames - before.frames > 1000, 'nothing was shown');
  const figures = { kB: daemon.memory(), guests: known.length, framebuffers, frames: after.frames };
  await stopGuests(guests);
  await daemon.stop();
  return figures;
}
