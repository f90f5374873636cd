import { buffer } from 'node:stream/consumers';
import { ask } from '../control/client';
import { MAX_TYPED, type Typed } from '../control/protocol';
import { Exit, Failure } from './exit';
import { parseHead } from './head';

/** `send`: presses chords in a guest. */
export async function send(socket: string, guest: string, chords: readonly string[]): Promise<void> {
  await ask(socket, { command: 'send', ...parseHead(guest), keys: chords.join(' ') });
}

/** `type`: types what is on standard input. Returns what to print. */
export async function type(
  socket: string,
  guest: string,
  layout: string | undefined,
  asJson: boolean,
): Promise<string> {
  const to = parseHead(guest);
  if (process.stdin.isTTY) process.stderr.write('type the text, and Ctrl+D at its end\n');
  const text = await readText();
  const { length } = Array.from(text);
  if (length > MAX_TYPED)
    throw new Failure(
      Exit.USAGE,
      `the text has ${length} characters; at most ${MAX_TYPED} are typed at once`,
    );
  const live = process.stderr.isTTY;
  const typed = await ask<Typed>(
    socket,
    { command: 'type', ...to, text, ...(layout !== undefined && { layout }) },
    ({ typed: keys, of }) => {
      if (live) process.stderr.write(`\r${keys} of ${of} keys`);
    },
  );
  if (live) process.stderr.write('\r\x1b[K');
  return asJson ? JSON.stringify({ guest, ...typed }) : `${guest}: ${typed.characters} characters typed`;
}

/** `panic`: takes picture and input from all guests, or gives them back. */
export async function panic(socket: string, on: boolean): Promise<void> {
  await ask(socket, { command: 'panic', on });
}

async function readText(): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await buffer(process.stdin));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw new Failure(Exit.USAGE, 'the text is not UTF-8', { cause: error });
  }
}
