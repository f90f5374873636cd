import { Exit, Failure } from './exit';

/** `GUEST` or `GUEST:HEAD`, as users write it. */
export function parseHead(target: string): { guest: string; head: number } {
  const match = /^([^:]+)(?::(\d+))?$/.exec(target);
  if (!match) throw new Failure(Exit.USAGE, `${target} is not GUEST or GUEST:HEAD`);
  return { guest: match[1]!, head: Number(match[2] ?? 0) };
}
