/**
 * What ought to happen to keys and buttons, told as plainly as can be: from the taps so far, without any of the waiting
 * and deciding that the router has to do. A guest gets each key, button and notch that is no hotkey's, in order, with the
 * modifiers that were held for it; what was held when the focus moved, or a hotkey fired, counts no more.
 */
export interface ModelHotkey {
  /** Each with exactly these families of modifiers: `[[1, ['Ctrl', 'Alt']]]`. */
  readonly steps: readonly (readonly [code: number, modifiers: readonly Family[]])[];
  readonly name: string;
}

type Family = 'Ctrl' | 'Alt' | 'Shift' | 'Super';
const FAMILIES: Readonly<Record<number, Family>> = {
  29: 'Ctrl', 97: 'Ctrl', 56: 'Alt', 100: 'Alt', 42: 'Shift', 54: 'Shift', 125: 'Super', 126: 'Super',
}; // prettier-ignore
const LONGEST_GAP_MS = 1000;

export const isModifier = (code: number): boolean => code in FAMILIES;

/** What a guest got: `+30 [29]`, with the modifiers that were down for it. */
export type Seen = string;
export const seen = (what: string, modifiers: Iterable<number>): Seen =>
  `${what} [${[...new Set(modifiers)].sort((a, b) => a - b).join(' ')}]`;

interface Tap {
  readonly code: number;
  readonly held: ReadonlySet<Family>;
  readonly at: number;
  readonly guest: number | null;
}

export class InputModel {
  /** By guest. */
  readonly expected: Seen[][];
  /** How often a guest must have been, and may have been, told that a modifier is down. */
  readonly must = new Map<string, number>();
  readonly may = new Map<string, number>();
  readonly fired: string[] = [];
  focus: number | null = null;
  /** Keys that are down: `device:code`; whether they count for the guest. */
  readonly #down = new Map<string, { code: number; alive: boolean; told: boolean }>();
  readonly #buttons = new Map<string, { code: number; alive: boolean }>();
  #taps: Tap[] = [];
  #bare = false;

  constructor(
    guests: number,
    private readonly hotkeys: readonly ModelHotkey[],
    /** What a hotkey does: the guest that has the focus then. */
    private readonly moved: (hotkey: string, focus: number | null) => number | null,
  ) {
    this.expected = Array.from({ length: guests }, () => []);
  }

  key(device: number, code: number, down: boolean, at: number): void {
    const id = `${device}:${code}`;
    if (down === this.#down.has(id)) return; // a repeat, or nothing
    if (!down) {
      const key = this.#down.get(id)!;
      this.#down.delete(id);
      if (!isModifier(code) || [...this.#down.values()].some((other) => other.code === code)) return;
      if (this.#bare) {
        this.#tell(key);
        this.#taps = [];
      }
      this.#bare = false;
      return;
    }
    // Of two keyboards the guest sees one key.
    this.#down.set(id, { code, alive: this.focus !== null, told: this.isDown(code) });
    if (isModifier(code)) {
      this.#bare = true;
      this.#count(this.may, code);
      return;
    }
    this.#bare = false;
    this.#taps.push({ code, at, guest: this.focus, held: this.#held() });
    this.#show(`+${code}`);
    const hotkey = this.hotkeys
      .filter(({ steps }) => this.#endsWith(steps))
      .sort((a, b) => b.steps.length - a.steps.length)[0];
    if (hotkey) this.#fire(hotkey);
  }

  button(device: number, code: number, down: boolean): void {
    const id = `${device}:${code}`;
    this.#taps = [];
    if (down === this.#buttons.has(id)) return;
    if (!down) {
      this.#buttons.delete(id);
      return;
    }
    // Of two mice the guest sees one button.
    const other = [...this.#buttons.values()].some((button) => button.code === code && button.alive);
    this.#buttons.set(id, { code, alive: this.focus !== null });
    if (!other) this.#show(`B${code}`);
  }

  wheel(): void {
    this.#taps = [];
    this.#show('w');
  }

  moveFocus(to: number | null): void {
    if (to === this.focus) return;
    this.focus = to;
    this.#taps = [];
    for (const key of this.#down.values()) key.alive = false;
    for (const button of this.#buttons.values()) button.alive = false;
  }

  gone(device: number): void {
    for (const id of [...this.#down.keys()]) {
      if (id.startsWith(`${device}:`)) this.key(device, Number(id.split(':')[1]), false, 0);
    }
    for (const id of [...this.#buttons.keys()]) if (id.startsWith(`${device}:`)) this.#buttons.delete(id);
    this.#taps = [];
  }

  isDown(code: number): boolean {
    return [...this.#down.values()].some((key) => key.code === code);
  }

  #fire({ steps, name }: ModelHotkey): void {
    for (const { guest } of this.#taps.splice(-steps.length)) if (guest !== null) this.expected[guest]!.pop();
    this.#taps = [];
    this.fired.push(name);
    for (const key of this.#down.values()) key.alive = false;
    this.moveFocus(this.moved(name, this.focus));
  }

  #endsWith(steps: ModelHotkey['steps']): boolean {
    if (this.#taps.length < steps.length) return false;
    const taps = this.#taps.slice(-steps.length);
    return steps.every(([code, families], i) => {
      const tap = taps[i]!;
      const close = i === 0 || tap.at - taps[i - 1]!.at <= LONGEST_GAP_MS;
      return (
        close &&
        tap.code === code &&
        families.length === tap.held.size &&
        families.every((f) => tap.held.has(f))
      );
    });
  }

  #held(): Set<Family> {
    return new Set([...this.#down.values()].flatMap(({ code }) => FAMILIES[code] ?? []));
  }

  #show(what: string): void {
    if (this.focus === null) return;
    const modifiers = [...this.#down.values()].filter(({ code, alive }) => alive && isModifier(code));
    this.expected[this.focus]!.push(
      seen(
        what,
        modifiers.map(({ code }) => code),
      ),
    );
  }

  /** The guest must know of a modifier that was tapped alone. */
  #tell(key: { code: number; alive: boolean; told: boolean }): void {
    if (key.alive && !key.told) this.#count(this.must, key.code);
    key.told = true;
  }

  #count(counts: Map<string, number>, code: number): void {
    const id = `${this.focus}:${code}`;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
}
