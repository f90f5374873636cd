import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { repository } from './child';
import type { Daemon } from './daemon';
import { eventually, pause } from './eventually';
import { fdCount, framebufferCount } from './kernel';
import { Panels } from './panels';

const run = promisify(execFile);

/** What is held while nothing happens: file descriptors, and whatever the kernel made on the card. */
export interface Held {
  readonly fds: number;
  readonly framebuffers: number;
  readonly blobs: number;
  /** Dumb buffers with a handle, and those that are mapped: either keeps one alive, as does its framebuffer. */
  readonly dumb: number;
  readonly imported: number;
  readonly mapped: number;
}

/**
 * File descriptors and framebuffers that are held while frames go on: the least of some time (milliseconds), as a frame
 * brings a descriptor that lives for a moment, and pictures that have left the panel are freed half a second later.
 */
export async function leastHeld(
  daemon: Daemon,
  { panels = Panels.lab, during = 400 }: { panels?: Panels; during?: number } = {},
): Promise<{ fds: number; framebuffers: number }> {
  const least = { fds: Infinity, framebuffers: Infinity };
  for (let left = during; left > 0; left -= 20) {
    least.fds = Math.min(least.fds, fdCount(daemon.pid));
    least.framebuffers = Math.min(least.framebuffers, framebufferCount(panels));
    await pause(20);
  }
  return least;
}

/** All that is held, once two looks at it in a row saw the same. */
export async function held(daemon: Daemon, panels: Panels = Panels.lab): Promise<Held> {
  let last: Held | undefined;
  return eventually(async () => {
    const least = await leastHeld(daemon, { panels });
    const { stdout } = await run(path.join(repository, 'build/guests/drm-objects'), [
      panels.device,
      `${daemon.pid}`,
    ]);
    const [blobs = NaN, dumb = NaN, imported = NaN] = stdout.split(' ').map(Number);
    // A guest that has just come may have shown only some of its buffers yet.
    const before = last;
    last = { ...least, blobs, dumb, imported, mapped: mappedBuffers(daemon.pid) };
    expect(last).toEqual(before);
    return last;
  });
}

/** Buffers of cards, and those of others by their dma-bufs, that a process has mapped. */
function mappedBuffers(pid: number): number {
  const maps = fs.readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n');
  return maps.filter((line) => /\/dev\/dri\/|\/dmabuf:/.test(line)).length;
}
