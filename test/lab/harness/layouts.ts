import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { plan, type PlanFlags } from '../../../src/cli/plan';
import type { OutputStatus } from '../../../src/control/protocol';
import { messageOf } from '../../../src/error';
import { rotations } from '../../../src/config/config';
import { fourcc } from '../../../src/fourcc';
import { listCards } from '../../../src/kms/card';
import type { OutputPlan, Plan } from '../../../src/plan/plan';
import { Random } from '../../unit/support/random';
import { Daemon, writeConfig, type Setup } from './daemon';
import { eventually } from './eventually';
import { modesetsDuring } from './kernel';
import { Panels } from './panels';
import { DMABUF_UPDATE, PixelBuffer, WireGuest, words } from './wire-guest';

const GUESTS = ['alpha', 'beta', 'gamma'];
const MODES = [
  ...['preferred', 'preferred', 'current', 'guest'],
  ...['1920x1080', '1280x720@60', '800x600@60', '640x480@59.94'],
  ...['1600x900@75', '1366x768@60', '1100x700@50', '9000x1000@60', '1000x1000'],
  'modeline 85.25 1368 1440 1576 1784 768 771 781 798 -hsync +vsync',
];
const FITS = ['auto', 'auto', 'none', 'aspect', 'fill'];
const SIZES = ['320x240', '800x600', '1024x768', '1300x500', '500x900', '1400x1100'];
/** With the bytes of a pixel. Nobody takes the last, and no plane lists the two before it. */
const FORMATS = {
  ...{ XR24: 4, AR24: 4, XB24: 4, AB24: 4, BA24: 4, RG16: 2, RG24: 3, RA24: 4, XR30: 4 },
  XR12: 2,
} as const;
type Format = keyof typeof FORMATS;

const run = promisify(execFile);

/** How often which answer of the plan was right. */
export type Tally = Record<string, number>;

/** One card with a daemon on it, a start and some switches: each planned first, then done and compared. */
class Round {
  readonly tally: Tally = {};
  readonly #guests = new Map<string, WireGuest>();
  /** Outputs whose modes come and go with guests, so that more than the plan's modesets happen while those do. */
  #following: readonly string[] = [];

  constructor(
    private readonly random: Random,
    private readonly name: string,
  ) {}

  /** The start is one layout, each switch another. */
  async play(switches: number): Promise<void> {
    const { random } = this;
    const [connectors, crtcs] = [1 + random.below(4), 1 + random.below(4)];
    const reach = Array.from({ length: connectors }, (_, encoder) => {
      const reached = Array.from({ length: crtcs }, (__, crtc) => crtc).filter(
        // vkms wants each CRTC to be reached by some encoder.
        (crtc) => crtc % connectors === encoder || random.chance(0.6),
      );
      return `${encoder}:${(reached.length > 0 ? reached : [random.below(crtcs)]).join(',')}`;
    });
    const panels = await Panels.create(this.name, { connectors, crtcs, reach });
    try {
      const away = panels.connectors.map((_, index) => index).filter(() => random.chance(0.25));
      await panels.unplug(...away);
      // The console takes a card whenever the last program closes it: what it takes then is to be there beforehand.
      await (await fs.open(panels.device, 'r+')).close();
      const setup = this.#setup(panels);
      await this.#start(setup, switches);
    } finally {
      await panels.remove();
    }
  }

  #setup(panels: Panels): Setup {
    const { random } = this;
    const guests = [...GUESTS];
    const outputs = panels.connectors
      .filter(() => random.chance(0.8))
      .map((name): [string, { mode: string }] => {
        const show = random.chance(0.8) ? guests.splice(random.below(guests.length), 1)[0] : undefined;
        const rotate = random.chance(0.3) ? random.pick(rotations) : undefined;
        return [
          name,
          {
            ...(show === undefined ? {} : { show }),
            ...{ mode: random.pick(MODES), fit: random.pick(FITS) },
            ...(rotate === undefined ? {} : { rotate }),
          },
        ];
      });
    this.#following = outputs.filter(([, { mode }]) => mode === 'guest').map(([name]) => name);
    return {
      ...{ guests: GUESTS, outputs: Object.fromEntries(outputs), card: panels.device },
      legacy: random.chance(0.25),
    };
  }

  async #start(setup: Setup, switches: number): Promise<void> {
    const { legacy = false, ...config } = setup;
    const written = writeConfig(config);
    const asked = { config: written.file, ...this.#buffer() };
    const planned = await this.#plan({ ...asked, legacy }, written.control);
    expect(planned.by).toBe(legacy ? 'properties' : 'test commits');
    this.#count(planned.commit);
    await this.#comparesWithSaved(planned, asked, written);
    const settled = planned.outputs.filter(({ output }) => !this.#following.includes(output));
    let started: Daemon | undefined;
    const modesets = await modesetsDuring(async () => {
      started = await Daemon.start(setup, written.directory);
      for (const { output, mode } of settled)
        if (mode !== null) await started.said(new RegExp(`${output}: lit with ${mode} `));
    });
    const daemon = started!;
    try {
      // What the kernel itself called a modeset, and what the plan did.
      const crtcs = [...new Set(modesets.map((line) => Number(/\[CRTC:(\d+):/.exec(line)?.[1])))];
      const lit = settled.filter(({ change }) => change === 'modeset').map(({ crtc }) => crtc);
      const seamless = settled.filter(({ change }) => change === 'flip').map(({ crtc }) => crtc);
      expect(crtcs).toEqual(expect.arrayContaining(lit));
      for (const crtc of seamless) expect(crtcs).not.toContain(crtc);
      this.#count('modeset at start', lit.length);
      this.#count('seamless at start', seamless.length);
      for (const output of planned.outputs) await this.#draw(daemon, output);
      await this.#agree(daemon, planned, new Map());
      for (let index = 0; index < switches; index++) await this.#switch(daemon);
    } finally {
      for (const guest of this.#guests.values()) guest.close();
      await daemon.stop();
    }
  }

  /** What `drm_info` wrote of the card makes the same plan, but for what only the hardware can tell. */
  async #comparesWithSaved(
    planned: Plan,
    asked: Partial<PlanFlags>,
    { directory, control }: { directory: string; control: string },
  ): Promise<void> {
    const drmInfo = path.join(directory, 'drm_info.json');
    // All cards: the file has no numbers of connectors, they are counted.
    const { stdout } = await run('drm_info', ['-j', ...listCards()], { maxBuffer: 1 << 26 });
    await fs.writeFile(drmInfo, stdout);
    const { outputs } = await this.#plan({ ...asked, drmInfo }, control);
    const of = ({ output, crtc, plane, mode, guest, buffer }: OutputPlan) => ({
      ...{ output, crtc, plane, mode, guest, buffer },
    });
    expect(outputs.map(of)).toEqual(planned.outputs.map(of));
    for (const [index, { path: saved }] of outputs.entries()) {
      if (saved !== 'unknown') expect(saved).toBe(planned.outputs[index]!.path);
      this.#count('from a file');
    }
  }

  async #switch(daemon: Daemon): Promise<void> {
    const { random } = this;
    const outputs = (await daemon.status()).outputs.filter(({ lit }) => lit);
    if (outputs.length === 0) return;
    const guest = random.pick(GUESTS);
    const on = random.pick(outputs).output;
    const planned = await this.#plan({ show: guest, on, ...this.#buffer() }, daemon.control);
    const before = new Map(outputs.map(({ output, modesets }) => [output, modesets]));
    // The guest comes anew, with what was planned for it.
    this.#guests.get(guest)?.close();
    this.#guests.delete(guest);
    await eventually(async () => {
      expect((await daemon.guest(guest)).connected).toBe(false);
    });
    await daemon.show(guest, on);
    // One that changes places may have been refused before: it is planned as if it came, too.
    for (const each of planned.outputs)
      if (each.output === on || each.buffer?.assumed === true) await this.#draw(daemon, each);
    await this.#agree(daemon, planned, before);
  }

  /** What a guest draws next, in the words of the command line; undefined: of the mode's size. */
  #buffer(): { size: string | undefined; format: Format } {
    const { random } = this;
    const size = random.chance(0.5) ? undefined : random.pick(SIZES);
    const format = random.chance(0.4) ? 'XR24' : random.pick(Object.keys(FORMATS) as Format[]);
    return { size, format };
  }

  async #plan(flags: Partial<PlanFlags>, control: string): Promise<Plan> {
    return JSON.parse(await plan({ legacy: false, ...flags }, control, true)) as Plan;
  }

  /** The guest of an output sends the buffer that was planned. */
  async #draw(daemon: Daemon, { guest, buffer, path }: OutputPlan): Promise<void> {
    if (guest === null || buffer === null) return;
    const sender = await WireGuest.join(daemon.socket(guest));
    this.#guests.set(guest, sender);
    const { width, height } = buffer;
    const format = buffer.format as Format;
    const pixels = new PixelBuffer(width, height, { stride: width * FORMATS[format] });
    await sender.scanout(pixels, { format: fourcc(format) });
    if (path === 'refused') {
      // The daemon shows the door to who sends what cannot be shown, at the latest when it is to be.
      await sender.send(DMABUF_UPDATE, words(0, 0, 0, width, height)).catch(() => undefined);
    } else {
      await sender.send(DMABUF_UPDATE, words(0, 0, 0, width, height));
      await sender.reply();
    }
    pixels.close();
  }

  /** Status says what the plan said. */
  async #agree(daemon: Daemon, planned: Plan, modesets: ReadonlyMap<string, number>): Promise<void> {
    const unknown = planned.outputs.filter(({ path }) => path === 'unknown').map(({ output }) => output);
    const of = ({ output, crtc, mode, guest, path }: OutputPlan | OutputStatus) => ({
      ...{ output, crtc, mode, guest },
      path: path === 'refused' ? 'picture' : unknown.includes(output) ? 'unknown' : path,
    });
    const wanted = planned.outputs.map(of).sort(byName);
    await eventually(async () => {
      const outputs = (await daemon.status()).outputs;
      expect(outputs.map(of).sort(byName)).toEqual(wanted);
      for (const { output, modesets: now } of outputs) {
        const change = planned.outputs.find((one) => one.output === output)?.change;
        if (modesets.has(output) && change !== 'modeset' && !this.#following.includes(output))
          expect({ output, now }).toEqual({ output, now: modesets.get(output) });
      }
    });
    for (const { path, change } of planned.outputs) {
      this.#count(path ?? 'dark');
      if (modesets.size > 0) this.#count(`${change} at a switch`);
    }
    this.#count('layouts');
  }

  #count(what: string, by = 1): void {
    this.tally[what] = (this.tally[what] ?? 0) + by;
  }
}

const byName = (a: { output: string }, b: { output: string }): number => (a.output < b.output ? -1 : 1);

/** Random cards, configs and buffers: what `plan` says beforehand against what the daemon then does. */
export async function planAgrees(layouts: number, seed: number): Promise<Tally> {
  const SWITCHES = 9;
  const total: Tally = {};
  for (let round = 0; (total.layouts ?? 0) < layouts; round++) {
    const one = new Round(new Random(seed + round), `plan${round}`);
    try {
      await one.play(SWITCHES);
    } catch (error) {
      throw new Error(`seed ${seed + round}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    for (const [what, count] of Object.entries(one.tally)) total[what] = (total[what] ?? 0) + count;
  }
  return total;
}
