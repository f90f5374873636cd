import type { OutputConfig } from '../config/config';
import { monotonic } from '../clock';
import type { Card } from '../kms/card';
import type { Cards } from '../kms/cards';
import type { Connector } from '../kms/connector';
import { roomOn, type Size, type View } from '../kms/fitting';
import { chooseGuestMode } from '../kms/guest-mode';
import { modeName, sameMode, type ModeChoice } from '../kms/modes';
import { Output } from '../kms/output';
import type { Log } from '../log';
import type { ModeInfo } from '../native';
import {
  arrange,
  inConfigOrder,
  resolveOutput,
  viewOf,
  type Arranged,
  type Arrangement,
  type CardConnectors,
  type Limits,
  type Standing,
} from './arrange';
import { CommandError } from './layout';

/** The kernel sends several events for one cable; monitors answer a moment after they are plugged in. */
const QUIET_MS = 100;
/** A link that does not come up is trained so often; then its cable or monitor has to change first. */
const MAX_TRAININGS = 3;

/** What is known of a connector beside its output. */
interface Known {
  readonly output: Output;
  /** What the layout knows it by. */
  key: string;
  /** What its mode is chosen for, if that follows its guest. */
  screen: Size | null;
  /** The mode that its guests are told of. */
  told: ModeInfo | null;
  /** Modes that the card, or the link, did not take. */
  refused: { readonly mode: ModeInfo; readonly reason: string }[];
  /** How often in a row the link was found bad. */
  trainings: number;
  /** Another monitor has come in the place of the last one, faster than its going was noticed. */
  renewed: boolean;
}

/** The outputs of all cards: follows monitors and cards as they come and go, and keeps as many lit as can be. */
export class Outputs {
  readonly #known = new Map<string, Known>();
  #scanning: Promise<void> | undefined;
  #asked = 0;
  /** Connectors are to be read, too, when outputs are arranged next. */
  #toRead = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #unlit = new Set<string>();
  readonly #saidNone = new Set<Card>();
  #warned: readonly string[] = [];

  constructor(
    private readonly cards: Cards,
    readonly configs: readonly OutputConfig[],
    private readonly log: Log,
    /** `gone`: an output that is no more: its card has gone. */
    private readonly changed: (gone?: Output) => void,
    /** Another indicator is on a panel; absent: none is wanted. */
    private readonly indicated?: () => void,
    /** Resolves when our own pictures are drawn, as far as outputs are to show them. */
    private readonly drawn: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** By the connector's name. */
  get(name: string): Output | undefined {
    return this.#known.get(name)?.output;
  }

  all(): Output[] {
    return [...this.#known.values()].map(({ output }) => output);
  }

  /** What the layout knows an output by: the config's name for it, else its connector. */
  keyOf(output: string): string {
    return this.#known.get(output)?.key ?? output;
  }

  /** The output that has a key now. */
  byKey(key: string): Output | undefined {
    for (const known of this.#known.values()) if (known.key === key) return known.output;
    return undefined;
  }

  /** What the config says of an output. */
  configOf(output: string): OutputConfig | undefined {
    const key = this.keyOf(output);
    return this.configs.find(({ name }) => name === key);
  }

  /**
   * The key of what a user calls an output: a connector, a monitor of the config, or any that is connected. Throws
   * {@link CommandError}.
   */
  resolve(text: string): string {
    const known = [...this.#known.values()].map(({ output, key }) => ({ connector: output.connector, key }));
    return resolveOutput(text, known, this.configs);
  }

  /** The same; undefined: there is none now, or nobody can tell which it is. */
  find(text: string): string | undefined {
    try {
      return this.resolve(text);
    } catch (error) {
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  /** The lit ones, in the cards' order. */
  lit(): Output[] {
    return this.all().filter((output) => output.lit);
  }

  /**
   * The lit ones in the order of the config, those it does not name last. Of several that show one head the first is
   * the one whose size the guest is told.
   */
  inOrder(): Output[] {
    return inConfigOrder(this.lit(), this.configs, ({ name }) => this.keyOf(name));
  }

  /** What the guests of a lit output are told: a mode, and the room for a screen. */
  told(output: Output): (Size & { readonly mode: ModeInfo }) | undefined {
    const mode = this.#known.get(output.name)?.told;
    return mode && output.lit ? { mode, ...roomOn(mode, this.#viewOn(output)) } : undefined;
  }

  /** What an output's mode is chosen for, if it follows its guest; null: nothing. */
  screenOf(output: Output): Size | null {
    return this.#known.get(output.name)?.screen ?? null;
  }

  /** The mode that a screen would get there; undefined: it is dark, or its mode does not follow its guest. */
  modeFor(output: Output, screen: Size | null): ModeInfo | undefined {
    if (!output.lit || this.configOf(output.name)?.mode !== 'guest') return undefined;
    const refused = (mode: ModeInfo): string | undefined => this.#standing(output.name)?.refused(mode);
    return chooseGuestMode(output.connector.info.modes, screen, this.#viewOn(output), refused)?.mode;
  }

  /** From now on an output's mode is chosen for this screen: the next {@link refit} sets it. */
  chooseFor(output: Output, screen: Size | null): void {
    const known = this.#known.get(output.name);
    if (known) known.screen = screen;
  }

  /** Lights the outputs whose modes follow their guests with what they are to have now; asks no monitor. */
  async refit(): Promise<void> {
    await this.#arrange();
  }

  /** A monitor may have come or gone: looks once the events have stopped for a moment. */
  hotplug(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.scan().catch((error: unknown) => this.log.error(`looking for monitors: ${String(error)}`));
    }, QUIET_MS);
  }

  /** Reads all connectors and brings the outputs to what is connected. One scan at a time; more are merged into one. */
  async scan(): Promise<void> {
    this.#toRead = true;
    await this.#arrange();
  }

  async #arrange(): Promise<void> {
    this.#asked++;
    if (this.#scanning) return this.#scanning;
    this.#scanning = this.#arrangeUntilQuiet();
    try {
      await this.#scanning;
    } finally {
      this.#scanning = undefined;
    }
  }

  /** No more changes; waits for the one that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#scanning?.catch(() => undefined);
  }

  async #arrangeUntilQuiet(): Promise<void> {
    let answered: number;
    do {
      answered = this.#asked;
      const toRead = this.#toRead;
      this.#toRead = false;
      if (toRead) await this.#scanOnce();
      else await this.#refitOnce();
    } while (answered !== this.#asked && !this.#closed);
  }

  async #scanOnce(): Promise<void> {
    const started = monotonic();
    const cards: CardConnectors[] = [];
    for (const card of [...this.cards.all]) {
      const read = await this.#read(card);
      if (this.#closed) return;
      if (read) cards.push({ connectors: this.#distinct(card, read), limits: this.#limits(card) });
    }
    await this.#dropGone();
    const { outputs, warnings } = arrange(cards, this.configs, (name) => this.#standing(name));
    for (const warning of warnings) if (!this.#warned.includes(warning)) this.log.warning(warning);
    this.#warned = warnings;
    for (const [rank, { connector, key }] of outputs.entries()) {
      const known = this.#known.get(connector.name)!;
      known.key = key;
      known.output.rank = rank;
    }
    for (const card of this.cards.all) this.#reportUnlit(card, outputs);
    await this.#bring(outputs);
    this.log.debug(`looked at ${outputs.length} connectors, ${Math.round(monotonic() - started)} ms`);
  }

  /** Brings all outputs to what they are to become: those of a card in one commit, if it can. */
  async #bring(outputs: readonly Arranged[]): Promise<void> {
    const going: Promise<void>[] = [];
    await this.cards.gather(async () => {
      await this.#darken(outputs, going);
      for (const arranged of outputs) await this.#light(arranged);
      await this.drawn();
    });
    await Promise.all(going);
  }

  /** First what goes, so that its CRTC is free for what comes; `going`: those that go with the commit that lights it. */
  async #darken(outputs: readonly Arranged[], going: Promise<void>[]): Promise<void> {
    const byName = new Map(outputs.map((arranged) => [arranged.connector.name, arranged]));
    for (const output of this.lit()) {
      const { crtc, connector } = byName.get(output.name) ?? { crtc: 0, connector: undefined };
      const why = this.#whyDark(output, crtc, connector);
      if (why === undefined) continue;
      this.log.info(`${output.name}: ${why}`);
      const passedOn =
        crtc === 0 &&
        outputs.some(
          (other) => other.crtc === output.crtc && this.get(other.connector.name)?.card === output.card,
        );
      if (passedOn) going.push(output.darken(true));
      else await output.darken();
      this.changed();
    }
  }

  async #refitOnce(): Promise<void> {
    await this.cards.gather(async () => {
      for (const arranged of this.preview().outputs) {
        const { output } = this.#known.get(arranged.connector.name)!;
        const { choice, config, crtc } = arranged;
        if (config?.mode !== 'guest' || !choice || !output.mode || crtc !== output.crtc) continue;
        if (!sameMode(choice.mode, output.mode)) await this.#light(arranged);
        else output.modeNote = choice.note;
      }
    });
  }

  /** The connectors of a card; undefined: it has gone. */
  async #read(card: Card): Promise<Connector[] | undefined> {
    // Its connectors are told of before it is, and not all drivers are there for questions any more.
    if (!this.cards.check(card)) return undefined;
    try {
      // One that goes in the middle of it may never answer.
      const read = await Promise.race([card.connectors(true), card.gone]);
      return read && this.cards.check(card) ? read.filter(({ writeback }) => !writeback) : undefined;
    } catch (error) {
      if (!this.cards.check(card, error)) return undefined;
      throw error;
    }
  }

  /** The kernel gives no name to two connectors; should one do so, the second is known by its card as well. */
  #distinct(card: Card, read: readonly Connector[]): Connector[] {
    return read.map((connector) => {
      const other = this.get(connector.name);
      const taken = other && other.card !== card && this.cards.all.includes(other.card);
      const name = `${card.name}/${connector.name}`;
      const distinct = taken === true || this.configs.some((config) => config.name === name);
      return this.#meet(card, distinct ? { ...connector, name } : connector);
    });
  }

  /** Lets go of the outputs of cards that have gone. */
  async #dropGone(): Promise<void> {
    for (const output of this.all()) {
      if (this.cards.all.includes(output.card)) continue;
      this.log.info(`${output.name}: its card has gone`);
      this.#known.delete(output.name);
      await output.abandon();
      this.changed(output);
    }
  }

  #limits({ crtcs, maxWidth, maxHeight, native }: Card, indicator = this.indicated !== undefined): Limits {
    return { crtcs, maxWidth, maxHeight, indicator, modeOf: (crtc) => native.crtc(crtc).mode };
  }

  /**
   * What would become of the outputs, by another config if one is given, as far as is known without asking monitors;
   * `refused`: modes that are not to be tried; `screen`: what is to be shown there.
   */
  preview(
    configs: readonly OutputConfig[] = this.configs,
    refused: (output: string, mode: ModeInfo) => string | undefined = () => undefined,
    indicator?: boolean,
    screen?: (output: string) => Size | null,
  ): Arrangement {
    const cards = this.cards.all.map((card) => ({
      connectors: this.all()
        .filter((output) => output.card === card)
        .map(({ connector }) => connector),
      limits: this.#limits(card, indicator),
    }));
    return arrange(cards, configs, (name) => {
      const standing = this.#standing(name);
      return (
        standing && {
          ...standing,
          ...(screen && { screen: screen(name) }),
          refused: (mode) => standing.refused(mode) ?? refused(name, mode),
        }
      );
    });
  }

  #standing(name: string): Standing | undefined {
    const known = this.#known.get(name);
    if (!known) return undefined;
    const { output, key, screen } = known;
    const { crtc, settledMode: mode } = output;
    // It may take now what it refused when another output had all of the bandwidth.
    if (mode) known.refused = known.refused.filter((other) => !sameMode(other.mode, mode));
    const { refused } = known;
    return {
      crtc,
      mode,
      key,
      screen,
      refused: (mode) => refused.find((other) => sameMode(other.mode, mode))?.reason,
    };
  }

  /** Why a lit output has to be set up anew, or not at all; undefined: it stays as it is. */
  #whyDark(output: Output, crtc: number, connector: Connector | undefined): string | undefined {
    if (crtc !== output.crtc) return crtc === 0 ? 'monitor disconnected' : 'moves to another CRTC';
    const known = this.#known.get(output.name)!;
    if (known.renewed) return 'another monitor';
    if (!connector?.linkBad) {
      known.trainings = 0;
      return undefined;
    }
    known.trainings++;
    if (known.trainings <= MAX_TRAININGS) return 'the link to the monitor is bad: setting the mode again';
    if (known.trainings === MAX_TRAININGS + 1)
      this.log.warning(`${output.name}: the link to the monitor stays bad: check its cable`);
    return undefined;
  }

  async #light({ connector, config, crtc, choice, told, view }: Arranged): Promise<void> {
    const known = this.#known.get(connector.name)!;
    const { output } = known;
    if (crtc === 0 || !choice || !told) return;
    this.#note(output, choice);
    try {
      await output.light(crtc, choice.mode, view, config?.signal);
    } catch (error) {
      this.log.error(`${output.name}: cannot be lit: ${String(error)}`);
      return;
    }
    known.told = told;
    this.changed();
  }

  #note(output: Output, { mode, why, note, made, passing }: ModeChoice): void {
    const said = note ?? (made ? why : undefined);
    if (said !== undefined && said !== output.modeNote) {
      if (note === undefined) this.log.info(`${output.name}: ${modeName(mode)}: ${said}`);
      else if (passing) this.log.debug(`${output.name}: ${said}`);
      else this.log.warning(`${output.name}: ${said}`);
    }
    output.modeNote = said;
  }

  #viewOn(output: Output): View {
    return viewOf(this.configOf(output.name), this.indicated !== undefined);
  }

  /** Takes in a new reading of a connector; returns it as it is to be understood. */
  #meet(card: Card, read: Connector): Connector {
    const known = this.#known.get(read.name);
    if (!known) {
      const output: Output = new Output(card, read, this.log, (mode, reason) =>
        this.#modeRefused(output, mode, reason),
      );
      if (this.indicated) output.onIndicated = this.indicated;
      this.#known.set(read.name, {
        ...{ output, key: read.name, screen: null, told: null },
        ...{ refused: [], trainings: 0, renewed: false },
      });
      return read;
    }
    const { output } = known;
    const before = output.connector;
    let connector = read;
    // Switched off at its own button, many a monitor stays connected but does not say any more who it is.
    if (output.lit && read.connected && !read.edid && before.edid) {
      const { edid, identity, info } = before;
      connector = { ...read, edid, identity, info: { ...read.info, modes: info.modes } };
    }
    const other = !sameBytes(before.edid, connector.edid) || !connector.connected;
    if (other) {
      known.refused = [];
      known.trainings = 0;
    }
    known.renewed = other && output.lit;
    output.update(connector);
    return connector;
  }

  /** The card did not take a mode: whether another is on its way. */
  #modeRefused(output: Output, mode: ModeInfo, reason: string): boolean {
    const known = this.#known.get(output.name);
    if (!known || this.#closed) return false;
    const { refused } = known;
    const isRefused = (one: ModeInfo): boolean => refused.some((other) => sameMode(other.mode, one));
    if (!isRefused(mode)) refused.push({ mode, reason });
    if (output.connector.info.modes.every(isRefused)) return false;
    this.hotplug();
    return true;
  }

  #reportUnlit(card: Card, all: readonly Arranged[]): void {
    const outputs = all.filter(({ connector }) => this.get(connector.name)?.card === card);
    for (const { short, connector } of outputs) {
      const { name } = connector;
      if (short && !this.#unlit.has(name)) {
        this.log.warning(
          `${name}: stays dark: ${card.name} has ${card.crtcs.length} CRTCs and none is left for it`,
        );
      }
      if (short) this.#unlit.add(name);
      else this.#unlit.delete(name);
    }
    const none = outputs.every(({ crtc, short }) => crtc === 0 && !short);
    if (none && !this.#saidNone.has(card))
      this.log.warning(`no monitor is connected to ${card.name}: waiting for one`);
    if (none) this.#saidNone.add(card);
    else this.#saidNone.delete(card);
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}
