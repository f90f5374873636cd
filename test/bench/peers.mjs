// The programs the daemon is measured with: guests that draw, and those in C
// that do its work with less.

import { mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { launch } from './children.mjs';
import { socketOf } from './daemon.mjs';

/** The card of the virtual panels. */
export function panelCard() {
  const name = readdirSync('/sys/devices/faux/lab/drm').find((entry) => /^card\d+$/.test(entry));
  if (!name) throw new Error('the lab has no panels');
  return `/dev/dri/${name}`;
}

/** Runs a program that ends by printing one line of JSON. `done` resolves with it. */
function start(program, options, stderr = 'inherit', stdin = 'ignore') {
  const child = launch(program, options, [stdin, 'pipe', stderr]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  const done = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0 && text !== '') resolve(JSON.parse(text));
      else reject(new Error(`${program} ended with ${code ?? signal}: ${text}`));
    });
  });
  // Told to whoever waits for the result; until then it is no unhandled rejection.
  done.catch(() => undefined);
  return { done, stop: () => child.kill(), tell: (line) => child.stdin.end(`${line}\n`) };
}

const guestOptions = (name) => [
  ...['--socket', socketOf(name), '--name', name, '--size', '1920x1080'],
  // Drawn beforehand, so that the time it takes is its protocol's; the next is sent when the last was shown.
  ...['--buffers', '8', '--stats'],
];

export function startGuest(name, ...options) {
  return start('build/guests/picture-guest', [...guestOptions(name), ...options]);
}

/** Stops guests and collects their statistics. */
export async function stopGuests(guests) {
  for (const guest of guests) guest.stop();
  return Promise.all(guests.map(({ done }) => done));
}

const counts = (frames, warmup) => [
  '--frames',
  String(frames),
  '--warmup',
  String(warmup),
  '--card',
  panelCard(),
];

export function flipLoop(panels, frames, warmup) {
  return start('build/bench/flip-loop', ['--outputs', String(panels), ...counts(frames, warmup)]).done;
}

/** What QEMU alone takes for what the daemon is measured with; every time is a list. */
export function qemuFloor(qmp, rounds, sizes) {
  const options = sizes.flatMap((size) => ['--size', size]);
  return start('build/bench/qemu-floor', ['--qmp', qmp, '--rounds', String(rounds), ...options]).done;
}

/** `keys` or `motion`, so many, to a device of a guest's, or through the C floor; `go` resolves with what was found. */
export function startInputMeter(what, count, device) {
  const options = [what, String(count), ...(device === undefined ? [] : [device])];
  const { done, tell } = start('build/bench/input-meter', options, 'inherit', 'pipe');
  return {
    go: () => {
      tell('go');
      return done;
    },
  };
}

export async function cDaemon(guests, frames, warmup) {
  mkdirSync(dirname(socketOf('')), { recursive: true });
  const sockets = guests.flatMap((guest) => ['--socket', socketOf(guest)]);
  const peer = start('build/bench/c-daemon', [...sockets, ...counts(frames, warmup)]);
  // It hangs up on them when it has counted enough, and they complain.
  const running = guests.map((guest) => start('build/guests/picture-guest', guestOptions(guest), 'ignore'));
  try {
    return await peer.done;
  } finally {
    for (const guest of running) guest.stop();
    await Promise.allSettled(running.map(({ done }) => done));
  }
}
