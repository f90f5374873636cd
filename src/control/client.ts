import * as net from 'node:net';
import { MAX_LINE_BYTES, type Request, type TypingProgress } from './protocol';

/** The daemon is not there, or not for this user. */
export class NotRunning extends Error {
  override name = 'NotRunning';
}

/**
 * Asks a daemon one thing. Throws {@link NotRunning}, or an Error with the daemon's own words. `progress` is told what
 * comes before the answer.
 */
export async function ask<T>(
  socketPath: string,
  request: Request,
  progress: (told: TypingProgress['progress']) => void = () => undefined,
): Promise<T> {
  for await (const answer of converse(socketPath, request)) {
    const { ok, error, progress: told } = answer as { ok?: T; error?: string } & Partial<TypingProgress>;
    if (told) {
      progress(told);
      continue;
    }
    if (error !== undefined) throw new Error(error);
    return ok as T;
  }
  throw new Error('the daemon closed the connection without an answer');
}

/** Sends a request and yields every line that comes back, parsed. */
export async function* converse(socketPath: string, request: Request): AsyncGenerator {
  const socket = net.connect(socketPath);
  try {
    socket.setEncoding('utf8').write(`${JSON.stringify({ id: 1, ...request })}\n`);
    const parts: string[] = [];
    let length = 0;
    for await (const chunk of socket as AsyncIterable<string>) {
      const lines = chunk.split('\n');
      for (const line of lines.slice(0, -1)) {
        parts.push(line);
        yield JSON.parse(parts.join(''));
        parts.length = length = 0;
      }
      parts.push(lines.at(-1)!);
      length += chunk.length;
      if (length > MAX_LINE_BYTES) throw new Error('the answer is too long');
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      throw new NotRunning(`kms-switcher is not running (no daemon at ${socketPath})`, { cause: error });
    }
    if (code === 'EACCES') {
      throw new NotRunning(
        `no permission to use ${socketPath}: run as root or as a member of the daemon's group`,
        {
          cause: error,
        },
      );
    }
    throw error;
  } finally {
    socket.destroy();
  }
}
