import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { ask } from '../../../src/control/client';
import type { GuestStatus, OutputStatus, Photo, Status } from '../../../src/control/protocol';
import { Child, repository, type Exit } from './child';
import { eventually, Hopeless } from './eventually';
import { decodePng, type Png } from './png';

/** A guest of the config: `link` and whatever else it has, as in the config; without `link`, vhost-user-gpu. */
export interface GuestSetup {
  readonly name: string;
  readonly link?: object;
  readonly [key: string]: unknown;
}

/** A guest of the config that is a QEMU, known by its QMP socket, whether that is there yet or not. */
export function linkTo(
  { name, qmp }: { readonly name: string; readonly qmp: string },
  more: object = {},
): GuestSetup {
  return { name, link: { qemu: { qmp } }, ...more };
}

/** A config but for what every test has alike: guests (a name has a vhost-user-gpu socket), outputs, hotkeys, the rest. */
export interface Setup {
  readonly guests: readonly (string | GuestSetup)[];
  readonly outputs?: Readonly<Record<string, object>>;
  readonly hotkeys?: Readonly<Record<string, string | object>>;
  readonly layouts?: object;
  readonly seats?: object;
  readonly seamless?: readonly (readonly string[])[];
  readonly passthrough?: readonly string[];
  readonly secure?: object;
  readonly card?: string | readonly string[];
  readonly log?: object;
  readonly power?: object;
  /** Not of the config: `run --legacy`. */
  readonly legacy?: boolean;
  /** Nor these: its environment, and the id of the user it runs as. */
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: number;
  /** Nor this: a supervisor starts it, and starts it again whenever it ends. */
  readonly supervised?: boolean;
}

/** A place for sockets, configs and pictures. */
export function scratch(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line, run to its end. */
export async function cli(...args: string[]): Promise<CliResult> {
  const child = startCli(args);
  const { code } = await child.ended();
  return { code, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') };
}

/** Several command lines, two at a time: starting Node takes a second or two in here. Results in the same order. */
export async function cliAll(commands: readonly (readonly string[])[]): Promise<CliResult[]> {
  const results: CliResult[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < commands.length; at = next++) results[at] = await cli(...commands[at]!);
  };
  await Promise.all([worker(), worker()]);
  return results;
}

export function startCli(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
  user?: number,
): Child {
  const [file = '', ...rest] = commandLine(args);
  return new Child(file, rest, env, user);
}

function commandLine(args: readonly string[]): string[] {
  return [process.execPath, '--no-memory-reducer', path.join(repository, 'dist/cli/main.js'), ...args];
}

/** Writes a config (JSON is YAML) to a folder of its own. */
export function writeConfig(
  setup: Setup,
  directory = scratch(),
): { file: string; directory: string; control: string } {
  const control = path.join(directory, 'control.sock');
  const guests = setup.guests.map((guest) => {
    const { name, link, ...rest } = typeof guest === 'string' ? { name: guest } : guest;
    const listen = path.join(directory, `${name}.sock`);
    return [name, { ...(link ?? { 'vhost-user-gpu': { listen } }), ...rest }];
  });
  const file = path.join(directory, 'config.yaml');
  const config = {
    log: { level: 'debug' },
    ...setup,
    control,
    guests: Object.fromEntries(guests) as unknown,
  };
  fs.writeFileSync(file, JSON.stringify(config, null, 2));
  return { file, directory, control };
}

/** What is not of the config. */
type How = { readonly [name in 'legacy' | 'env' | 'user' | 'supervised']: Setup[name] };

/** A running kms-switcher. */
export class Daemon {
  readonly #child: Child;

  private constructor(
    readonly config: string,
    readonly directory: string,
    readonly control: string,
    { legacy, env, user, supervised }: How,
  ) {
    const args = ['run', '-c', config, ...(legacy ? ['--legacy'] : [])];
    const supervisor = path.join(repository, 'build/guests/supervisor');
    this.#child = supervised
      ? new Child(supervisor, [path.join(directory, 'notify'), ...commandLine(args)])
      : startCli(args, env, user);
  }

  /** Starts one and waits until it is ready. `directory`: of a daemon that was there before. */
  static async start(setup: Setup, directory?: string): Promise<Daemon> {
    const { legacy, env, user, supervised, ...config } = setup;
    const written = writeConfig(config, directory);
    if (user !== undefined) fs.chownSync(written.directory, user, user);
    const daemon = new Daemon(written.file, written.directory, written.control, {
      legacy,
      env,
      user,
      supervised,
    });
    try {
      await daemon.said(/ready after/);
      await daemon.status();
    } catch (error) {
      daemon.#child.kill('SIGKILL');
      throw error;
    }
    return daemon;
  }

  /** Of a supervised one: the one that runs now. */
  get pid(): number {
    const started = this.supervisor.findLast((line) => line.startsWith('started '));
    return started === undefined ? this.#child.pid : Number(started.split(' ')[1]);
  }
  /** What the supervisor has to say: `started PID with FDS`, `ended STATUS`, and what it was told. */
  get supervisor(): readonly string[] {
    return this.#child.stdout;
  }
  get log(): readonly string[] {
    return this.#child.stderr;
  }
  get exit(): Exit | undefined {
    return this.#child.exit;
  }

  /** The socket of a guest. */
  socket(guest: string): string {
    return path.join(this.directory, `${guest}.sock`);
  }

  /** The first line of the log that matches, as soon as it is there. */
  said(pattern: RegExp): Promise<string> {
    return this.#child.said(pattern);
  }

  /** What it warns of a guest, from the log's line `from` on. */
  warnings(guest: string, from = 0): string[] {
    return this.log.slice(from).filter((line) => line.includes(` warning: guest ${guest}: `));
  }

  async status(): Promise<Status> {
    if (this.exit) throw new Hopeless(`the daemon has ended:\n${this.log.slice(-20).join('\n')}`);
    return await ask<Status>(this.control, { command: 'status' });
  }

  async output(name: string): Promise<OutputStatus> {
    const found = (await this.status()).outputs.find(({ output }) => output === name);
    if (!found) throw new Error(`status has no output ${name}`);
    return found;
  }

  async guest(name: string): Promise<GuestStatus> {
    const found = (await this.status()).guests.find(({ guest }) => guest === name);
    if (!found) throw new Error(`status has no guest ${name}`);
    return found;
  }

  /** Waits until an output's status has these fields. */
  outputIs(
    name: string,
    fields: Readonly<Partial<Record<keyof OutputStatus, unknown>>>,
  ): Promise<OutputStatus> {
    return eventually(async () => {
      const output = await this.output(name);
      expect(output).toMatchObject(fields);
      return output;
    });
  }

  /** Shows `guest` or `guest:head`. */
  async show(target: string, on?: string): Promise<void> {
    const [guest = '', head = '0'] = target.split(':');
    await ask(this.control, {
      command: 'show',
      guest,
      head: Number(head),
      ...(on === undefined ? {} : { on }),
    });
  }

  async screenshot(output: string): Promise<Omit<Photo, 'png'> & { png: Png }> {
    const { png, ...about } = await ask<Photo>(this.control, { command: 'screenshot', output });
    return { ...about, png: decodePng(Buffer.from(png, 'base64')) };
  }

  /** What happens from now on; `close` ends it. */
  async watch(): Promise<{ readonly events: Readonly<Record<string, unknown>>[]; close(): void }> {
    const socket = net.connect(this.control);
    const events: Record<string, unknown>[] = [];
    const lines = readline.createInterface(socket);
    // The first line is the answer: from there on events come.
    const answered = once(lines, 'line');
    socket.write('{"command":"watch"}\n');
    await answered;
    lines.on('line', (line) => events.push(JSON.parse(line) as Record<string, unknown>));
    return {
      events,
      close: () => {
        lines.close();
        socket.destroy();
      },
    };
  }

  /** A signal to the process itself, which a supervisor then starts again; waits until it is ready. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    const ready = (): number => this.log.filter((line) => line.includes('ready after')).length;
    const before = ready();
    process.kill(this.pid, signal);
    await eventually(() => {
      if (ready() === before) throw new Error(`not ready again:\n${this.log.slice(-10).join('\n')}`);
    });
  }

  /** A signal to the process that was started, supervisor or not. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its end by itself. */
  ended(): Promise<Exit> {
    return this.#child.ended();
  }

  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.#child.ended();
  }

  /**
   * Ends it and returns the exit code. Fails if it ended before, complained of an error, or not with 0: a crash that
   * a test did not notice.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const before = this.exit;
    const { code } = before ?? (await this.kill(signal));
    // What guests say is quoted, and may say anything: the level comes first.
    const errors = this.log.filter((line) => /^\S+ error: /.test(line));
    if (before || code !== 0 || errors.length > 0) {
      throw new Error(
        `the daemon ${before ? 'had' : ''} ended with ${code}:\n${this.log.slice(-30).join('\n')}`,
      );
    }
    fs.rmSync(this.directory, { recursive: true });
  }
}
