import { EventEmitter } from 'node:events';
import type { Action, Config, HeadRef, HiddenRate } from '../config/config';
import { monotonic } from '../clock';
import type { Display, GuestInput, GuestLink } from '../guest/sink';
import { ChordError, parseChords } from '../input/chord';
import type { Keymap } from '../input/keymap';
import type { InputTarget } from '../input/router';
import type { Stroke } from '../input/stroke';
import type { Card } from '../kms/card';
import { refreshOf } from '../kms/modes';
import type { Output } from '../kms/output';
import type { Log } from '../log';
import { GuestKeys, NOBODY, type Progress } from './guest-keys';
import { Guests, type GuestsOwner, type GuestState } from './guests';
import type { HeadView } from './head-view';
import { helpLines } from './help';
import {
  assignmentOf,
  CommandError,
  giveInOrder,
  initialLayout,
  NOTHING,
  perform,
  sameHead,
  type Assignment,
  type Layout,
  type LayoutAction,
  type Surroundings,
  withKeys,
} from './layout';
import { Outputs } from './outputs';
import { Panels } from './panels';
import { Scan } from './scan';

/** What a hotkey or a command has the switcher do; virtual terminals are the session's. */
export type SwitcherAction = Exclude<Action, { readonly kind: 'vt' | 'send' }>;

/** Something worth telling whoever watches. */
export interface SwitcherEvent {
  readonly event: 'switched' | 'focused' | 'panic' | 'guest' | 'outputs' | 'escaped' | 'scanning';
  readonly [detail: string]: string | number | boolean | null;
}

/**
 * Brings about what the user wants: the desired layout is plain data, every change makes a new one, and `reconcile`
 * takes each output from what it shows to what it should.
 */
export class Controller implements GuestsOwner {
  readonly guests: Guests;
  readonly outputs: Outputs;
  readonly #events = new EventEmitter();
  readonly #panels: Panels;
  readonly #keys = new GuestKeys(() => {
    this.#retarget();
  });
  #layout: Layout;
  readonly #scan: Scan;
  #target: InputTarget | null = null;
  /** Keyboard and pointer are taken from all guests. */
  #escaped = false;
  /** The output that lists the hotkeys, for as long as a key is held. */
  #help: string | null = null;
  #closing = false;
  #hidden = false;

  constructor(
    private readonly card: Card,
    private readonly config: Config,
    private readonly log: Log,
    /** The keyboard and mouse are another guest's from now on. */
    private readonly onTarget: (target: InputTarget | null) => void = () => undefined,
  ) {
    this.guests = new Guests(this, card.framebuffers);
    this.#panels = new Panels(card, this.guests, helpLines([...config.hotkeys, config.escape]), log, () => {
      this.#reconcileAll();
    });
    this.#scan = new Scan(() => {
      this.#showNextOfScan();
    });
    this.#layout = initialLayout(config.outputs);
    this.outputs = new Outputs(card, config.outputs, log, () => {
      this.#outputsChanged();
    });
  }

  get layout(): Layout {
    return this.#layout;
  }

  onEvent(listener: (event: SwitcherEvent) => void): () => void {
    this.#events.on('event', listener);
    return () => this.#events.off('event', listener);
  }

  /** `devices`: keys and pointer go there instead of to the link. */
  addGuest(link: GuestLink, hidden: HiddenRate, devices?: GuestInput): void {
    this.guests.add(link, hidden, devices);
  }

  /**
   * Does what a hotkey or a command says. `requested` is when it was asked for (CLOCK_MONOTONIC, ms). Throws
   * {@link CommandError}.
   */
  perform(action: SwitcherAction, requested = monotonic()): void {
    const scanned = this.#stopScan();
    switch (action.kind) {
      case 'help':
        this.#showHelp(this.focused, requested);
        break;
      case 'escape':
        this.#escape();
        break;
      case 'scan':
        if (!scanned) this.#startScan(action.dwellMs);
        break;
      default:
        this.#arrange(action, requested);
    }
  }

  /** The key of a hotkey that was performed is up again. */
  released(action: Action): void {
    if (action.kind === 'help') this.#showHelp(null, monotonic());
  }

  /** Whether keyboard and pointer are taken from all guests. */
  get escaped(): boolean {
    return this.#escaped;
  }

  #arrange(action: LayoutAction, requested: number): void {
    const before = this.#layout;
    this.#layout = this.preview(action);
    for (const output of this.outputs.lit()) {
      const key = this.outputs.keyOf(output.name);
      const now = assignmentOf(this.#layout, key);
      const same = now === assignmentOf(before, key);
      if (same && this.#layout.panic === before.panic) continue;
      this.#reconcile(output, requested);
      if (!same) this.#emit({ event: 'switched', output: output.name, ...headDetails(now) });
    }
    if (this.#layout.panic !== before.panic) {
      if (this.#layout.panic) this.#keys.cancel('panic: input is taken from all guests');
      this.#emit({ event: 'panic', on: this.#layout.panic === true });
    }
    if (this.#layout.focus !== before.focus) this.#emit({ event: 'focused', output: this.focused });
    if (action.kind === 'show') this.guests.get(action.head.guest)?.link.wanted();
    this.guests.displaysChanged();
    this.#retarget();
  }

  /** The layout that an action would make. Throws {@link CommandError}. */
  preview(action: LayoutAction): Layout {
    const named = withKeys(action, (output) => this.outputs.resolve(output));
    if (named.kind === 'focus' && named.output !== undefined && !this.outputs.byKey(named.output)?.lit)
      throw new CommandError(`${this.#nameOf(named.output)} is dark: no monitor is connected to it`);
    return perform(this.#layout, named, this.#surroundings());
  }

  #escape(): void {
    this.#escaped = !this.#escaped;
    const { source } = this.config.escape;
    this.log.notice(
      this.#escaped
        ? `keyboard and pointer are taken from all guests: ${source} gives them back`
        : 'keyboard and pointer are given back',
    );
    this.#emit({ event: 'escaped', active: this.#escaped });
    this.#retarget();
  }

  #showHelp(on: string | null, requested: number): void {
    const before = this.#help;
    this.#help = on;
    for (const name of new Set([before, on])) {
      const output = name === null ? undefined : this.outputs.get(name);
      if (output) this.#reconcile(output, requested);
    }
  }

  /** Nobody gets keys meanwhile: they would reach whichever guest is shown just then. */
  #startScan(dwellMs: number): void {
    this.#scan.start(dwellMs);
    this.#emit({ event: 'scanning', active: true });
    this.#retarget();
  }

  #stopScan(): boolean {
    if (!this.#scan.running) return false;
    this.#scan.stop();
    this.#emit({ event: 'scanning', active: false });
    this.#retarget();
    return true;
  }

  /** The next guest that is there, but for those that other outputs show. */
  #showNextOfScan(): void {
    const { focus } = this.#layout;
    if (focus === null) return;
    const elsewhere = new Set<string | undefined>();
    for (const { name } of this.outputs.lit()) {
      if (name !== this.focused) elsewhere.add(this.assignment(name).head?.guest);
    }
    const names = this.guests.names;
    const current = names.indexOf(assignmentOf(this.#layout, focus).head?.guest ?? '');
    const next = [...names.slice(current + 1), ...names.slice(0, current + 1)].find(
      (name) => this.guests.get(name)?.session && !elsewhere.has(name),
    );
    if (next !== undefined && next !== names[current])
      this.#arrange({ kind: 'show', head: { guest: next, head: 0 }, on: focus }, monotonic());
  }

  /**
   * Presses keys in a guest (absent: the focused one): chords as {@link parseChords} takes them, or `wake`. Throws, or
   * rejects with, {@link CommandError}.
   */
  send(keys: string, to?: HeadRef): Promise<void> {
    const { guest, head } = this.#addressee(to);
    if (keys.trim().toLowerCase() === 'wake') return this.#keys.wake(guest, head);
    let strokes: Stroke[];
    try {
      strokes = parseChords(keys);
    } catch (error) {
      throw error instanceof ChordError ? new CommandError(error.message) : error;
    }
    return this.#keys.send(guest, head, strokes);
  }

  /** Types a text in a guest; see {@link GuestKeys.type}. */
  type(
    to: HeadRef,
    text: string,
    keymap: Keymap,
    signal: AbortSignal,
    progress: (progress: Progress) => void,
  ): Promise<void> {
    const { guest, head } = this.#addressee(to);
    return this.#keys.type(guest, head, text, keymap, signal, progress);
  }

  /** Resolves when every lit output has something on its panel. */
  async pictured(): Promise<void> {
    await this.#panels.drawn();
    await this.card.settled();
  }

  /** The head an output is to show. */
  assignment(output: string): Assignment {
    return assignmentOf(this.#layout, this.outputs.keyOf(output));
  }

  /** The output that has the keyboard and mouse. */
  get focused(): string | null {
    const { focus } = this.#layout;
    return focus === null ? null : this.#nameOf(focus);
  }

  guestChanged(guest: GuestState): void {
    const { guest: name } = guest.link;
    this.#emit({
      event: 'guest',
      guest: name,
      connected: guest.session !== null,
      condition: guest.condition,
      reason: guest.link.trouble ?? guest.left ?? null,
    });
    this.#reconcileGuest(name);
    this.#retarget();
  }

  contentChanged(view: HeadView): void {
    this.#reconcileGuest(view.guest);
  }

  /**
   * The output a head is meant for: where it is, else where the config puts it, else the first, if it can be shown at
   * all (head 0, or one that a hotkey names).
   */
  displayFor(guest: string, head: number): Display | undefined {
    const ref: HeadRef = { guest, head };
    const lit = this.outputs.lit();
    const output =
      lit.find((candidate) => sameHead(this.assignment(candidate.name).head, ref)) ??
      lit.find((candidate) => sameHead(this.outputs.configOf(candidate.name)?.show ?? null, ref)) ??
      (head === 0 || this.#hotkeyShows(ref) ? lit[0] : undefined);
    if (!output?.mode) return undefined;
    const { mode, connector, width, height } = output;
    const { mmWidth, mmHeight } = connector.info;
    const refresh = refreshOf(mode);
    if (width === mode.hdisplay) return { width, height, refresh, mmWidth, mmHeight, edid: connector.edid };
    // Turned on its side: what the monitor says of itself lies the other way.
    return { width, height, refresh, mmWidth: mmHeight, mmHeight: mmWidth, edid: undefined };
  }

  /** Nobody sees the panels, or they are not ours: guests are answered as hidden ones are. Then all is shown anew. */
  updateVisibility(): void {
    const hidden = this.card.paused || this.card.asleep;
    if (hidden === this.#hidden) return;
    this.#hidden = hidden;
    this.#retarget();
    if (hidden) {
      for (const output of this.outputs.all()) this.#panels.leave(output);
    } else {
      for (const output of this.outputs.lit()) output.renew();
      this.#reconcileAll();
      // Monitors may have come and gone meanwhile.
      this.outputs.hotplug();
    }
    this.#emit({ event: 'outputs', lit: hidden ? '' : names(this.outputs.lit()) });
  }

  /** Switches the monitors off, or on again. */
  sleep(asleep: boolean): void {
    this.card.asleep = asleep;
    this.updateVisibility();
    if (!asleep || this.card.paused) return;
    for (const output of this.outputs.lit()) {
      output
        .sleep()
        .catch((error: unknown) => this.log.warning(`${output.name}: switching off: ${String(error)}`));
    }
  }

  /** For so long, a panel that shows what was there before us is left alone until a guest has something for it. */
  wait(ms: number): void {
    this.#panels.wait(ms);
  }

  /**
   * Stops: guests are disconnected, and the CRTCs get back what they showed before. `leave`: they go on showing what they
   * show, as long as somebody else keeps the card's file open.
   */
  async close(leave = false): Promise<void> {
    this.#closing = true;
    this.#scan.stop();
    this.#keys.cancel('kms-switcher stops');
    this.#retarget();
    await this.outputs.close();
    this.#panels.stop();
    this.guests.close();
    if (leave) return;
    for (const output of this.outputs.lit()) {
      await output
        .clear()
        .catch((error: unknown) => this.log.debug(`${output.name}: clearing: ${String(error)}`));
    }
    await this.card.restore(this.log);
    for (const output of this.outputs.lit()) await output.abandon();
    await this.#panels.close();
  }

  #outputsChanged(): void {
    const lit = this.outputs.lit();
    if (this.config.outputs.length === 0) this.#layout = giveInOrder(this.#layout, this.#surroundings());
    const { focus } = this.#layout;
    if (focus === null || !lit.some((output) => this.outputs.keyOf(output.name) === focus)) {
      this.#layout = { ...this.#layout, focus: lit[0] ? this.outputs.keyOf(lit[0].name) : null };
    }
    this.#reconcileAll();
    this.guests.displaysChanged();
    this.#retarget();
    this.#emit({ event: 'outputs', lit: names(lit) });
  }

  /** What a user knows an output by. */
  #nameOf(key: string): string {
    return this.outputs.byKey(key)?.name ?? key;
  }

  #surroundings(): Surroundings {
    const outputs = this.outputs.lit().map(({ name }) => this.outputs.keyOf(name));
    const layouts = this.config.layouts.map(({ name, shows }) => ({
      name,
      shows: shows.map(({ output, head }) => ({ output: this.outputs.keyOf(output), head })),
    }));
    return { outputs, guests: this.guests.names, layouts };
  }

  #hotkeyShows(ref: HeadRef): boolean {
    return this.config.hotkeys.some(({ action }) => action.kind === 'show' && sameHead(action.head, ref));
  }

  /** The guest that keys are to be sent to. */
  #addressee(to: HeadRef | undefined): { guest: GuestState; head: number } {
    if (this.#layout.panic) throw new CommandError('panic is on: no guest takes keys until it is undone');
    const { focus } = this.#layout;
    const ref = to ?? (focus === null ? null : assignmentOf(this.#layout, focus).head);
    const guest = ref && this.guests.get(ref.guest);
    if (!ref) throw new CommandError('no guest has the keyboard; name one');
    if (!guest) throw new CommandError(this.#noGuest(ref.guest));
    return { guest, head: ref.head };
  }

  #noGuest(name: string): string {
    return `there is no guest ${name}: the config has ${this.guests.names.join(', ')}`;
  }

  /** Gives the keyboard and mouse to the head on the focused output. */
  #retarget(): void {
    const { focus } = this.#layout;
    const nobody =
      focus === null ||
      this.#closing ||
      this.#hidden ||
      this.#escaped ||
      this.#scan.running ||
      this.#layout.panic;
    const { head, blank } = nobody ? NOTHING : assignmentOf(this.#layout, focus);
    const guest = head && !blank ? this.guests.get(head.guest) : undefined;
    const own = guest?.session ? (guest.devices ?? guest.link.input) : undefined;
    const input = guest && own && this.#keys.busy(guest) ? NOBODY : own;
    const index = head?.head ?? 0;
    const panel = focus === null ? undefined : this.outputs.byKey(focus);
    const before = this.#target;
    if (before?.input === input && (!input || (before?.head === index && before.panel === panel))) return;
    this.#target = input ? { input, head: index, ...(panel && { panel }) } : null;
    this.onTarget(this.#target);
  }

  #reconcileGuest(guest: string): void {
    for (const output of this.outputs.lit()) {
      if (this.assignment(output.name).head?.guest === guest) this.#reconcile(output, monotonic());
    }
  }

  #reconcileAll(): void {
    for (const output of this.outputs.all()) this.#reconcile(output, monotonic());
  }

  /** Takes an output from what it shows to what it should show. */
  #reconcile(output: Output, requested: number): void {
    if (this.#closing || this.#hidden) return;
    const help = this.#help === output.name;
    const cover = help ? 'help' : this.#layout.panic ? 'panic' : undefined;
    this.#panels.show(output, this.assignment(output.name), cover, requested);
  }

  #emit(event: SwitcherEvent): void {
    this.#events.emit('event', event);
  }
}

function names(outputs: readonly Output[]): string {
  return outputs.map(({ name }) => name).join(' ');
}

function headDetails({ head, blank }: Assignment): {
  guest: string | null;
  head: number | null;
  blank: boolean;
} {
  return { guest: head?.guest ?? null, head: head?.head ?? null, blank };
}
