/**
 * What `make demo` shows: two guests on three panels, moved about by hotkeys, a cable, a crash and a signal. After
 * each step every panel is photographed, and held against what vkms says it composed. Runs inside the lab.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { OutputStatus, Status } from '../../src/control/protocol';
import { messageOf } from '../../src/error';
import { encodePng } from '../../src/kms/png';
import { crtcOf, decodePng, eventually, pause, within, type Image } from '../lab/harness';
import { consolePicture, difference, watchGuest, watchStill, wordsFor, type Sight } from './panel';
import { PANELS, steps, type Step } from './play';
import { contactSheet, rgbRows, thumbnail, type SheetRow } from './sheet';
import { Stage } from './stage';
import { Table, write } from './table';

const HEADLINE = 'kms-switcher: two guests, three monitors, one keyboard';
const INTRODUCTION = `
${HEADLINE}

The machine is emulated, its panels are virtual (vkms), all else is real: DRM, dma-bufs, evdev.
  exact    what vkms composed (its checksum, not our word) is a picture of the guest's own, to the pixel
  picture  one of the daemon's own, and on the panel as photographed
  path     direct: the guest's own buffer is scanned out; copy: it had to be copied
  switch   from the key to the commit, and to the vblank that showed it, on this slow emulated machine

`;

class Demo {
  readonly #stage = new Stage();
  readonly #table = new Table(PANELS);
  readonly #sheet: SheetRow[] = [];
  readonly #problems: string[] = [];
  readonly #tally = { checked: 0, hotkeys: 0, modesets: 0, copies: 0 };
  /** Panels that were as they should be, by what they showed. */
  readonly #right: Record<Sight['kind'], number> = {
    guest: 0,
    console: 0,
    waiting: 0,
    gone: 0,
    nothing: 0,
    unplugged: 0,
  };
  readonly #methods = new Set<string>();

  constructor(private readonly folder: string) {}

  /** Plays it; returns the exit code. */
  async play(): Promise<number> {
    write(INTRODUCTION);
    this.#table.heading();
    try {
      for (const step of steps) await this.#step(step);
    } catch (error) {
      write('\n');
      const number = this.#sheet.length;
      // The lines after the first are what the daemon said; that follows.
      this.#problems.push(
        `step ${number}, ${steps[number]?.title ?? 'the end'}: ${messageOf(error).split('\n')[0]!}`,
      );
      write(
        this.#stage.log
          .slice(-8)
          .map((line) => `     daemon: ${line}\n`)
          .join(''),
      );
    } finally {
      await this.#stage.clear(this.folder);
    }
    const summary = this.#summary();
    write(`\n${summary.join('\n')}\n`);
    for (const problem of this.#problems) write(`  WRONG: ${problem}\n`);
    write('Putting the photographs on one sheet …\n');
    const sheet = await contactSheet(this.#sheet, PANELS, HEADLINE, summary);
    fs.writeFileSync(path.join(this.folder, 'contact-sheet.png'), sheet);
    return this.#problems.length === 0 && this.#sheet.length === steps.length ? 0 : 1;
  }

  async #step(step: Step): Promise<void> {
    this.#table.step(step.title);
    const before = step.hotkey ? await this.#stage.status() : undefined;
    const pressed = performance.now();
    await step.act(this.#stage);
    // Asked at once, the daemon would have to answer while it switches.
    if (step.hotkey) await pause(100);
    const status = this.#stage.daemonRuns ? await this.#settled(step) : undefined;
    const elapsed = performance.now() - pressed;

    const problems: string[] = [];
    const photographs = await Promise.all(PANELS.map((name, i) => this.#photograph(name, step.sights[i]!)));
    const row: SheetRow['panels'][number][] = [];
    for (const [i, name] of PANELS.entries()) {
      const sight = step.sights[i]!;
      const photograph = photographs[i];
      const problem = await this.#verify(name, sight, photograph);
      if (problem !== undefined) problems.push(`step ${this.#sheet.length}, ${name}: ${problem}`);
      const right = problem === undefined;
      this.#table.panel(sight, right);
      row.push({ label: label(sight, right), right, thumbnail: photograph && thumbnail(photograph) });
    }

    const shown = status?.outputs.filter(({ path: way }) => way === 'direct' || way === 'copy') ?? [];
    const paths = new Set(shown.map(({ path: way }) => way));
    this.#tally.copies += shown.filter(({ path: way }) => way === 'copy').length;
    if (before && status) {
      this.#tally.hotkeys++;
      const modesets = modesetsOf(status) - modesetsOf(before);
      this.#tally.modesets += modesets;
      if (modesets > 0) problems.push(`step ${this.#sheet.length}: the hotkey made ${modesets} modesets`);
    }
    for (const { output, reason } of shown.filter(({ path: way }) => way === 'copy')) {
      problems.push(`step ${this.#sheet.length}: ${output} is copied: ${reason ?? 'no reason given'}`);
    }
    this.#table.end([...paths].join(' '), step.hotkey ? slowest(shown, elapsed) : undefined);
    this.#problems.push(...problems);
    for (const problem of problems) this.#table.note(problem);
    this.#sheet.push({ title: step.title, caption: step.caption, panels: row });
  }

  /** Waits until the daemon says that the panels show what they are to show, and every switch has reached its vblank. */
  #settled({ sights }: Step): Promise<Status> {
    return eventually(async () => {
      const status = await this.#stage.status();
      for (const [i, name] of PANELS.entries()) {
        const output = status.outputs.find((candidate) => candidate.output === name);
        const problem = difference(output, sights[i]!);
        if (problem !== undefined) throw new Error(`${name}: ${problem}`);
        if (output?.lit && output.lastSwitch?.shownMs === null)
          throw new Error(`${name}: the switch is not on the panel`);
      }
      return status;
    }, 30);
  }

  /** Photographs a panel and keeps that; undefined: it is dark. */
  async #photograph(name: string, sight: Sight): Promise<Image | undefined> {
    if (sight.kind === 'unplugged') return undefined;
    if (sight.kind === 'console') {
      const image = consolePicture();
      const { width, height } = image;
      await this.#keep(
        name,
        await encodePng(rgbRows(image), width, height, { Title: name, Source: '/dev/fb0' }),
      );
      return image;
    }
    const { png, method } = await this.#stage.photograph(name);
    await this.#keep(name, png);
    this.#methods.add(method);
    return decodePng(png).image;
  }

  /** Holds a panel and its photograph against the witness, and counts. Returns what is wrong. */
  async #verify(name: string, sight: Sight, photograph: Image | undefined): Promise<string | undefined> {
    this.#tally.checked++;
    try {
      if (photograph) await within(`looking at ${name}`, this.#compare(name, sight, photograph.crc));
      else if (crtcOf(name)) throw new Error('the kernel says that a CRTC still drives it');
      this.#right[sight.kind]++;
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #compare(name: string, sight: Sight, photographed: number): Promise<void> {
    if (sight.kind === 'guest') {
      const pictures = this.#stage.pictures(sight.guest);
      if (!pictures.has(photographed))
        throw new Error(`the photograph is none of the pictures of ${sight.guest}`);
      await watchGuest(name, pictures);
    } else {
      await watchStill(name, photographed);
    }
  }

  async #keep(name: string, png: Buffer): Promise<void> {
    const number = `${this.#sheet.length}`.padStart(2, '0');
    await fs.promises.writeFile(path.join(this.folder, `${number}-${name}.png`), png);
  }

  #summary(): string[] {
    const { checked, hotkeys, modesets, copies } = this.#tally;
    const { guest, console, waiting, gone, nothing, unplugged } = this.#right;
    const pictures = waiting + gone + nothing;
    const seconds = Math.round(performance.now() / 1000);
    const wrong = checked - guest - console - pictures - unplugged;
    return [
      `${this.#sheet.length} steps, ${checked} panels checked: ${guest + console} exact (${guest} guests, ` +
        `${console} console), ${pictures} the daemon's pictures, ${unplugged} unplugged, ${wrong} wrong`,
      `${hotkeys} hotkeys: ${modesets} modesets; ${copies} copies; photographs by ${[...this.#methods].join(' and ') || 'nobody'}; ${seconds} s`,
    ];
  }
}

function label(sight: Sight, right: boolean): string {
  if (!right) return `${wordsFor(sight)}: WRONG`;
  if (sight.kind === 'guest' || sight.kind === 'console') return `${wordsFor(sight)}: exact`;
  return sight.kind === 'unplugged' ? 'unplugged' : "the daemon's picture";
}

function modesetsOf({ outputs }: Status): number {
  return outputs.reduce((sum, { modesets }) => sum + modesets, 0);
}

/** The slowest of the panels that got another guest by this key. */
function slowest(
  outputs: readonly OutputStatus[],
  elapsed: number,
): { commit: number; vblank: number } | undefined {
  const switches = outputs.flatMap(({ lastSwitch }) =>
    lastSwitch && lastSwitch.agoMs <= elapsed ? [lastSwitch] : [],
  );
  const last = switches.sort((a, b) => (b.shownMs ?? 0) - (a.shownMs ?? 0))[0];
  return last && { commit: last.commitMs ?? NaN, vblank: last.shownMs ?? NaN };
}

void new Demo(process.env.LAB_OUT ?? '.').play().then((code) => process.exit(code));
