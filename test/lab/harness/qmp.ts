import { once } from 'node:events';
import * as net from 'node:net';
import { atTestEnd } from './cleanup';
import { eventually, within } from './eventually';

interface Message {
  readonly id?: number;
  readonly QMP?: object;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU's monitor, a JSON object a line; written apart from the daemon's client, so that neither hides the other's. */
export class Qmp {
  /** What QEMU told unasked, oldest first. */
  readonly events: QmpEvent[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #rest = '';
  #greeted: () => void = () => undefined;

  private constructor(private readonly socket: net.Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop()!;
      for (const line of lines) this.#take(JSON.parse(line) as Message);
    });
    socket.on('error', () => undefined); // 'close' follows.
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('QEMU has closed its monitor'));
      this.#waiting.clear();
    });
    atTestEnd(() => {
      socket.destroy();
    });
  }

  /** Connects as soon as there is somebody. `check` throws when there never will be. */
  static async connect(path: string, check: () => void): Promise<Qmp> {
    const socket = await eventually(
      async () => {
        check();
        const attempt = net.connect(path);
        await once(attempt, 'connect');
        return attempt;
      },
      undefined,
      20,
    );
    const qmp = new Qmp(socket);
    const greeted = new Promise<void>((resolve, reject) => {
      qmp.#greeted = resolve;
      socket.once('close', () => {
        reject(new Error('QEMU has closed its monitor'));
      });
    });
    await within('the greeting of QMP', greeted);
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  /** Runs a command to its end; rejects with what QEMU has against it. */
  execute(command: string, args?: object): Promise<unknown> {
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.socket.destroyed) reject(new Error('QEMU has closed its monitor'));
      this.#waiting.set(id, { resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
    return within(`the answer to ${command}`, answer);
  }

  close(): void {
    this.socket.destroy();
  }

  #take(message: Message): void {
    if (message.QMP) this.#greeted();
    if (message.event !== undefined) {
      const { event, data } = message;
      this.events.push(data ? { event, data } : { event });
    }
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id!);
    if (message.error) waiting.reject(new Error(`${message.error.class}: ${message.error.desc}`));
    else waiting.resolve(message.return);
  }
}
