// Programs started for a measurement; none of them may be left over for the next.

import { spawn } from 'node:child_process';

const running = new Map();

/** As child_process.spawn, with `env` beside what the environment has. */
export function launch(program, options, stdio, env = {}) {
  const child = spawn(program, options, { stdio, env: { ...process.env, ...env } });
  running.set(
    child,
    new Promise((resolve) => {
      child.once('close', () => {
        running.delete(child);
        resolve();
      });
    }),
  );
  return child;
}

/** Ends what a part that failed has left running. */
export async function endAll() {
  for (const child of running.keys()) child.kill();
  await Promise.all(running.values());
}
