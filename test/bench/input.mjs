// From a key to the guest, and a mouse's motion: through the daemon to the evdev
// devices of a guest, and through the C floor, which reads a device and writes to
// a pipe.

import { setTimeout as sleep } from 'node:timers/promises';

import { inputFolder, outputName, socketOf, startWith } from './daemon.mjs';
import { require_, shown, summary } from './parts.mjs';
import { startGuest, startInputMeter, stopGuests } from './peers.mjs';

const KEYS = 2000;
// Until V8 has compiled what a key takes.
const WARMUP = 2000;
const REPORTS = 20_000;

/** Of a guest that flips every vblank, or draws once: its keyboard and mouse. */
async function throughDaemon(kind, what, count) {
  const daemon = await startWith({
    guests: { one: { 'vhost-user-gpu': { listen: socketOf('one') }, input: 'uinput' } },
    outputs: { [outputName(0)]: { show: 'one', mode: '1920x1080' } },
    hotkeys: { 'Ctrl+Alt+1': { show: 'one' } },
  });
  const guests = [startGuest('one', ...(kind === 'still' ? ['--static'] : []))];
  await shown(daemon, 1);
  const keyboard = what === 'keys';
  const meter = startInputMeter(what, count, `${inputFolder}/one-${keyboard ? 'keyboard' : 'mouse'}`);
  await daemon.logged(keyboard ? /keyboard \d+: bench keyboard/ : /pointer \d+: bench mouse/);
  await sleep(1000);
  const before = daemon.cpuUs();
  const found = await meter.go();
  const cpuUs = daemon.cpuUs() - before;
  await stopGuests(guests);
  await daemon.stop();
  return { ...found, cpuUs };
}

async function floor(what, count) {
  const meter = startInputMeter(what, count);
  await sleep(1000);
  return meter.go();
}

function keyFigures({ us }) {
  require_(us.length === WARMUP + KEYS, `only ${us.length} keys were typed`);
  return { first: us[0], us: summary(us.slice(WARMUP)) };
}

function motionFigures({ reports, came, sent, received, lag, cpuUs }) {
  // Reports may be put together; what they say may not be lost.
  require_(came > 0, 'nothing has come');
  return {
    reports,
    came,
    sent,
    received,
    missing: Math.abs(sent[0] - received[0]) + Math.abs(sent[1] - received[1]),
    lag: summary(lag),
    ...(cpuUs === undefined ? {} : { cpuUsPerReport: cpuUs / reports }),
  };
}

export async function input(say) {
  const figures = { keys: {}, motion: {} };
  say(`${KEYS} key events: C floor`);
  figures.keys.floor = keyFigures(await floor('keys', WARMUP + KEYS));
  say(`${REPORTS} reports of a mouse: C floor`);
  figures.motion.floor = motionFigures(await floor('motion', REPORTS));
  for (const kind of ['still', 'moving']) {
    say(`${KEYS} key events, ${kind} guest`);
    figures.keys[kind] = keyFigures(await throughDaemon(kind, 'keys', WARMUP + KEYS));
    say(`${REPORTS} reports of a mouse, ${kind} guest`);
    figures.motion[kind] = motionFigures(await throughDaemon(kind, 'motion', REPORTS));
  }
  return figures;
}
