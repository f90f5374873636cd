import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child, repository, type Exit } from './child';
import { scratch } from './daemon';
import { eventually, Hopeless } from './eventually';

export interface Stats {
  readonly frames: number;
  readonly acks: number;
  readonly connections: number;
  readonly ackUs: {
    readonly min: number;
    readonly median: number;
    readonly p99: number;
    readonly max: number;
  };
}

/**
 * test/guests/picture-guest: moving pictures in eight phases from a process of its own. Each phase has a buffer of its
 * own unless an option says otherwise: the witness is slow, and would read one that is already drawn anew.
 */
export class PictureGuest {
  readonly #child: Child;
  readonly #crcFile = path.join(scratch(), 'crc');

  constructor(
    socket: string,
    readonly name: string,
    ...options: string[]
  ) {
    this.#child = new Child(path.join(repository, 'build/guests/picture-guest'), [
      ...[
        '--socket',
        socket,
        '--name',
        name,
        '--stats',
        '--wait',
        '60',
        '--buffers',
        '8',
        '--crc-file',
        this.#crcFile,
      ],
      ...options,
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Checksums of all a head ever shows, as the guest computed them, by phase. */
  async pictures(head = 0): Promise<Set<number>> {
    const text = await eventually(() => {
      if (this.#child.exit) throw new Hopeless(`${this.name} ended: ${this.#child.stderr.join('\n')}`);
      return fs.readFileSync(this.#crcFile, 'utf8');
    });
    const lines = text
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    return new Set(lines.filter(([id]) => Number(id) === head).map((fields) => Number(fields[3])));
  }

  /** Stops it in the middle of whatever it does; it can neither draw nor answer until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Its end by itself (`--frames`). */
  async done(): Promise<{ exit: Exit; stats: Stats }> {
    const exit = await this.#child.ended();
    return { exit, stats: this.#stats() };
  }

  /** Ends it; fails unless that was in peace. */
  async stop(): Promise<Stats> {
    if (!this.#child.exit) this.#child.kill('SIGTERM');
    const { code } = await this.#child.ended();
    if (code !== 0) throw new Error(`${this.name} ended with ${code}: ${this.#child.stderr.join('\n')}`);
    return this.#stats();
  }

  /** Ends it without a goodbye. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended();
  }

  #stats(): Stats {
    const line = this.#child.stdout.at(-1);
    if (line === undefined)
      throw new Error(`${this.name} printed no stats: ${this.#child.stderr.join('\n')}`);
    return JSON.parse(line) as Stats;
  }
}
