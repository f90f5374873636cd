import { spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { atTestEnd } from './cleanup';
import { eventually, within } from './eventually';

/** The tests run from build/test/test/lab/harness. */
export const repository = path.resolve(__dirname, '../../../../..');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process under test: its output by lines, its end. */
export class Child {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<Exit>;
  readonly pid: number;
  exit: Exit | undefined;
  readonly #process: ChildProcess;

  /** `user`: the id that it runs as, and that of its group. */
  constructor(
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    user?: number,
  ) {
    this.#process = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    this.pid = this.#process.pid ?? 0;
    collect(this.#process.stdout, this.stdout);
    collect(this.#process.stderr, this.stderr);
    this.#process.stderr?.on('data', (chunk: string) => {
      keep(`${path.basename(file)} ${this.pid} ${args.slice(-3).join(' ')}\n${chunk}`);
    });
    this.exited = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    // Whoever awaits it hears of it; a program that cannot be started is no reason to end the tests.
    this.exited.catch(() => undefined);
    atTestEnd(async () => {
      if (this.exit) return;
      this.kill('SIGKILL');
      await this.ended();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  ended(): Promise<Exit> {
    return within(`the end of ${this.#process.spawnargs.join(' ')}`, this.exited);
  }

  /** The first line on stderr that matches. Fails at once when the process ends without it. */
  async said(pattern: RegExp): Promise<string> {
    const find = (): string | undefined => this.stderr.find((line) => pattern.test(line));
    const line = await eventually(() => {
      const found = find();
      if (found === undefined && !this.exit)
        throw new Error(`${pattern.source} not in:\n${this.stderr.join('\n')}`);
      return found;
    });
    if (line === undefined) {
      throw new Error(
        `ended (${this.exit?.code ?? this.exit?.signal}) before ${pattern.source}:\n${this.stderr.join('\n')}`,
      );
    }
    return line;
  }
}

/** What processes said stays on the host, by suite: the first thing to read when a test fails. */
function keep(text: string): void {
  const folder = process.env.LAB_OUT;
  // The demo keeps its daemon's log itself.
  if (folder === undefined || typeof expect === 'undefined') return;
  fs.mkdirSync(path.join(folder, 'log'), { recursive: true });
  const suite = path.basename(expect.getState().testPath ?? 'suite', '.test.js');
  fs.appendFileSync(path.join(folder, 'log', `${suite}.log`), text);
}

function collect(stream: NodeJS.ReadableStream | null, lines: string[]): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  stream?.on('end', () => {
    if (rest !== '') lines.push(rest);
  });
}
