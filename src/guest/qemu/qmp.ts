import * as fs from 'node:fs';
import {
  EXCHANGE_BYTES,
  EXCHANGE_FDS,
  isNativeError,
  MAX_FDS,
  native,
  type NativeSocket,
} from '../../native';
import { Budget } from '../budget';
import { printable, reasonOf } from './words';

const EAGAIN = -11;
/** Far more than any answer or event that we care for. */
const MAX_LINE_BYTES = 256 * 1024;
/** A QEMU that another client is connected to says nothing at all. */
const GREETING_MS = 3000;
/** QEMU may be busy with its disks or a migration for a moment. */
const ANSWER_MS = 5000;
/** Lines per second that are read, and how many at once, before reading pauses. */
const LINES_PER_MS = 0.2;
const BURST = 500;
/** Read at a time, so that many short lines cannot hold up everybody else. */
const READ_BYTES = 4096;
const OLDEST_MAJOR = 7;

const bytes = new Uint8Array(native.exchange, 0, EXCHANGE_BYTES);
const table = new Float64Array(native.exchange, EXCHANGE_FDS * 8, 1 + 3 * MAX_FDS);

type Json = Readonly<Record<string, unknown>>;

/** QEMU's answer when it refuses a command: `kind` is its class, for programs. */
export class QmpRefusal extends Error {
  override name = 'QmpRefusal';
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Outgoing {
  bytes: Uint8Array;
  fds: readonly number[];
}

/** What a QMP connection tells its owner. */
export interface QmpOwner {
  event(name: string, data: Json): void;
  /**
   * Lost, or given up, after it was negotiated; `reason` in words, `peer` whether QEMU closed it. Called once, unless
   * `close` was.
   */
  closed(reason: string, peer: boolean): void;
}

/** QEMU's control connection. All that comes in is a stranger's. */
export class Qmp {
  readonly #socket: NativeSocket;
  #id = 0;
  readonly #pending = new Map<number, Pending>();
  #greeting: ((message: Json) => void) | undefined;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #outbox: Outgoing[] = [];
  readonly #budget = new Budget(LINES_PER_MS, BURST);
  #closed = false;
  #ready = false;
  #reason: string | undefined;
  /** `10.0.2`, as the greeting has it. */
  version = '';

  /** Connects. Throws in words for the guest's owner. */
  constructor(
    private readonly path: string,
    private readonly owner: QmpOwner,
  ) {
    try {
      this.#socket = native.connect(path);
    } catch (error) {
      throw new Error(whyNoConnection(path, error), { cause: error });
    }
    this.#socket.limit(READ_BYTES);
    this.#socket.onData((length) => {
      this.#data(length);
    });
  }

  /** Waits for the greeting and asks for commands to be taken. Rejects in words; the connection is closed then. */
  async negotiate(greetingMs = GREETING_MS): Promise<void> {
    try {
      await this.#negotiate(greetingMs);
    } catch (error) {
      this.close();
      throw this.#reason === undefined ? error : new Error(this.#reason);
    }
    this.#ready = true;
  }

  /** Sends a command; `fds` go along and are closed here in every case. Rejects with {@link QmpRefusal} or an Error. */
  execute(command: string, args: Json = {}, fds: readonly number[] = []): Promise<unknown> {
    if (this.#closed) {
      closeAll(fds);
      return Promise.reject(new Error('the QMP connection has ended'));
    }
    const id = ++this.#id;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`QEMU does not answer ${command} within ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      this.#pending.set(id, { resolve, reject, timer });
    });
    this.#outbox.push({
      bytes: Buffer.from(`${JSON.stringify({ execute: command, arguments: args, id })}\r\n`),
      fds,
    });
    if (this.#outbox.length === 1) this.#flush();
    return answer;
  }

  close(): void {
    this.#end(undefined);
  }

  async #negotiate(greetingMs: number): Promise<void> {
    const greeting = await new Promise<Json>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#greeting = undefined;
        reject(
          new Error(
            `the QMP socket ${this.path} is silent: another client is connected to it, or it is not QEMU's QMP; ` +
              `give kms-switcher a QMP socket of its own: ${option(this.path)}`,
          ),
        );
      }, greetingMs);
      this.#greeting = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
    });
    const version = versionOf(greeting);
    if (!version) {
      throw new Error(
        `${this.path} is not a QMP socket of QEMU: it says something else; ` +
          `make one with ${option(this.path)}`,
      );
    }
    this.version = version.join('.');
    if (version[0] < OLDEST_MAJOR) {
      throw new Error(
        `QEMU ${this.version} is too old: -display dbus came with QEMU ${OLDEST_MAJOR}.0; use a newer QEMU`,
      );
    }
    await this.execute('qmp_capabilities');
  }

  #data(length: number): void {
    for (let index = 0; index < table[0]!; index++) native.discard(table[1 + 3 * index]!);
    if (length <= 0) {
      this.#end(
        length === 0 ? 'QEMU closed the QMP connection' : `the QMP connection broke (errno ${-length})`,
        true,
      );
      return;
    }
    let from = 0;
    for (;;) {
      const end = bytes.subarray(0, length).indexOf(0x0a, from);
      if (end < 0) break;
      this.#parts.push(bytes.slice(from, end));
      this.#line();
      if (this.#closed) return;
      from = end + 1;
    }
    if (from < length) this.#parts.push(bytes.slice(from, length));
    this.#partBytes += length - from;
    if (this.#partBytes > MAX_LINE_BYTES) {
      this.#end(`QEMU sent a line of more than ${MAX_LINE_BYTES >> 10} KiB over QMP`);
    } else this.#pace();
  }

  #line(): void {
    const text = Buffer.concat(this.#parts).toString('utf8').trim();
    this.#parts = [];
    this.#partBytes = 0;
    this.#budget.spend(1);
    if (text === '') return;
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (isObject(message)) this.#message(message);
    else this.#end(`what came over the QMP socket is no QMP: is it the socket of ${option(this.path)}?`);
  }

  #message(message: Json): void {
    if (this.#greeting) {
      const greet = this.#greeting;
      this.#greeting = undefined;
      greet(message);
      return;
    }
    if (typeof message.event === 'string') {
      this.owner.event(message.event, isObject(message.data) ? message.data : {});
      return;
    }
    const pending = typeof message.id === 'number' ? this.#pending.get(message.id) : undefined;
    if (!pending) return;
    this.#pending.delete(message.id as number);
    clearTimeout(pending.timer);
    const { error } = message;
    if (!isObject(error)) pending.resolve(message.return);
    else pending.reject(new QmpRefusal(String(error.class), printable(String(error.desc))));
  }

  #flush(): void {
    while (this.#outbox.length > 0) {
      const next = this.#outbox[0]!;
      const sent = this.#socket.send(next.bytes, next.fds);
      if (sent === EAGAIN) break;
      if (sent < 0) {
        this.#end(`the QMP connection broke (errno ${-sent})`, true);
        return;
      }
      closeAll(next.fds);
      next.fds = [];
      next.bytes = next.bytes.subarray(sent);
      if (next.bytes.length === 0) this.#outbox.shift();
    }
    if (this.#outbox.length === 0) return;
    this.#socket.onceWritable(() => {
      if (!this.#closed) this.#flush();
    });
  }

  /** Who sends more than we care for is read more slowly. */
  #pace(): void {
    this.#budget.refill();
    if (!this.#budget.exhausted) return;
    this.#socket.pause();
    this.#budget.whenBack(() => {
      this.#socket.resume();
    });
  }

  #end(reason: string | undefined, peer = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.close();
    this.#socket.close();
    for (const { fds } of this.#outbox) closeAll(fds);
    this.#outbox = [];
    this.#parts = [];
    this.#reason = reason;
    if (this.#ready && reason !== undefined) this.owner.closed(reason, peer);
    const error = new Error(reason ?? 'the QMP connection was closed');
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    // Ends the wait for a greeting that does not come any more.
    this.#greeting?.({});
    this.#greeting = undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function versionOf(greeting: Json): readonly [number, number, number] | undefined {
  const { QMP: qmp } = greeting;
  const version = isObject(qmp) && isObject(qmp.version) ? qmp.version.qemu : undefined;
  if (!isObject(version)) return undefined;
  const { major, minor, micro } = version;
  const isNumber = (value: unknown): value is number => typeof value === 'number';
  return isNumber(major) && isNumber(minor) && isNumber(micro) ? [major, minor, micro] : undefined;
}

function whyNoConnection(path: string, error: unknown): string {
  const make = `start QEMU with ${option(path)}`;
  if (isNativeError(error, 'ENOENT')) return `no QMP socket at ${path}: QEMU is not running, or ${make}`;
  if (isNativeError(error, 'ECONNREFUSED'))
    return `nobody listens on the QMP socket ${path}: QEMU is not running, or ${make}`;
  if (isNativeError(error, 'EACCES'))
    return `no permission to connect to the QMP socket ${path}: run kms-switcher as root or as QEMU's user, or let its group write to the socket`;
  if (isNativeError(error, 'EAGAIN'))
    return `the QMP socket ${path} takes no more connections: another client is connected to it; give kms-switcher a QMP socket of its own`;
  return `cannot connect to the QMP socket ${path}: ${reasonOf(error)}`;
}

/** Ours, sockets, so closing them waits for nobody. */
function closeAll(fds: readonly number[]): void {
  for (const fd of fds) fs.closeSync(fd);
}

/** What makes QEMU listen there. */
function option(path: string): string {
  return `-qmp unix:${path},server=on,wait=off`;
}
