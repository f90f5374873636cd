import * as fs from 'node:fs';
import * as path from 'node:path';
import { ask } from '../../src/control/client';
import type { OutputStatus, Photo, Status } from '../../src/control/protocol';
import { Keyboard, PictureGuest, startCli, within, type Child } from '../lab/harness';

const CONTROL = '/run/kms-switcher/control.sock';
const CONFIG = 'config/demo.yaml';
/** Told apart by everyone. */
const COLOURS = { windows: '1565c0', linux: 'f2a33a' } as const;

export type GuestName = keyof typeof COLOURS;

/** Everybody in the play: the daemon, the guests, the keyboard. */
export class Stage {
  #daemon: Child | undefined;
  #keyboard: Keyboard | undefined;
  readonly #guests = new Map<GuestName, PictureGuest>();
  readonly #pictures = new Map<string, ReadonlySet<number>>();

  get daemonRuns(): boolean {
    return this.#daemon !== undefined && this.#daemon.exit === undefined;
  }

  async startDaemon(): Promise<void> {
    this.#daemon = startCli(['run', '-c', CONFIG]);
    await this.#daemon.said(/ready after/);
  }

  async plugKeyboard(): Promise<void> {
    if (this.#daemon) this.#keyboard = await Keyboard.plug(this.#daemon, 'demo keyboard');
  }

  get keyboard(): Keyboard {
    if (!this.#keyboard) throw new Error('there is no keyboard yet');
    return this.#keyboard;
  }

  /** A guest that draws moving pictures of its own; it writes down the checksum of each beforehand. */
  async startGuest(name: GuestName): Promise<void> {
    // As many buffers as pictures: none is drawn into while vkms, which is slow here, still reads it.
    const options = ['--colour', COLOURS[name], '--buffers', '8'];
    const guest = new PictureGuest(`/run/kms-switcher/${name}.sock`, name, ...options);
    this.#guests.set(name, guest);
    this.#pictures.set(name, await guest.pictures());
  }

  /** Without a goodbye, as a crash would be. */
  async killGuest(name: GuestName): Promise<void> {
    await this.#guests.get(name)?.kill();
    this.#guests.delete(name);
  }

  pictures(guest: string): ReadonlySet<number> {
    const pictures = this.#pictures.get(guest);
    if (!pictures) throw new Error(`${guest} has not drawn anything yet`);
    return pictures;
  }

  status(): Promise<Status> {
    return ask<Status>(CONTROL, { command: 'status' });
  }

  async output(name: string): Promise<OutputStatus | undefined> {
    return (await this.status()).outputs.find(({ output }) => output === name);
  }

  async photograph(output: string): Promise<{ png: Buffer; method: Photo['method'] }> {
    const photo = ask<Photo>(CONTROL, { command: 'screenshot', output });
    const { png, method } = await within(`a photograph of ${output}`, photo);
    return { png: Buffer.from(png, 'base64'), method };
  }

  /** Ends the daemon as systemd would; fails unless it ended well. */
  async stopDaemon(): Promise<void> {
    this.#daemon?.kill('SIGTERM');
    const exit = await this.#daemon?.ended();
    if (exit?.code !== 0) throw new Error(`the daemon ended with ${exit?.code ?? exit?.signal ?? 'nothing'}`);
  }

  get log(): readonly string[] {
    return this.#daemon?.stderr ?? [];
  }

  /** Ends whatever still runs, and keeps the daemon's log. */
  async clear(folder: string): Promise<void> {
    for (const guest of this.#guests.values()) await guest.kill();
    if (this.#daemon && this.daemonRuns) {
      this.#daemon.kill('SIGKILL');
      await this.#daemon.ended();
    }
    this.#keyboard?.unplug();
    if (this.#daemon) fs.writeFileSync(path.join(folder, 'daemon.log'), `${this.log.join('\n')}\n`);
  }
}
