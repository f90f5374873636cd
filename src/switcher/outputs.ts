import type { OutputConfig } from '../config/config';
import { monotonic } from '../clock';
import { assignCrtcs } from '../kms/assign';
import type { Card } from '../kms/card';
import type { Connector } from '../kms/connector';
import { chooseMode } from '../kms/modes';
import { Output } from '../kms/output';
import type { Log } from '../log';

/** The kernel sends several events for one cable; monitors answer a moment after they are plugged in. */
const QUIET_MS = 100;

/** The outputs of the card: follows monitors as they come and go, and keeps as many lit as can be. */
export class Outputs {
  readonly #outputs = new Map<string, Output>();
  #scanning: Promise<void> | undefined;
  #asked = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #unlit = new Set<string>();
  #saidNone = false;

  constructor(
    private readonly card: Card,
    private readonly configs: readonly OutputConfig[],
    private readonly log: Log,
    private readonly changed: () => void,
  ) {}

  get(name: string): Output | undefined {
    return this.#outputs.get(name);
  }

  all(): Output[] {
    return [...this.#outputs.values()];
  }

  /** The lit ones, in the card's order. */
  lit(): Output[] {
    return this.all().filter((output) => output.lit);
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
    this.#asked++;
    if (this.#scanning) return this.#scanning;
    this.#scanning = this.#scanUntilQuiet();
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

  async #scanUntilQuiet(): Promise<void> {
    let answered: number;
    do {
      answered = this.#asked;
      await this.#scanOnce();
    } while (answered !== this.#asked && !this.#closed);
  }

  async #scanOnce(): Promise<void> {
    const started = monotonic();
    const connectors = (await this.card.connectors(true)).filter(({ writeback }) => !writeback);
    if (this.#closed) return;
    const connected = this.#byPriority(
      connectors.filter(({ connected, info }) => connected && info.modes.length > 0),
    );
    const crtcs = assignCrtcs(
      connected.map(({ name, possibleCrtcs, crtc }) => ({
        name,
        possibleCrtcs,
        current: this.card.crtcs.indexOf(this.#outputs.get(name)?.crtc || crtc),
        wanted: this.configs.some((config) => config.name === name && config.show !== undefined),
      })),
      this.card.crtcs.length,
    );
    const wanted = new Map(
      connected.map((connector, index) => [connector, this.card.crtcs[crtcs[index]!] ?? 0]),
    );
    for (const connector of connectors) this.#meet(connector);
    this.#reportUnlit(wanted);
    // First what goes, so that its CRTC is free for what comes.
    const crtcOf = new Map([...wanted].map(([{ name }, crtc]) => [name, crtc]));
    for (const output of this.lit()) {
      if (crtcOf.get(output.name) === output.crtc) continue;
      this.log.info(
        `${output.name}: ${crtcOf.has(output.name) ? 'moves to another CRTC' : 'monitor disconnected'}`,
      );
      await output.darken();
      this.changed();
    }
    for (const [connector, crtc] of wanted) {
      if (crtc !== 0) await this.#light(connector, crtc);
    }
    this.log.debug(
      `${this.card.name}: looked at ${connectors.length} connectors, ${Math.round(monotonic() - started)} ms`,
    );
  }

  async #light(connector: Connector, crtc: number): Promise<void> {
    const output = this.#meet(connector);
    const wish = this.configs.find(({ name }) => name === connector.name)?.mode ?? 'preferred';
    const choice = chooseMode(connector.info.modes, wish, output.mode ?? this.card.native.crtc(crtc).mode);
    if (!choice) return;
    if (choice.note !== undefined && choice.note !== output.modeNote)
      this.log.warning(`${output.name}: ${choice.note}`);
    output.modeNote = choice.note;
    try {
      await output.light(crtc, choice.mode);
    } catch (error) {
      this.log.error(`${output.name}: cannot be lit: ${String(error)}`);
      return;
    }
    this.changed();
  }

  #meet(connector: Connector): Output {
    let output = this.#outputs.get(connector.name);
    if (output) output.update(connector);
    else {
      output = new Output(this.card, connector, this.log);
      this.#outputs.set(connector.name, output);
    }
    return output;
  }

  /** Where CRTCs are short, outputs that are to show a guest come first. */
  #byPriority(connectors: readonly Connector[]): Connector[] {
    const rank = ({ name }: Connector): number => {
      const index = this.configs.findIndex((config) => config.name === name);
      if (index < 0) return this.configs.length * 2;
      return this.configs[index]!.show ? index : this.configs.length + index;
    };
    return [...connectors].sort((a, b) => rank(a) - rank(b));
  }

  #reportUnlit(wanted: ReadonlyMap<Connector, number>): void {
    const unlit = new Set([...wanted].filter(([, crtc]) => crtc === 0).map(([{ name }]) => name));
    for (const name of unlit) {
      if (!this.#unlit.has(name)) {
        this.log.warning(
          `${name}: stays dark: ${this.card.name} has ${this.card.crtcs.length} CRTCs and none is left for it`,
        );
      }
    }
    this.#unlit = unlit;
    if (wanted.size === 0 && !this.#saidNone) {
      this.log.warning(`no monitor is connected to ${this.card.name}: waiting for one`);
    }
    this.#saidNone = wanted.size === 0;
  }
}
