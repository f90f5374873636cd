import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ask } from '../../../src/control/client';
import { Random } from '../../unit/support/random';
import { Daemon, writeConfig, type Setup } from './daemon';
import { eventually, pause } from './eventually';
import { held } from './held';
import { Image } from './image';
import { Keyboard } from './keyboard';
import { Panels } from './panels';
import { PictureGuest } from './picture-guest';
import { Seatd } from './seatd';
import { PixelBuffer, WireGuest } from './wire-guest';
import { frames, shows } from './witness';

const run = promisify(execFile);

const { lab } = Panels;
const OUTPUTS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
const GUESTS = ['moving', 'still', 'resizing'] as const;
/** The last two are in no monitor's list. */
const MODES = ['1024x768', '1280x720', '800x600', '1280x800', '1100x700@50', '960x640@60'] as const;

/** How often each kind of event comes, of 24. */
const OFTEN = { plug: 2, replug: 2, vt: 3, mode: 1, show: 4, hotkey: 4, kill: 2, resize: 4, leave: 2 };

/** After which nothing is held any more that nobody needs. */
const RESTED_MS = 15_000;

type Kind = keyof typeof OFTEN;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A guest that is asked for a screen of another size now and then, of which it knows how each looks on the panel. */
class ResizingGuest {
  #image = new Image(1, 1);
  #wire: WireGuest | undefined;
  #buffer: PixelBuffer | undefined;

  constructor(private readonly socket: string) {}

  /** No larger than a panel is. */
  async resize(random: Random, { width, height }: Size): Promise<void> {
    const image = Image.pattern(
      64 + random.below(width - 63),
      64 + random.below(height - 63),
      random.below(256),
    );
    if (this.#wire?.ended !== undefined) this.#wire = undefined;
    this.#wire ??= await WireGuest.join(this.socket);
    const buffer = await PixelBuffer.of(image);
    await this.#wire.present(buffer);
    this.#buffer?.close();
    this.#buffer = buffer;
    this.#image = image;
  }

  pictures({ width, height }: Size): ReadonlySet<number> {
    return new Set([this.#image.centredOn(width, height).crc]);
  }

  leave(): void {
    this.#wire?.close();
    this.#wire = undefined;
    this.#buffer?.close();
    this.#buffer = undefined;
  }
}

/**
 * Everything that can happen to a daemon, in an order that looks random and is the same for a seed: monitors come and
 * go, another virtual terminal is in front, guests die, come back and change size, the monitors' mode is another after
 * the service was restarted, hotkeys and commands switch, while nobody waits for anything. Every `calm` events, and at
 * the end, the dust settles: every panel has to show just what it should, and no more is held than at the start.
 */
export class Storm {
  readonly #happened = new Map<string, number>();
  readonly #plugged = new Set([0, 1, 2]);
  readonly #processes = new Map<'moving' | 'still', PictureGuest>();
  readonly #resizing: ResizingGuest;
  #size: Size = sizeOf(MODES[0]);
  /** Whether our virtual terminal is the one that is seen. */
  #front = true;
  #keyboard: Keyboard | undefined;
  #calms = 0;

  private constructor(
    private readonly random: Random,
    private readonly seatd: Seatd,
    private readonly daemon: Daemon,
    private readonly legacy: boolean,
  ) {
    this.#resizing = new ResizingGuest(daemon.socket('resizing'));
  }

  static async play(events: number, seed: number, { calm = 25, legacy = false } = {}): Promise<void> {
    const seatd = await Seatd.start('root', true);
    const daemon = await Daemon.start({ ...setupOf(MODES[0]), legacy, supervised: true });
    await daemon.said(/session: seatd, seat0/);
    const storm = new Storm(new Random(seed), seatd, daemon, legacy);
    await storm.#play(events, calm);
  }

  async #play(events: number, calm: number): Promise<void> {
    const { random } = this;
    this.#keyboard = await Keyboard.plug(this.daemon);
    for (const name of ['moving', 'still'] as const) this.#start(name);
    await this.#settle();
    await pause(RESTED_MS);
    const before = await held(this.daemon);
    const deeds = this.#deeds();
    const names = (Object.keys(OFTEN) as Kind[]).flatMap((name) => Array<Kind>(OFTEN[name]).fill(name));
    // Nobody stays away for long.
    const away = [...names, ...Array<Kind>(12).fill('vt')];
    for (let event = 1; event <= events; event++) {
      const name = random.pick(this.#front ? names : away);
      this.#happened.set(name, (this.#happened.get(name) ?? 0) + 1);
      await deeds[name]();
      if (random.chance(0.3)) await pause(random.below(200));
      if (event % calm !== 0 && event !== events) continue;
      await this.#settle();
      // Buffers to copy into are kept for some seconds more.
      await eventually(async () => {
        expect(await held(this.daemon)).toEqual(before);
      });
    }
    await this.#end();
    const happened = JSON.stringify(Object.fromEntries(this.#happened));
    console.log(
      `${events} events: ${happened}; ${this.#calms} times calm, each with ${JSON.stringify(before)}`,
    );
  }

  #deeds(): Record<Kind, () => Promise<void> | void> {
    const { random, daemon } = this;
    return {
      plug: async () => {
        const connector = random.below(3);
        if (this.#plugged.delete(connector)) return lab.unplug(connector);
        this.#plugged.add(connector);
        return lab.plug(connector);
      },
      replug: async () => {
        const connector = random.below(3);
        await lab.unplug(connector);
        if (random.chance(0.5)) await pause(random.below(100));
        await lab.plug(connector);
        this.#plugged.add(connector);
      },
      vt: () => this.#goTo(!this.#front),
      mode: async () => {
        // seatd gives whoever comes the terminal that is in front.
        await this.#goTo(true);
        const mode = random.pick(MODES);
        this.#size = sizeOf(mode);
        writeConfig(setupOf(mode), daemon.directory);
        await daemon.restart('SIGTERM');
        for (const name of this.#processes.keys()) await this.#again(name);
      },
      show: () => daemon.show(random.pick(GUESTS), random.pick(OUTPUTS)).catch(ifDark),
      hotkey: () => {
        const key = random.pick(['N', 'P', 'S', 'Tab', 'B', 'Digit1', 'Digit2', 'Digit3'] as const);
        this.#keyboard!.tap('ScrollLock', 'ScrollLock', key);
      },
      kill: () => this.#again(random.pick(['moving', 'still'] as const)),
      resize: () => this.#resizing.resize(random, this.#size),
      leave: () => {
        this.#resizing.leave();
      },
    };
  }

  /** Every panel shows what it should. */
  async #settle(): Promise<void> {
    const { daemon } = this;
    await this.#goTo(true);
    for (const connector of [0, 1, 2]) if (!this.#plugged.has(connector)) await lab.plug(connector);
    [0, 1, 2].forEach((connector) => this.#plugged.add(connector));
    await this.#resizing.resize(this.random, this.#size);
    let pictures = await this.#pictures();
    const { width, height } = this.#size;
    const black = new Image(width, height).crc;
    const strange = new Set([...Object.values(pictures).flatMap((known) => [...known]), black]);
    /** The daemon's own words are on a panel: nobody's picture, and not nothing. */
    const words = (name: string): Promise<void> =>
      eventually(async () => {
        for (const crc of await frames(name, 3)) expect(strange).not.toContain(crc);
      });
    for (const name of OUTPUTS) {
      const { guest, blank } = await eventually(async () => {
        const output = await daemon.output(name);
        expect(output).toMatchObject({ lit: true });
        expect(output.mode).toMatch(new RegExp(`^${width}x${height}@`));
        if (output.guest !== null && !output.blank) expect(output.link).toBe('connected');
        expect(output.path).toBe(
          output.guest === null || output.blank ? 'picture' : this.#path(output.guest),
        );
        return output;
      });
      if (blank) await shows(name, black);
      else if (guest !== null) await shows(name, pictures[guest]!);
      else await words(name);
    }
    // What was copied once, while another terminal was in front, say, stays mapped as long as its guest is there.
    for (const name of this.#processes.keys()) await this.#again(name);
    this.#resizing.leave();
    await this.#resizing.resize(this.random, this.#size);
    pictures = await this.#pictures();
    for (const [index, name] of OUTPUTS.entries()) await daemon.show(GUESTS[index]!, name);
    for (const [index, name] of OUTPUTS.entries()) {
      await daemon.outputIs(name, { path: this.#path(GUESTS[index]!) });
      await shows(name, pictures[GUESTS[index]!]!);
    }
    await ask(daemon.control, { command: 'panic', on: true });
    for (const name of OUTPUTS) await words(name);
    await ask(daemon.control, { command: 'panic', on: false });
    this.#calms++;
  }

  async #pictures(): Promise<Record<string, ReadonlySet<number>>> {
    return {
      moving: await this.#processes.get('moving')!.pictures(),
      still: await this.#processes.get('still')!.pictures(),
      resizing: this.#resizing.pictures(this.#size),
    };
  }

  /** SetCrtc cannot place a screen that does not fill the panel. */
  #path(guest: string): 'direct' | 'copy' {
    return guest === 'resizing' && this.legacy ? 'copy' : 'direct';
  }

  async #end(): Promise<void> {
    const { daemon } = this;
    this.#resizing.leave();
    for (const guest of this.#processes.values()) await guest.stop();
    this.#keyboard!.unplug();
    // A process that failed, by a rejection that nobody handled, say, would have been started again.
    const ends = daemon.supervisor.filter((line) => line.startsWith('ended '));
    expect(ends).toEqual(Array<string>(this.#happened.get('mode') ?? 0).fill('ended 0'));
    await daemon.stop();
    await this.seatd.stop();
  }

  #start(name: 'moving' | 'still'): void {
    const options = [
      ...['--size', `${this.#size.width}x${this.#size.height}`],
      ...(name === 'still' ? ['--static'] : []),
    ];
    this.#processes.set(name, new PictureGuest(this.daemon.socket(name), name, ...options));
  }

  async #again(name: 'moving' | 'still'): Promise<void> {
    await this.#processes.get(name)!.kill();
    this.#start(name);
  }

  async #goTo(front: boolean): Promise<void> {
    if (front === this.#front) return;
    await run('busybox', ['chvt', front ? '1' : '2']);
    this.#front = front;
  }
}

function setupOf(mode: string): Setup {
  const outputs = OUTPUTS.map((name, index) => [name, { show: GUESTS[index], mode }] as const);
  return { guests: GUESTS, outputs: Object.fromEntries(outputs) };
}

function sizeOf(mode: string): Size {
  const [width = 0, height = 0] = mode.split(/[x@]/).map(Number);
  return { width, height };
}

/** Nothing can be shown on an output without a monitor; that is an answer, not a failure. */
function ifDark(error: unknown): void {
  if (!/no monitor|dark|not connected/.test(String(error))) throw error;
}
