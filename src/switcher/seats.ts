import type { SeatConfig } from '../config/config';
import type { InputTarget } from '../input/router';
import type { Rows } from '../input/seamless';
import { byExactness, isMeant, namesMonitor } from '../kms/monitor';
import type { Output } from '../kms/output';
import { CommandError } from './layout';
import type { Outputs } from './outputs';
import { Scan } from './scan';

/** A user's place: outputs, one of which has the user's keyboard and pointer. */
export class Seat {
  readonly scan: Scan;
  /** The key of the output that has the keyboard and pointer. */
  focus: string | null = null;
  /** Where they go. */
  target: InputTarget | null = null;
  /** The output that lists the hotkeys, for as long as a key is held. */
  help: string | null = null;
  /** Where its outputs stand, by their keys; empty: the pointer stays where it is. */
  rows: Rows = [];

  constructor(
    readonly config: SeatConfig,
    showNext: (seat: Seat) => void,
  ) {
    this.scan = new Scan(() => {
      showNext(this);
    });
  }

  get name(): string {
    return this.config.name;
  }
}

/** All seats: one that has everything, or several that share it out. */
export class Seats {
  readonly all: readonly Seat[];
  /** Has what no other names. */
  readonly #rest: Seat;
  readonly #byOutput = new Map<string, Seat>();
  /** Those that name monitors, what says most first. */
  readonly #byMonitor: (readonly [name: string, seat: Seat])[];

  /** `showNext` is called when a seat's scan goes on. */
  constructor(
    configs: readonly SeatConfig[],
    private readonly outputs: Outputs,
    showNext: (seat: Seat) => void,
  ) {
    this.all = configs.map((config) => new Seat(config, showNext));
    this.#rest = this.all.at(-1)!;
    const named = this.all.flatMap((seat) => seat.config.outputs.map((name) => [name, seat] as const));
    for (const [name, seat] of named) this.#byOutput.set(name, seat);
    this.#byMonitor = named.filter(([name]) => namesMonitor(name)).sort(([a], [b]) => byExactness(a, b));
  }

  /** Throws {@link CommandError}. */
  get(name: string): Seat {
    const seat = this.all.find((known) => known.name === name);
    if (seat) return seat;
    const names = this.all.map((known) => known.name).join(', ');
    throw new CommandError(`there is no seat ${name}: the config has ${names}`);
  }

  /** The seat that an output is of, as {@link matchOutputs} finds what it is. */
  of(output: Output): Seat {
    const { name, connector } = output;
    return (
      this.#byOutput.get(name) ??
      this.#byOutput.get(this.outputs.keyOf(name)) ??
      this.#byMonitor.find(([monitor]) => isMeant(monitor, connector))?.[1] ??
      this.#rest
    );
  }

  /** The same by what the layout knows it by; it need not be connected. */
  ofKey(key: string): Seat {
    const output = this.outputs.byKey(key);
    return output ? this.of(output) : (this.#byOutput.get(key) ?? this.#rest);
  }

  /** Which outputs are meant by what is said of where they stand may have changed. */
  arrange(): void {
    const keyOf = (name: string): string => this.outputs.find(name) ?? name;
    for (const seat of this.all) seat.rows = seat.config.seamless?.map((row) => row.map(keyOf)) ?? [];
  }

  /** The lit outputs of a seat, in the card's order. */
  lit(seat: Seat): Output[] {
    return this.outputs.lit().filter((output) => this.of(output) === seat);
  }

  /** The seat that is meant where none is named: the only one with something lit. Throws {@link CommandError}. */
  only(): Seat {
    const used = new Set(this.outputs.lit().map((output) => this.of(output)));
    if (used.size <= 1) return [...used][0] ?? this.all[0]!;
    const names = [...used].map(({ name }) => name).join(', ');
    throw new CommandError(`there are several seats: name an output, or one of the seats ${names}`);
  }
}
