import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';

const TRACING = '/sys/kernel/tracing';

/**
 * How many commits that it waits for any program makes while `work` runs: those that set CRTCs, or switch them off. The
 * kernel's own record of what was carried out: neither tests nor flips are among them.
 */
export async function commitsDuring(work: () => Promise<void>): Promise<number> {
  const write = (file: string, text: string): void => {
    fs.writeFileSync(`${TRACING}/${file}`, text);
  };
  if (!fs.existsSync(`${TRACING}/trace`)) execFileSync('mount', ['-t', 'tracefs', 'tracefs', TRACING]);
  write('set_ftrace_filter', 'drm_atomic_commit');
  write('current_tracer', 'function');
  write('trace', '');
  try {
    await work();
    const lines = fs.readFileSync(`${TRACING}/trace`, 'utf8').split('\n');
    return lines.filter((line) => line.includes('drm_atomic_commit <-drm_mode_atomic_ioctl')).length;
  } finally {
    write('current_tracer', 'nop');
    write('set_ftrace_filter', '');
  }
}
