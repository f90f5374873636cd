import * as fs from 'node:fs';
import {
  EXCHANGE_BYTES,
  EXCHANGE_FDS,
  native,
  type NativeListener,
  type NativeSocket,
} from '../../src/native';

const bytes = new Uint8Array(native.exchange, 0, EXCHANGE_BYTES);
const table = new Float64Array(native.exchange);

export interface QmpError {
  readonly class: string;
  readonly desc: string;
}

export type QmpAnswer = { readonly return: unknown } | { readonly error: QmpError };

/** How a QMP socket behaves; all may be changed at any time. */
export interface QmpKnobs {
  /** What a client hears first instead of QMP's greeting; '' as when another client is connected. */
  greeting: string | undefined;
  version: readonly [number, number, number];
  /** Milliseconds before each answer. */
  delay: number;
  /** Commands that are never answered. */
  mute: Set<string>;
  /** What a command is answered instead of what it does. */
  answers: Map<string, QmpAnswer>;
  status: string;
}

/** QEMU's `-qmp unix:PATH,server=on,wait=off`: one client at a time, as QEMU has it. */
export class QmpServer {
  readonly commands: string[] = [];
  #listener: NativeListener;
  #client: NativeSocket | undefined;
  readonly #waiting: NativeSocket[] = [];
  #text = '';
  readonly #received: number[] = [];
  readonly #named = new Map<string, number>();

  constructor(
    readonly path: string,
    readonly knobs: QmpKnobs,
    /** `add_client` with a file descriptor, which is the callee's. */
    private readonly addClient: (fd: number) => QmpAnswer,
  ) {
    fs.rmSync(path, { force: true });
    this.#listener = native.listen(path, 0o600, (socket) => {
      if (this.#client) this.#waiting.push(socket);
      else this.#accept(socket);
    });
  }

  get connected(): boolean {
    return this.#client !== undefined;
  }

  event(name: string, data: object = {}): void {
    this.say({ event: name, data, timestamp: { seconds: 0, microseconds: 0 } });
  }

  say(message: unknown): void {
    this.raw(`${typeof message === 'string' ? message : JSON.stringify(message)}\r\n`);
  }

  raw(text: string): void {
    this.#client?.send(Buffer.from(text));
  }

  close(): void {
    this.#listener.close();
    this.#leave(false);
    for (const socket of this.#waiting) socket.close();
    fs.rmSync(this.path, { force: true });
  }

  #accept(socket: NativeSocket): void {
    this.#client = socket;
    socket.onData((length) => {
      if (length <= 0) this.#leave(true);
      else this.#data(length);
    });
    const { greeting, version } = this.knobs;
    const [major, minor, micro] = version;
    if (greeting === undefined) {
      this.say({ QMP: { version: { qemu: { major, minor, micro }, package: '' }, capabilities: ['oob'] } });
    } else if (greeting !== '') this.raw(greeting);
  }

  #leave(next: boolean): void {
    this.#client?.close();
    this.#client = undefined;
    for (const fd of [...this.#received, ...this.#named.values()]) fs.closeSync(fd);
    this.#received.length = 0;
    this.#named.clear();
    const waiting = next ? this.#waiting.shift() : undefined;
    if (waiting) this.#accept(waiting);
  }

  #data(length: number): void {
    for (let index = 0; index < table[EXCHANGE_FDS]!; index++) {
      this.#received.push(table[EXCHANGE_FDS + 1 + 3 * index]!);
    }
    this.#text += Buffer.from(bytes.subarray(0, length)).toString();
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      const {
        execute,
        arguments: given,
        id,
      } = JSON.parse(line) as {
        execute: string;
        arguments?: Record<string, string>;
        id?: unknown;
      };
      this.commands.push(execute);
      const answer = this.knobs.answers.get(execute) ?? this.#execute(execute, given ?? {});
      if (this.knobs.mute.has(execute)) continue;
      if (this.knobs.delay === 0) this.say({ ...answer, id });
      else {
        setTimeout(() => {
          this.say({ ...answer, id });
        }, this.knobs.delay);
      }
    }
  }

  #execute(command: string, given: Record<string, string>): QmpAnswer {
    switch (command) {
      case 'qmp_capabilities':
      case 'system_wakeup':
        return { return: {} };
      case 'query-status':
        return { return: { status: this.knobs.status, running: this.knobs.status === 'running' } };
      case 'getfd': {
        const fd = this.#received.shift();
        if (fd === undefined)
          return { error: { class: 'GenericError', desc: 'No file descriptor supplied' } };
        this.#named.set(given.fdname!, fd);
        return { return: {} };
      }
      case 'closefd': {
        const fd = this.#named.get(given.fdname!);
        this.#named.delete(given.fdname!);
        if (fd !== undefined) fs.closeSync(fd);
        return { return: {} };
      }
      case 'add_client': {
        const fd = this.#named.get(given.fdname!);
        this.#named.delete(given.fdname!);
        if (fd === undefined || given.protocol !== '@dbus-display') {
          return { error: { class: 'GenericError', desc: `protocol '${given.protocol!}' is invalid` } };
        }
        return this.addClient(fd);
      }
      default:
        return { error: { class: 'CommandNotFound', desc: `The command ${command} has not been found` } };
    }
  }
}
