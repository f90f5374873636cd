import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child, repository } from './child';
import { eventually, Hopeless } from './eventually';

const EV_KEY = 1;
const EV_REL = 2;
const EV_LED = 17;

/** test/guests/evdev-reader: takes an input device as a virtual machine monitor does. */
export class EvdevReader {
  readonly #child: Child;
  /** Lines that were asked for. */
  #read = 1;

  private constructor(private readonly device: string) {
    this.#child = new Child(path.join(repository, 'build/guests/evdev-reader'), [device]);
  }

  /** Starts one and waits until it has grabbed the device. */
  static async grab(device: string): Promise<EvdevReader> {
    const reader = new EvdevReader(device);
    await eventually(() => {
      if (reader.#child.exit) throw new Hopeless(reader.#child.stderr.join('\n'));
      if (!reader.name) throw new Error(`${device} is not grabbed yet`);
    });
    return reader;
  }

  get name(): string {
    return this.#child.stdout[0]?.slice('name '.length) ?? '';
  }

  /** All events so far: type, code, value. */
  get events(): number[][] {
    return this.#child.stdout.slice(1).map((line) => line.split(' ').map(Number));
  }

  /** Keys since it was last asked: `+30 -30`. */
  news(): string {
    const lines = this.#child.stdout.slice(this.#read);
    this.#read += lines.length;
    return lines
      .map((line) => line.split(' ').map(Number))
      .filter(([type]) => type === EV_KEY)
      .map(([, code, value]) => `${['-', '+', '*'][value!]}${code}`)
      .join(' ');
  }

  /** Waits until `news` is this: what has come of it by then stays news. */
  async tells(expected: string, seconds?: number): Promise<void> {
    const from = this.#read;
    await eventually(() => {
      this.#read = from;
      expect(this.news()).toBe(expected);
    }, seconds);
  }

  /** The sum of a relative axis. */
  sum(axis: number): number {
    return this.events.reduce(
      (sum, [type, code, value]) => (type === EV_REL && code === axis ? sum + value! : sum),
      0,
    );
  }

  /** Switches a light, as the guest does. */
  light(led: number, on: boolean): void {
    const event = Buffer.alloc(24);
    event.writeUInt16LE(EV_LED, 16);
    event.writeUInt16LE(led, 18);
    event.writeInt32LE(on ? 1 : 0, 20);
    const report = Buffer.alloc(24);
    const fd = fs.openSync(this.device, 'w');
    fs.writeSync(fd, Buffer.concat([event, report]));
    fs.closeSync(fd);
  }

  /** Its end with the device. */
  async ended(): Promise<void> {
    await this.#child.ended();
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
