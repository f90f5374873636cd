import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { monotonic } from '../clock';
import type { Action, HeadRef } from '../config/config';
import { messageOf } from '../error';
import type { Cards } from '../kms/cards';
import { photograph } from '../kms/capture';
import type { Log } from '../log';
import { removeStaleSocket } from '../socket-file';
import type { Controller } from '../switcher/controller';
import { CommandError } from '../switcher/layout';
import { MAX_REQUEST_BYTES, MAX_TYPED, type Photo, type Typed } from './protocol';
import { readStatus, type Plugged } from './status';

/**
 * The daemon's user and group may command it; in the secure profile the user alone: the group may be the guests', too.
 */
const SOCKET_MODE = 0o660;
const SECURE_SOCKET_MODE = 0o600;
/** What would carry something of a guest's out, or into one that nobody looks at. */
const INSECURE = new Map([
  ['screenshot', 'takes no pictures of guests'],
  ['send', 'sends no keys: a guest gets what is typed while it is shown'],
  ['type', 'types no text: a guest gets what is typed while it is shown'],
]);
/** Events a watcher may leave unread before it is dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** How often it is said how far a text has come. */
const PROGRESS_MS = 500;

/** Whoever sent a request. */
interface Asker {
  /** Tells it something before the answer. */
  say(told: object): void;
  /** Its connection has closed. */
  readonly gone: AbortSignal;
}

/** Serves the control socket. One connection may ask many things, and watch meanwhile. */
export class ControlServer {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(
    private readonly cards: Cards,
    private readonly controller: Controller,
    private readonly input: Plugged,
    private readonly log: Log,
    private readonly secure: boolean,
  ) {
    this.#server = net.createServer((socket) => {
      this.#accept(socket);
    });
  }

  /** Listens. `secure`: in the secure profile. Throws an Error in words for the user. */
  static async open(
    file: string,
    cards: Cards,
    controller: Controller,
    input: Plugged,
    log: Log,
    secure = false,
  ): Promise<ControlServer> {
    const control = new ControlServer(cards, controller, input, log, secure);
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
      removeStaleSocket(file);
      // The mode has to be right before anyone can connect.
      const umask = process.umask(0o777 & ~(secure ? SECURE_SOCKET_MODE : SOCKET_MODE));
      try {
        await new Promise<void>((resolve, reject) => {
          control.#server.once('error', reject).listen(file, resolve);
        });
      } finally {
        process.umask(umask);
      }
    } catch (error) {
      throw new Error(`cannot listen on the control socket ${file}: ${messageOf(error)}`, { cause: error });
    }
    return control;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: net.Socket): void {
    this.#sockets.add(socket);
    let text = '';
    let unwatch: (() => void) | undefined;
    const gone = new AbortController();
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      gone.abort(new CommandError('whoever asked for it has gone'));
      unwatch?.();
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        const say = (answer: object): void => {
          if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
        };
        void this.#answer(line, { say, gone: gone.signal }).then(({ answer, watch }) => {
          if (watch) unwatch ??= this.#watch(socket);
          say(answer);
        });
      }
      if (text.length > MAX_REQUEST_BYTES) socket.destroy();
    });
  }

  #watch(socket: net.Socket): () => void {
    return this.controller.onEvent((event) => {
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
      else socket.write(`${JSON.stringify(event)}\n`);
    });
  }

  async #answer(line: string, asker: Asker): Promise<{ answer: object; watch?: boolean }> {
    let id: unknown = null;
    try {
      const request: unknown = JSON.parse(line);
      if (typeof request !== 'object' || request === null)
        throw new CommandError('a request is a JSON object');
      const fields = request as Readonly<Record<string, unknown>>;
      id = fields.id ?? null;
      return {
        answer: {
          id,
          ok: await this.#perform(fields, {
            ...asker,
            say: (told) => {
              asker.say({ id, ...told });
            },
          }),
        },
        watch: fields.command === 'watch',
      };
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof SyntaxError))
        this.log.debug(`control: ${String(error)}`);
      return { answer: { id, error: messageOf(error) } };
    }
  }

  async #perform(fields: Readonly<Record<string, unknown>>, asker: Asker): Promise<object> {
    const { command } = fields;
    const refusal = this.secure ? INSECURE.get(String(command)) : undefined;
    if (refusal !== undefined) throw new CommandError(`the secure profile ${refusal}`);
    switch (command) {
      case 'status':
        return readStatus(this.cards, this.controller, this.input);
      case 'watch':
        return {};
      case 'show': {
        const on = optionalText(fields, 'on');
        const action: Action = { kind: 'show', head: headOf(fields), ...(on === undefined ? {} : { on }) };
        this.controller.perform(action, monotonic(), optionalText(fields, 'seat'));
        return {};
      }
      case 'focus':
        this.controller.perform({ kind: 'focus', output: text(fields, 'output') });
        return {};
      case 'layout':
        this.controller.perform({ kind: 'layout', layout: text(fields, 'layout') });
        return {};
      case 'send': {
        const keys = text(fields, 'keys');
        await this.controller.send(keys, headOf(fields));
        return {};
      }
      case 'type':
        return await this.#type(fields, asker);
      case 'panic': {
        const { on } = fields;
        if (typeof on !== 'boolean') throw new CommandError('"on" must be true or false');
        this.controller.perform({ kind: 'panic', on });
        return { panic: on };
      }
      case 'screenshot':
        return await this.#photograph(text(fields, 'output'));
      case 'plan':
        return await this.#plan(fields);
      default:
        throw new CommandError(
          `unknown command ${JSON.stringify(command)}: status, show, focus, layout, watch, screenshot, plan, send, type and panic are known`,
        );
    }
  }

  async #plan(fields: Readonly<Record<string, unknown>>): Promise<object> {
    const [{ planOfDaemon }, { readAssumption }, { parseConfig }, { listConnectors }] = await Promise.all([
      import('../plan/daemon.js'),
      import('../plan/assumption.js'),
      import('../config/load.js'),
      import('../config/connectors.js'),
    ]);
    const config = optionalText(fields, 'config');
    const guest = optionalText(fields, 'guest');
    const on = optionalText(fields, 'on');
    const head = optionalNumber(fields, 'head') ?? 0;
    const action: Action | undefined =
      guest === undefined
        ? undefined
        : { kind: 'show', head: { guest, head }, ...(on === undefined ? {} : { on }) };
    return await planOfDaemon(this.cards, this.controller, {
      config:
        config === undefined ? undefined : parseConfig(config, { file: 'the config' }, listConnectors()),
      action,
      assumption: readAssumption({
        width: optionalNumber(fields, 'width'),
        height: optionalNumber(fields, 'height'),
        format: optionalText(fields, 'format'),
        modifier: optionalText(fields, 'modifier'),
      }),
    });
  }

  async #type(fields: Readonly<Record<string, unknown>>, asker: Asker): Promise<Typed> {
    const what = text(fields, 'text');
    const head = headOf(fields);
    const characters = Array.from(what).length;
    if (characters > MAX_TYPED)
      throw new CommandError(`a text of ${characters} characters; at most ${MAX_TYPED} are typed at once`);
    // Who has no text to type need not wait for it.
    const { defaultLayout, readKeymap } = await import('../input/keymap.js');
    const keymap = await readKeymap(optionalText(fields, 'layout') ?? defaultLayout);
    let keys = 0;
    let told = monotonic();
    await this.controller.type(head, what, keymap, asker.gone, (progress) => {
      keys = progress.typed;
      if (monotonic() - told < PROGRESS_MS) return;
      told = monotonic();
      asker.say({ progress });
    });
    return { characters, keys };
  }

  async #photograph(name: string): Promise<Photo> {
    const { outputs } = this.controller;
    const output = outputs.byKey(outputs.resolve(name));
    if (!output) throw new CommandError(`the monitor ${name} is not connected`);
    const { png, ...rest } = await photograph(output);
    return { png: png.toString('base64'), ...rest };
  }
}

function headOf(fields: Readonly<Record<string, unknown>>): HeadRef {
  return { guest: text(fields, 'guest'), head: optionalNumber(fields, 'head') ?? 0 };
}

function text(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = optionalText(fields, name);
  if (value === undefined) throw new CommandError(`"${name}" is missing`);
  return value;
}

function optionalText(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value !== undefined && typeof value !== 'string') throw new CommandError(`"${name}" must be a text`);
  return value;
}

function optionalNumber(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new CommandError(`"${name}" must be a whole number`);
  }
  return value;
}
