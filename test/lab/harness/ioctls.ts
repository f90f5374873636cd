import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child } from './child';
import { scratch } from './daemon';
import { eventually } from './eventually';

/** The ioctls that a process' main thread makes while `work` runs, as strace writes them: `ioctl(9, DRM_IOCTL_…) = 0`. */
export async function ioctlsDuring(pid: number, work: () => Promise<void>): Promise<string[]> {
  const file = path.join(scratch(), 'strace');
  const strace = new Child('strace', ['-e', 'trace=ioctl', '-o', file, '-p', `${pid}`]);
  await eventually(() => {
    expect(strace.stderr.join('\n')).toMatch(/attached/);
  });
  try {
    await work();
  } finally {
    strace.kill('SIGINT');
    await strace.ended();
  }
  return fs.readFileSync(file, 'utf8').split('\n');
}
