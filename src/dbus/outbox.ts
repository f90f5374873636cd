import * as fs from 'node:fs';
import * as os from 'node:os';
import { native, type NativeSocket } from '../native';

const { EAGAIN, EINTR, ENOBUFS } = os.constants.errno;

/** What a peer may leave unread. */
export const MOST_MESSAGES = 4096;
const MOST_BYTES = 16 * 1024 * 1024;
/** Written in one turn of the loop, however fast a peer reads. */
const TURN_BYTES = 1024 * 1024;
const NO_FDS: readonly number[] = [];

interface Outgoing {
  bytes: Uint8Array;
  /** Duplicates, ours. */
  fds: readonly number[];
  readonly serial: number;
}

/** Messages on their way out. One that the socket takes at once is not even copied. */
export class Outbox {
  readonly #queue: Outgoing[] = [];
  #bytes = 0;
  /** Not before the authentication. */
  #held = true;

  constructor(
    private readonly socket: NativeSocket,
    /** The socket takes no more, ever. */
    private readonly onBroken: (errno: number) => void,
    /** Nothing waits any more. */
    private readonly onDrained: () => void,
  ) {}

  /** Messages that the socket has not taken yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Sends a message, now or later; `bytes` are the caller's again. `fds` are closed here in every case. Returns 0, or
   * -ENOBUFS when too much waits already.
   */
  post(bytes: Uint8Array, serial: number, fds = NO_FDS): number {
    let sent = 0;
    if (!this.#held && this.#queue.length === 0) {
      sent = this.#send(bytes, fds);
      if (sent < 0) {
        closeAll(fds);
        return 0; // which onBroken was told of
      }
      if (sent > 0 && fds.length > 0) closeAll(fds);
      if (sent === bytes.length) return 0;
    } else if (this.#queue.length >= MOST_MESSAGES || this.#bytes >= MOST_BYTES) {
      closeAll(fds);
      return -ENOBUFS;
    }
    this.#queue.push({ bytes: new Uint8Array(bytes.subarray(sent)), fds: sent > 0 ? NO_FDS : fds, serial });
    this.#bytes += bytes.length - sent;
    this.#arm();
    return 0;
  }

  /** Messages may go. Those with file descriptors are dropped where the peer takes none: returns their serials. */
  release(withFds: boolean): readonly number[] {
    this.#held = false;
    const refused: number[] = [];
    if (!withFds) {
      for (let index = this.#queue.length - 1; index >= 0; index--) {
        const { bytes, fds, serial } = this.#queue[index]!;
        if (fds.length === 0) continue;
        closeAll(fds);
        this.#bytes -= bytes.length;
        this.#queue.splice(index, 1);
        refused.unshift(serial);
      }
    }
    this.#flush();
    return refused;
  }

  close(): void {
    for (const { fds } of this.#queue) closeAll(fds);
    this.#queue.length = 0;
    this.#bytes = 0;
  }

  #flush(): void {
    for (let left = TURN_BYTES; left > 0;) {
      const first = this.#queue[0];
      if (!first) {
        this.onDrained();
        return;
      }
      const sent = this.#send(first.bytes, first.fds);
      if (sent < 0) return;
      if (sent === 0) break;
      left -= sent;
      this.#bytes -= sent;
      closeAll(first.fds);
      first.fds = NO_FDS;
      if (sent === first.bytes.length) this.#queue.shift();
      else first.bytes = first.bytes.subarray(sent);
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#held || this.#queue.length === 0) return;
    this.socket.onceWritable(() => {
      this.#flush();
    });
  }

  /** Bytes taken: 0 for none now, negative for never. */
  #send(bytes: Uint8Array, fds: readonly number[]): number {
    const sent = fds.length > 0 ? this.socket.send(bytes, fds) : this.socket.send(bytes);
    if (sent >= 0) return sent;
    if (sent === -EAGAIN || sent === -EINTR) return 0;
    this.close();
    this.onBroken(-sent);
    return sent;
  }
}

/** Duplicates, so that the message has its own. Throws EBADF, and keeps none then. */
export function duplicates(fds: readonly number[]): readonly number[] {
  if (fds.length === 0) return NO_FDS;
  const copies: number[] = [];
  try {
    for (const fd of fds) copies.push(native.duplicate(fd));
  } catch (error) {
    closeAll(copies);
    throw error;
  }
  return copies;
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) fs.closeSync(fd);
}
