import type { Checker } from './checker';
import type { ConnectorName } from './connectors';
import type { Path } from './document';
import { matchOutputs } from '../kms/match';
import { isMeant, namesMonitor } from '../kms/monitor';
import { hint, nearest } from './nearest';

/** An output as a file names it: `HDMI-A-1`, `hdmi-1`, `card1/HDMI-A-1`, `Dell Inc. DELL U2720Q *`. */
export interface OutputName {
  readonly name: string;
  readonly card?: string;
}

/** Turns the output names of a file into connectors as the kernel spells them, which is one name over all cards. */
export class OutputNames {
  readonly #noted = new Set<string>();
  readonly #implied = new Set<string>();

  /**
   * `cards` are the names (`card1`) of the cards in force, if those are known; `awaits`: some may be here only later,
   * and outputs with them.
   */
  constructor(
    private readonly connectors: readonly ConnectorName[] | undefined,
    private readonly cards: readonly string[] | undefined,
    private readonly checker: Checker,
    private readonly awaits = false,
  ) {}

  /** The cards to which the names resolved so far belong. */
  get impliedCards(): readonly string[] {
    return [...this.#implied];
  }

  /** Undefined if there is no such output, which is then reported at the key or value of `path`. */
  resolve(text: string, path: Path, at: 'key' | 'value' = 'value'): OutputName | undefined {
    const line = this.checker.line(path);
    const output = namesMonitor(text) ? this.#findMonitor(text, line) : this.#find(text, line);
    if (typeof output === 'string') {
      this.checker.report(path, output, at);
      return undefined;
    }
    const { name, card } = output;
    const canonical = card === undefined || name.startsWith(`${card}/`) ? name : `${card}/${name}`;
    if (canonical !== text && !this.#noted.has(text)) {
      this.#noted.add(text);
      this.checker.note(
        `line ${this.checker.line(path)}: output "${text}" is "${canonical}" in the kernel's spelling`,
      );
    }
    return output;
  }

  /** A monitor by what it says of itself. It need not be here now; a note says what is not clear. */
  #findMonitor(text: string, line: number): OutputName {
    const here = (this.connectors ?? []).filter(
      (connector) => this.#isDriven(connector.card) && isMeant(text, connector),
    );
    const home = here[0]?.card;
    if (home !== undefined && here.every(({ card }) => card === home)) this.#implied.add(home);
    // Paths are not known here.
    if (
      here.length === 0 &&
      this.connectors !== undefined &&
      !text.startsWith('mst:') &&
      !this.#noted.has(text)
    ) {
      this.#noted.add(text);
      this.checker.note(
        `line ${line}: no monitor "${text}" is connected now; kms-switcher outputs lists those that are`,
      );
    }
    return { name: text };
  }

  /** Notes what is not clear about the monitors that are meant by the outputs of a file. */
  noteAmbiguities(outputs: readonly OutputName[]): void {
    const homes = this.cards ?? this.impliedCards;
    const here = (this.connectors ?? []).filter(({ card }) => homes.length === 0 || homes.includes(card));
    for (const warning of matchOutputs(outputs, here).warnings) this.checker.note(warning);
  }

  /** The output, or what is wrong with its name. */
  #find(text: string, line: number): OutputName | string {
    const match = /^(?:(card\d+)\/)?([^/\s]+)$/.exec(text);
    if (!match) return `"${text}" is no output; write e.g. HDMI-A-1 or card1/HDMI-A-1`;
    const written = match[1];
    const name = match[2]!;
    const result = (canonical: string) => ({
      name: canonical,
      ...(written !== undefined && { card: written }),
    });
    if (written !== undefined && this.cards && !this.cards.includes(written)) {
      const [is, those] = this.cards.length === 1 ? ['the card', ''] : ['the cards', 'one of '];
      const named = this.cards.join(', ');
      return `"${text}" is not on ${named}, ${is} to be driven; name an output of ${those}${named}`;
    }
    if (this.connectors === undefined) return result(kernelSpelling(name));

    const present = new Set(this.connectors.map(({ card }) => card));
    const pool = this.connectors.filter(({ card }) => this.#isDriven(card) && card === (written ?? card));
    const only = written ?? (this.cards?.length === 1 ? this.cards[0] : undefined);
    if (only !== undefined && !present.has(only)) {
      if (!this.awaits) return `"${text}": there is no ${only} here${hint(only, present)}`;
      this.#noteAwaited(text, line, '');
      return result(kernelSpelling(name));
    }
    const exact = pool.filter((connector) => connector.name === name);
    const found = exact.length > 0 ? exact : pool.filter((connector) => isSpelling(name, connector.name));
    const names = [...new Set(found.map((connector) => connector.name))];
    const prefix = written === undefined ? '' : `${written}/`;
    if (names.length === 0) {
      const here = pool.map((connector) => prefix + connector.name);
      const near = nearest(text, here);
      const known = here.length === 0 ? 'there is none here' : `here are ${here.join(', ')}`;
      if (this.awaits) {
        this.#noteAwaited(text, line, `; ${known}`);
        return result(kernelSpelling(name));
      }
      return `unknown output "${text}"; ${near === undefined ? '' : `did you mean "${near}"? `}${known}`;
    }
    if (names.length > 1)
      return `"${text}" may be ${names.map((choice) => prefix + choice).join(' or ')}; write which`;
    if (found.length > 1) {
      const choices = found.map((connector) => `${connector.card}/${connector.name}`).join(' or ');
      return `several cards have a ${found[0]!.name}; write ${choices}, or say the card with card:`;
    }
    const { card: home, name: canonical } = found[0]!;
    this.#implied.add(home);
    const first = this.connectors.find((other) => other.name === canonical && this.#isDriven(other.card));
    // The kernel gives no name to two connectors; should one do so, the second is known by its card as well.
    return result(first?.card === home ? canonical : `${home}/${canonical}`);
  }

  #isDriven(card: string): boolean {
    return this.cards?.includes(card) ?? true;
  }

  #noteAwaited(text: string, line: number, known: string): void {
    if (this.#noted.has(text)) return;
    this.#noted.add(text);
    this.checker.note(`line ${line}: no output "${text}" is here now: it may come with a card${known}`);
  }
}

/** Whether a text means this connector: in any case, and as Xorg calls it. */
function isSpelling(text: string, connector: string): boolean {
  const xorg = connector.replace(/^HDMI-A-/, 'HDMI-').replace(/^DVI-[ADI]-/, 'DVI-');
  return [connector, xorg].some((spelling) => spelling.toLowerCase() === text.toLowerCase());
}

const types = [
  'VGA',
  'DVI-I',
  'DVI-D',
  'DVI-A',
  'DP',
  'HDMI-A',
  'HDMI-B',
  'eDP',
  'LVDS',
  'DSI',
  'DPI',
  'Virtual',
  'USB',
];

/** The spelling of a connector that is not here to look it up; `DVI-1` may be three and stays. */
function kernelSpelling(text: string): string {
  const number = /-\d+$/.exec(text)?.[0] ?? '';
  const known = types.map((type) => type + number).filter((connector) => isSpelling(text, connector));
  return known.length === 1 ? known[0]! : text;
}
