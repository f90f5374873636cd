import * as os from 'node:os';
import { EXCHANGE_BYTES, isNativeError, MAX_FDS, native, type NativeSocket } from '../native';
import { connectTo } from './address';
import { checkNul, ClientAuth, ServerAuth, type Auth } from './auth';
import { Broken } from './broken';
import { duplicates, Outbox } from './outbox';
import { FdQueue } from './received';
import { MessageStream, type MessageHandler } from './stream';

const { ECONNRESET, EMSGSIZE, ENOBUFS, ENOTSUP, EPROTO } = os.constants.errno;

/** Most messages handled in one turn of the loop, and bytes read but for long messages, however fast a peer sends. */
const MESSAGES_PER_TURN = 32;
const READ_BYTES = 4096;
const NO_FDS: readonly number[] = [];

/** A peer on a connected socket, or a bus. */
export type Where =
  | {
      /** Taken over, in every case. */
      readonly fd: number;
      /** The side that is authenticated, or that authenticates. */
      readonly side: 'client' | 'server';
    }
  | { readonly address: string };

/** Whose messages they are. */
export interface TransportOwner {
  /** Handles a message; what it throws ends the connection. */
  readonly message: MessageHandler;
  /** A message that was posted has file descriptors, and the peer takes none. */
  undelivered(serial: number): void;
  /** The peer has taken all that waited for it to read. */
  drained(): void;
  /**
   * Called once, when the connection is lost (`errno` > 0) or refused; not after `close`. `reason` says what a peer did
   * that is no D-Bus; '' when it just went.
   */
  lost(errno: number, reason: string): void;
}

/**
 * The messages of a D-Bus connection, in and out: its socket, the authentication, and how much a turn of the loop takes
 * of what comes. All of it goes on by itself.
 */
export class Transport {
  #open = true;
  readonly #socket: NativeSocket | undefined;
  readonly #outbox: Outbox | undefined;
  readonly #stream: MessageStream;
  readonly #files = new FdQueue();
  /** Until it has ended. */
  #auth: Auth | undefined;
  #begun = false;
  #takesFds = true;
  /** Why the connection is about to be lost. */
  #failing = 0;
  #paused = false;
  /** Messages wait that are here already. */
  #waiting = false;
  #next: NodeJS.Immediate | undefined;
  #reading = true;
  #bulk = false;
  #left = 0;

  /** Begins at once; whatever fails is told the owner later. `mostBytes`: the longest message taken. */
  constructor(
    where: Where,
    mostBytes: number,
    private readonly owner: TransportOwner,
  ) {
    this.#stream = new MessageStream((area, at, size) => {
      const goesOn = owner.message(area, at, size);
      return this.#open && !this.#paused && --this.#left > 0 && goesOn;
    }, mostBytes);
    try {
      const socket = 'address' in where ? connectTo(where.address) : native.adopt(where.fd);
      this.#socket = socket;
      this.#outbox = new Outbox(
        socket,
        (errno) => {
          this.#fail(errno);
        },
        () => {
          owner.drained();
        },
      );
      const server = 'side' in where && where.side === 'server';
      this.#auth = server ? new ServerAuth(socket.credentials().uid) : new ClientAuth();
      socket.limit(READ_BYTES);
      socket.onData((length) => {
        this.#data(length);
      });
      this.#say(this.#auth.greeting);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      this.#fail(-error.errno);
    }
  }

  /** Whether what is posted may yet arrive. */
  get usable(): boolean {
    return this.#open && this.#failing === 0;
  }

  /** Messages that wait for the peer to read. */
  get waiting(): number {
    return this.#outbox?.waiting ?? 0;
  }

  /**
   * Sends a message, now or later; `bytes` and `fds` are the caller's. Returns 0, or -ENOBUFS when too much waits
   * already, or -ENOTSUP where the peer takes no fds; throws EBADF for those that are none. A message for a connection
   * that is about to be lost is dropped.
   */
  post(bytes: Uint8Array, serial: number, fds = NO_FDS): number {
    if (!this.#outbox) return 0;
    if (fds.length > 0 && !this.#takesFds) return -ENOTSUP;
    return this.#outbox.post(bytes, serial, duplicates(fds));
  }

  /** The message that is being handled has so many of the file descriptors that came. Throws {@link Broken}. */
  claim(fds: number): void {
    this.#files.claim(fds);
  }

  /** Stops and resumes reading and handling: backpressure. */
  pause(): void {
    this.#paused = true;
    this.#pace();
  }

  resume(): void {
    this.#paused = false;
    this.#pace();
  }

  /** Closes it, and tells the owner so. */
  lose(errno: number, reason = ''): void {
    if (!this.#open) return;
    this.close();
    this.owner.lost(this.#failing || errno, reason);
  }

  /** What waits to be sent is dropped. */
  close(): void {
    this.#open = false;
    clearImmediate(this.#next);
    this.#stream.close();
    this.#files.close();
    this.#outbox?.close();
    this.#socket?.close();
  }

  #data(length: number): void {
    if (length <= 0) {
      const reason = length === -EMSGSIZE ? `more than ${MAX_FDS} file descriptors came at once` : '';
      this.lose(length === 0 ? ECONNRESET : reason === '' ? -length : EPROTO, reason);
      return;
    }
    this.#handle(length);
  }

  /** Goes on with what waited. */
  #more(): void {
    this.#next = undefined;
    if (this.#open && !this.#paused) this.#handle(0);
  }

  /** Handles what waits and so many bytes of the exchange. */
  #handle(length: number): void {
    this.#left = MESSAGES_PER_TURN;
    try {
      this.#waiting = !(length === 0 ? this.#stream.more() : this.#take(length));
      if (this.#stream.empty && this.#files.count > 0) {
        throw new Broken(`${this.#files.count} file descriptor(s) came with a message that has none`);
      }
    } catch (error) {
      const { message } = error as Error;
      this.lose(error instanceof Broken ? error.errno : EPROTO, message);
    }
    this.#pace();
  }

  #take(length: number): boolean {
    this.#files.arrive();
    return this.#auth ? this.#authenticate(this.#auth, length) : this.#stream.take(length);
  }

  #authenticate(auth: Auth, length: number): boolean {
    this.#stream.keep(0, length);
    if (auth.expectsNul && !this.#begun) checkNul(this.#stream.byte());
    this.#begun = true;
    for (let line = this.#stream.line(); line !== undefined; line = this.#stream.line()) {
      this.#say(auth.line(line));
      if (!auth.done) continue;
      this.#auth = undefined;
      this.#takesFds = auth.fds;
      for (const serial of this.#outbox!.release(auth.fds)) this.owner.undelivered(serial);
      return this.#stream.more();
    }
    if (this.#files.count > 0) throw new Broken('file descriptors came with the authentication');
    return true;
  }

  /** Part of the authentication, for which there is always room. */
  #say(text: string): void {
    if (text === '') return;
    const sent = this.#socket!.send(Buffer.from(text, 'latin1'));
    if (sent !== text.length) this.#fail(sent < 0 ? -sent : ENOBUFS);
  }

  /** Reads as much, and as soon, as is wanted now. */
  #pace(): void {
    if (!this.#open || !this.#socket) return;
    if (this.#waiting && !this.#paused) {
      this.#next ??= setImmediate(() => {
        this.#more();
      });
    }
    const reading = !this.#waiting && !this.#paused;
    if (reading !== this.#reading) {
      if (reading) this.#socket.resume();
      else this.#socket.pause();
      this.#reading = reading;
    }
    const bulk = this.#stream.missing > READ_BYTES;
    if (bulk !== this.#bulk) this.#socket.limit(bulk ? EXCHANGE_BYTES : READ_BYTES);
    this.#bulk = bulk;
  }

  /** The connection is lost, which is told in a moment: who uses it is in the middle of something. */
  #fail(errno: number): void {
    if (this.#failing !== 0) return;
    this.#failing = errno;
    setImmediate(() => {
      this.lose(errno);
    });
  }
}
