import { randomBytes } from 'node:crypto';
import * as os from 'node:os';
import { Broken } from './broken';

const { EIO, EPERM } = os.constants.errno;

/** What a server lets a client say before it loses patience. */
const MAX_REFUSALS = 16;

/** One side of the authentication by SASL EXTERNAL: a peer is who the kernel says it is. */
export interface Auth {
  /** What this side says first. */
  readonly greeting: string;
  /** Whether the other side begins with a NUL. */
  readonly expectsNul: boolean;
  /** It has ended well: messages follow. */
  readonly done: boolean;
  /** File descriptors may be sent. */
  readonly fds: boolean;
  /** Takes a line; returns what to say to it. Throws {@link Broken} when it has failed. */
  line(text: string): string;
}

/** The side that asks to be let in. It says everything at once: QEMU waits in its main loop meanwhile. */
export class ClientAuth implements Auth {
  readonly greeting = '\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n';
  readonly expectsNul = false;
  done = false;
  fds = false;
  #step = 0;

  line(text: string): string {
    switch (this.#step++) {
      case 0:
        if (/^DATA\s*$/.test(text)) return '';
        break;
      case 1:
        if (/^OK [0-9a-fA-F]{32}$/.test(text)) return '';
        break;
      default:
        this.fds = text === 'AGREE_UNIX_FD';
        this.done = this.fds || /^ERROR\b/.test(text);
        if (this.done) return '';
    }
    throw new Broken('it does not let us in', EPERM);
  }
}

/** The side that lets in who says to be the user it is. */
export class ServerAuth implements Auth {
  readonly greeting = '';
  readonly expectsNul = true;
  done = false;
  fds = false;
  #asked = false;
  #ok = false;
  #refusals = 0;

  constructor(
    /** By SO_PEERCRED. */
    private readonly uid: number,
  ) {}

  line(text: string): string {
    const [command = '', ...words] = text.split(' ');
    switch (command) {
      case 'AUTH':
        return words[0] === 'EXTERNAL' ? this.#external(words[1]) : this.#refuse('REJECTED EXTERNAL');
      case 'DATA':
        return this.#asked ? this.#external(words[0] ?? '') : this.#refuse('ERROR');
      case 'CANCEL':
      case 'ERROR':
        return this.#refuse('REJECTED EXTERNAL');
      case 'NEGOTIATE_UNIX_FD':
        if (!this.#ok) return this.#refuse('ERROR');
        this.fds = true;
        return 'AGREE_UNIX_FD\r\n';
      case 'BEGIN':
        if (!this.#ok) return this.#refuse('ERROR');
        this.done = true;
        return '';
      default:
        return this.#refuse('ERROR');
    }
  }

  /** `identity`: hexadecimal digits of the digits of the user's number; '': whoever it is; absent: it follows. */
  #external(identity: string | undefined): string {
    this.#asked = identity === undefined;
    if (identity === undefined) return 'DATA\r\n';
    const own = Buffer.from(String(this.uid)).toString('hex');
    this.#ok = identity === '' || identity.toLowerCase() === own;
    return this.#ok ? `OK ${randomBytes(16).toString('hex')}\r\n` : this.#refuse('REJECTED EXTERNAL');
  }

  #refuse(answer: string): string {
    this.#ok = this.#asked = false;
    if (++this.#refusals > MAX_REFUSALS) throw new Broken('it cannot be let in', EPERM);
    return `${answer}\r\n`;
  }
}

/** What a client has to begin with. */
export function checkNul(byte: number): void {
  if (byte !== 0) throw new Broken('it does not begin as D-Bus does', EIO);
}
