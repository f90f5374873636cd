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

/** What is never less than this is held: a frame brings a file descriptor that lives for a moment. */
export async function held(daemon: Daemon, panels: Panels = Panels.lab): Promise<Held> {
  let last: Held | undefined;
  return eventually(async () => {
    let [fds, framebuffers] = [Infinity, Infinity];
    for (let sample = 0; sample < 20; sample++) {
      fds = Math.min(fds, fdCount(daemon.pid));
      framebuffers = Math.min(framebuffers, framebufferCount(panels));
      await pause(20);
    }
    const { stdout } = await run(path.join(repository, 'build/guests/drm-objects'), [
      panels.device,
      `${daemon.pid}`,
    ]);
    const [blobs = NaN, dumb = NaN, imported = NaN] = stdout.split(' ').map(Number);
    // A guest that has just come may have shown only some of its buffers yet.
    const before = last;
    last = { fds, framebuffers, blobs, dumb, imported, mapped: mappedBuffers(daemon.pid) };
    expect(last).toEqual(before);
    return last;
  });
}

/** Buffers of cards, and those of others by their dma-bufs, that a process has mapped. */
function mappedBuffers(pid: number): number {
  const maps = fs.readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n');
  return maps.filter((line) => /\/dev\/dri\/|\/dmabuf:/.test(line)).length;
}
