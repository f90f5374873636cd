// What daemon-tap.c, preloaded into the daemon, has written down.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

const FILE = '/run/bench-tap';

export class Tap {
  /** Of the daemon; `cuts` is the socket that `cut` takes away from it. */
  environment;
  #seen = 0;

  constructor(cuts) {
    rmSync(FILE, { force: true });
    this.environment = {
      LD_PRELOAD: resolve('build/bench/daemon-tap.so'),
      DAEMON_TAP: FILE,
      DAEMON_TAP_CUTS: cuts,
    };
  }

  /** What has happened since the last time, oldest first. */
  take() {
    const lines = existsSync(FILE) ? readFileSync(FILE, 'utf8').split('\n').slice(0, -1) : [];
    const events = lines.slice(this.#seen).map((line) => {
      const [us, what, of] = line.split(' ');
      return { ms: Number(us) / 1000, what, of };
    });
    this.#seen = lines.length;
    return events;
  }

  /** As if QEMU had closed the socket: the daemon starts from the beginning. */
  cut(daemon) {
    process.kill(daemon.pid, 'SIGUSR2');
  }
}

/**
 * From a call to the first commit of a buffer that it brought.
 * @returns {{scanoutMs: number, ownMs: number, commitMs: number}} the time until the buffer came, the daemon's after that,
 *   and both
 */
export function timesOf(events, member) {
  const asked = events.findIndex(({ what, of }) => what === 'call' && of === member);
  const from = events[asked];
  /** When the buffers came that framebuffers were made of. */
  const made = new Map();
  let came;
  for (const { ms, what, of } of asked < 0 ? [] : events.slice(asked + 1)) {
    if (what === 'fds') came = ms;
    else if (what === 'framebuffer' && came !== undefined) made.set(of, came);
    else if (what === 'commit' && made.has(of)) {
      return { scanoutMs: made.get(of) - from.ms, ownMs: ms - made.get(of), commitMs: ms - from.ms };
    }
  }
  throw new Error(`no buffer was shown after ${member}: ${JSON.stringify(events)}`);
}
