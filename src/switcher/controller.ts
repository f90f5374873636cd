import { EventEmitter } from 'node:events';
import type { Action, Config, HeadRef, HiddenRate } from '../config/config';
import { monotonic } from '../clock';
import type { Display, GuestInput, GuestLink, Place } from '../guest/sink';
import { ChordError, parseChords } from '../input/chord';
import type { Keymap } from '../input/keymap';
import type { InputTarget } from '../input/router';
import type { Border } from '../input/seamless';
import type { Stroke } from '../input/stroke';
import type { Card } from '../kms/card';
import type { Cards } from '../kms/cards';
import { refreshOf } from '../kms/modes';
import type { Output } from '../kms/output';
import type { Log } from '../log';
import { borderOf, type Taker } from './border';
import { GuestKeys, NOBODY, type Progress } from './guest-keys';
import { Guests, type GuestsOwner, type GuestState } from './guests';
import type { HeadView } from './head-view';
import { helpLines, type HelpLine } from './help';
import {
  assignmentOf,
  CommandError,
  giveInOrder,
  headName,
  initialLayout,
  outputOf,
  perform,
  sameHead,
  type Assignment,
  type Layout,
  type LayoutAction,
  type Surroundings,
  withKeys,
} from './layout';
import { ModeFollower } from './mode-follower';
import { Outputs } from './outputs';
import { Panels } from './panels';
import { Seats, type Seat } from './seats';

/** What a hotkey or a command has the switcher do; virtual terminals are the session's. */
export type SwitcherAction = Exclude<Action, { readonly kind: 'vt' | 'send' }>;

/** Something worth telling whoever watches. */
export interface SwitcherEvent {
  readonly event: 'switched' | 'focused' | 'panic' | 'guest' | 'outputs' | 'card' | 'escaped' | 'scanning';
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
  readonly #modes: ModeFollower;
  readonly #keys = new GuestKeys(() => {
    this.#retarget();
  });
  #layout: Layout;
  readonly #seats: Seats;
  /** Keyboard and pointer are taken from all guests. */
  #escaped = false;
  #closing = false;
  /** Cards whose outputs nobody sees. */
  readonly #hidden = new Set<Card>();

  constructor(
    private readonly cards: Cards,
    private readonly config: Config,
    private readonly log: Log,
    /** The keyboard and mouse of a seat are another guest's from now on. */
    private readonly onTarget: (target: InputTarget | null, seat: string) => void = () => undefined,
  ) {
    this.guests = new Guests(this, cards.framebuffers);
    this.#panels = new Panels(
      this.guests,
      (output) => this.#helpOn(output),
      log,
      () => {
        this.#reconcileAll();
      },
    );
    this.#layout = initialLayout(config.outputs);
    const changed = (gone?: Output): void => {
      if (gone) {
        this.#panels.forget(gone);
        this.#modes.forget(gone);
      }
      this.#outputsChanged();
    };
    const indicated = (): void => {
      this.#retarget();
    };
    this.outputs = new Outputs(cards, config.outputs, log, changed, config.secure && indicated, () =>
      this.#panels.drawn(),
    );
    this.#modes = new ModeFollower(this.outputs, log, (output) => {
      this.#reconcile(output, monotonic());
    });
    this.#seats = new Seats(config.seats, this.outputs, (seat) => {
      this.#showNextOfScan(seat);
    });
  }

  /** What all outputs show; the focus is that of the first seat. */
  get layout(): Layout {
    return this.#layoutOf(this.seats[0]);
  }

  get seats(): readonly Seat[] {
    return this.#seats.all;
  }

  /** Where the outputs of a seat stand, as their connectors; empty: nobody has said. */
  rowsOf({ rows }: Seat): string[][] {
    return rows.map((row) => row.map((key) => this.#nameOf(key)));
  }

  /** The seat that an output is of. */
  seatOf(output: Output): Seat {
    return this.#seats.of(output);
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
   * Does what a hotkey or a command says. `requested` is when it was asked for (CLOCK_MONOTONIC, ms). `name`: the seat
   * whose user asks, who changes nothing of others'; absent: nobody's in particular, and the seat is that of the output
   * that is named. Throws {@link CommandError}.
   */
  perform(action: SwitcherAction, requested = monotonic(), name?: string): void {
    const seat = name === undefined ? undefined : this.#seats.get(name);
    switch (action.kind) {
      case 'help':
        this.#stopScan(seat);
        this.#showHelp(seat ?? this.#seats.only(), requested);
        break;
      case 'escape':
        this.#stopScan();
        this.#escape();
        break;
      case 'scan': {
        const whose = seat ?? this.#seats.only();
        if (!this.#stopScan(whose)) this.#startScan(whose, action.dwellMs);
        break;
      }
      default:
        this.#stopScan(action.kind === 'panic' ? undefined : this.#actingSeat(action, seat));
        this.#arrange(action, requested, seat);
    }
  }

  /** The key of a hotkey that was performed is up again. */
  released(action: Action, seat: string): void {
    if (action.kind === 'help') this.#hideHelp(this.#seats.get(seat));
  }

  /** Whether keyboard and pointer are taken from all guests. */
  get escaped(): boolean {
    return this.#escaped;
  }

  #arrange(action: LayoutAction, requested: number, by?: Seat): void {
    const before = this.#layout;
    const { seat, layout } = this.#foresee(action, by);
    const moved = seat !== undefined && layout.focus !== seat.focus;
    this.#layout = layout;
    if (moved) seat.focus = layout.focus;
    this.cards.gather(() => {
      for (const output of this.outputs.lit()) {
        const key = this.outputs.keyOf(output.name);
        const now = assignmentOf(this.#layout, key);
        const same = now === assignmentOf(before, key);
        if (same && this.#layout.panic === before.panic) continue;
        this.#reconcile(output, requested);
        if (!same) this.#emit({ event: 'switched', output: output.name, ...headDetails(now) });
      }
    });
    if (this.#layout.panic !== before.panic) {
      if (this.#layout.panic) this.#keys.cancel('panic: input is taken from all guests');
      this.#emit({ event: 'panic', on: this.#layout.panic === true });
    }
    if (moved) this.#emit({ event: 'focused', output: this.focusedBy(seat), seat: seat.name });
    if (action.kind === 'show') this.guests.get(action.head.guest)?.link.wanted();
    this.guests.displaysChanged();
    this.#retarget();
  }

  /** The layout that an action would make. Throws {@link CommandError}. */
  preview(action: LayoutAction): Layout {
    return this.#foresee(action).layout;
  }

  /** The layout that an action makes, and the seat that it is for; undefined: it is for all. */
  #foresee(action: LayoutAction, by?: Seat): { readonly seat: Seat | undefined; readonly layout: Layout } {
    const named = withKeys(action, (output) => this.outputs.resolve(output));
    if (named.kind === 'focus' && named.output !== undefined && !this.outputs.byKey(named.output)?.lit)
      throw new CommandError(`${this.#nameOf(named.output)} is dark: no monitor is connected to it`);
    const seat = this.#actingSeat(action, by);
    const layout = perform(this.#layoutOf(seat), named, this.#surroundings(seat, by));
    if (by) this.#leavesAlone(layout, by);
    return { seat, layout };
  }

  /** A monitor that a hotkey names may hang on an output of another seat. Throws {@link CommandError}. */
  #leavesAlone({ shows, focus }: Layout, by: Seat): void {
    const changed = [...shows.keys()].filter((key) => shows.get(key) !== assignmentOf(this.#layout, key));
    for (const key of focus === null ? changed : [...changed, focus]) {
      const whose = this.#seats.ofKey(key);
      if (whose !== by) throw new CommandError(`${this.#nameOf(key)} is of seat ${whose.name}`);
    }
  }

  /** The seat that an action is for; undefined: it is for all. */
  #actingSeat(action: LayoutAction, by?: Seat): Seat | undefined {
    if (by || action.kind === 'layout' || action.kind === 'panic') return by;
    const output = outputOf(action);
    return output === undefined ? this.#seats.only() : this.#seats.ofKey(this.outputs.resolve(output));
  }

  /** All assignments, and the focus of a seat. */
  #layoutOf(seat: Seat | undefined): Layout {
    return { ...this.#layout, focus: seat?.focus ?? null };
  }

  #escape(): void {
    this.#escaped = !this.#escaped;
    const { escape } = this.config;
    this.log.notice(
      this.#escaped
        ? `keyboard and pointer are taken from all guests${escape ? `: ${escape.source} gives them back` : ''}`
        : 'keyboard and pointer are given back',
    );
    this.#emit({ event: 'escaped', active: this.#escaped });
    this.#retarget();
  }

  #showHelp(seat: Seat, requested: number): void {
    this.#hideHelp(seat);
    const output = seat.focus === null ? undefined : this.outputs.byKey(seat.focus);
    if (!output) return;
    seat.help = output.name;
    this.#reconcile(output, requested);
  }

  #hideHelp(seat: Seat): void {
    const output = seat.help === null ? undefined : this.outputs.get(seat.help);
    seat.help = null;
    if (output) this.#reconcile(output, monotonic());
  }

  #helpOn(output: Output): readonly HelpLine[] {
    const { escape } = this.config;
    return helpLines([...this.#seats.of(output).config.hotkeys, ...(escape ? [escape] : [])]);
  }

  /** The seat's keys are nobody's meanwhile: they would reach whichever guest is shown just then. */
  #startScan(seat: Seat, dwellMs: number): void {
    seat.scan.start(dwellMs);
    this.#emit({ event: 'scanning', active: true, seat: seat.name });
    this.#retarget();
  }

  /** Absent: of all seats. Whether there was one. */
  #stopScan(seat?: Seat): boolean {
    const running = (seat ? [seat] : this.seats).filter(({ scan }) => scan.running);
    for (const { scan, name } of running) {
      scan.stop();
      this.#emit({ event: 'scanning', active: false, seat: name });
    }
    if (running.length > 0) this.#retarget();
    return running.length > 0;
  }

  /** The next guest that is there, but for those that other outputs show, or are to show to other users. */
  #showNextOfScan(seat: Seat): void {
    const { focus } = seat;
    if (focus === null) return;
    const others = [...this.#layout.shows].filter(
      ([key]) => key !== focus && (this.#seats.ofKey(key) !== seat || this.outputs.byKey(key)?.lit),
    );
    const elsewhere = new Set(others.map(([, { head }]) => head?.guest));
    const names = this.guests.names;
    const current = names.indexOf(assignmentOf(this.#layout, focus).head?.guest ?? '');
    const next = [...names.slice(current + 1), ...names.slice(0, current + 1)].find(
      (name) => this.guests.get(name)?.session && !elsewhere.has(name),
    );
    if (next !== undefined && next !== names[current])
      this.#arrange({ kind: 'show', head: { guest: next, head: 0 }, on: focus }, monotonic(), seat);
  }

  /**
   * Presses keys in a guest (absent: the focused one, of a seat if one is named): chords as {@link parseChords} takes
   * them, or `wake`. Throws, or rejects with, {@link CommandError}.
   */
  send(keys: string, to?: HeadRef, seat?: string): Promise<void> {
    const { guest, head } = this.#addressee(to, seat);
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
    await this.cards.settled();
  }

  /** The head an output is to show. */
  assignment(output: string): Assignment {
    return assignmentOf(this.#layout, this.outputs.keyOf(output));
  }

  /** The output that has the keyboard and mouse of a seat. */
  focusedBy({ focus }: Seat): string | null {
    return focus === null ? null : this.#nameOf(focus);
  }

  /** Whether an output has the keyboard and mouse of its seat. */
  focused(output: Output): boolean {
    return this.#seats.of(output).focus === this.outputs.keyOf(output.name);
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
    this.#modes.observe({ guest: view.guest, head: view.index }, view.size);
    this.#reconcileGuest(view.guest);
  }

  /** The first of the lit outputs that are to show a head: its guest is told that one's size. */
  leader(head: HeadRef): Output | undefined {
    return this.outputs.inOrder().find(({ name }) => sameHead(this.assignment(name).head, head));
  }

  /**
   * The output a head is meant for: where it is, else where the config puts it, else the first, if it can be shown at
   * all (head 0, or one that a hotkey names).
   */
  displayFor(guest: string, head: number): Display | undefined {
    const ref: HeadRef = { guest, head };
    const output =
      this.leader(ref) ??
      this.outputs.inOrder().find(({ name }) => sameHead(this.outputs.configOf(name)?.show ?? null, ref)) ??
      (head === 0 || this.#hotkeyShows(ref) ? this.outputs.lit()[0] : undefined);
    const told = output && this.outputs.told(output);
    if (!told) return undefined;
    const { connector } = output;
    const { mode, width, height } = told;
    const { mmWidth, mmHeight } = connector.info;
    const refresh = refreshOf(mode);
    // What the monitor says of itself lists sizes that do not leave room for the indicator.
    const edid = this.config.secure ? undefined : connector.edid;
    if (width === mode.hdisplay) return { width, height, refresh, mmWidth, mmHeight, edid };
    // Turned on its side: what the monitor says of itself lies the other way.
    return { width, height, refresh, mmWidth: mmHeight, mmHeight: mmWidth, edid: undefined };
  }

  /**
   * Nobody sees the panels of a card, or they are not ours: guests are answered as hidden ones are. Then all is shown
   * anew.
   */
  updateVisibility(card: Card): void {
    const { hidden } = card;
    if (hidden === this.#hidden.has(card)) return;
    if (hidden) this.#hidden.add(card);
    else this.#hidden.delete(card);
    this.#retarget();
    const outputs = this.outputs.all().filter((output) => output.card === card);
    if (hidden) {
      for (const output of outputs) this.#panels.leave(output);
    } else {
      card.gather(() => {
        for (const output of outputs) if (output.lit) output.renew();
        for (const output of outputs) this.#reconcile(output, monotonic());
      });
      // Monitors may have come and gone meanwhile.
      this.outputs.hotplug();
    }
    this.#emitOutputs();
  }

  /** Another card is driven from now on. Resolves when its outputs are lit. */
  async cardCame(card: Card): Promise<void> {
    this.#emit({ event: 'card', card: card.name, there: true });
    this.updateVisibility(card);
    await this.outputs.scan();
  }

  /** A card has gone. Resolves when nothing of it is used any more. */
  async cardGone(card: Card): Promise<void> {
    this.#emit({ event: 'card', card: card.name, there: false });
    this.updateVisibility(card);
    await this.outputs.scan();
    this.#hidden.delete(card);
  }

  /** Switches the monitors off, or on again. */
  sleep(asleep: boolean): void {
    this.cards.asleep = asleep;
    for (const card of this.cards.all) this.updateVisibility(card);
    if (!asleep) return;
    for (const output of this.outputs.lit()) {
      if (output.card.paused) continue;
      output
        .sleep()
        .catch((error: unknown) => this.log.warning(`${output.name}: switching off: ${String(error)}`));
    }
  }

  /** See {@link Panels.wait}. */
  wait(): void {
    this.#panels.wait();
  }

  /** See {@link Panels.waitNoLonger}. */
  waitNoLonger(ms: number): void {
    this.#panels.waitNoLonger(ms);
  }

  /**
   * Stops: guests are disconnected, and the CRTCs get back what they showed before. `leave`: they go on showing what
   * they show, as long as somebody else keeps the card's file open.
   */
  async close(leave = false): Promise<void> {
    this.#closing = true;
    for (const { scan } of this.seats) scan.stop();
    this.#keys.cancel('kms-switcher stops');
    this.#retarget();
    this.#modes.stop();
    await this.outputs.close();
    this.#panels.stop();
    this.guests.close();
    if (leave) return;
    await this.cards.settled();
    for (const output of this.outputs.lit()) {
      await output
        .clear()
        .catch((error: unknown) => this.log.debug(`${output.name}: clearing: ${String(error)}`));
    }
    await this.cards.restore();
    for (const output of this.outputs.lit()) await output.abandon();
    await this.#panels.close();
  }

  #outputsChanged(): void {
    const lit = this.outputs.lit();
    if (this.config.outputs.length === 0) {
      const outputs = lit.map(({ name }) => this.outputs.keyOf(name));
      this.#layout = giveInOrder(this.#layout, { outputs, guests: this.guests.names });
    }
    this.#seats.arrange();
    for (const seat of this.seats) {
      const keys = this.#seats.lit(seat).map(({ name }) => this.outputs.keyOf(name));
      if (seat.focus === null || !keys.includes(seat.focus)) seat.focus = keys[0] ?? null;
    }
    this.#reconcileAll();
    this.guests.displaysChanged();
    this.#retarget();
    this.#emitOutputs();
  }

  /** Tells which outputs are to be seen. */
  #emitOutputs(): void {
    const seen = this.outputs.lit().filter(({ card }) => !this.#hidden.has(card));
    this.#emit({ event: 'outputs', lit: seen.map(({ name }) => name).join(' ') });
  }

  /** What a user knows an output by. */
  #nameOf(key: string): string {
    return this.outputs.byKey(key)?.name ?? key;
  }

  /** `by`: who changes nothing of others'. */
  #surroundings(seat: Seat | undefined, by: Seat | undefined): Surroundings {
    const outputs = (seat ? this.#seats.lit(seat) : this.outputs.lit()).map(({ name }) =>
      this.outputs.keyOf(name),
    );
    const elsewhere = by && [...this.#layout.shows.keys()].filter((key) => this.#seats.ofKey(key) !== by);
    const layouts = this.config.layouts.map(({ name, shows }) => ({
      name,
      shows: shows.map(({ output, head }) => ({ output: this.outputs.keyOf(output), head })),
    }));
    return { outputs, guests: this.guests.names, layouts, ...(elsewhere && { elsewhere }) };
  }

  #hotkeyShows(ref: HeadRef): boolean {
    return this.seats.some(({ config }) =>
      config.hotkeys.some(({ action }) => action.kind === 'show' && sameHead(action.head, ref)),
    );
  }

  /** The guest that keys are to be sent to. */
  #addressee(to: HeadRef | undefined, seat?: string): { guest: GuestState; head: number } {
    if (this.#layout.panic) throw new CommandError('panic is on: no guest takes keys until it is undone');
    const ref = to ?? this.#headOf(seat === undefined ? this.#seats.only() : this.#seats.get(seat));
    const guest = ref && this.guests.get(ref.guest);
    if (!ref) throw new CommandError('no guest has the keyboard; name one');
    if (!guest) throw new CommandError(this.#noGuest(ref.guest));
    return { guest, head: ref.head };
  }

  #noGuest(name: string): string {
    return `there is no guest ${name}: the config has ${this.guests.names.join(', ')}`;
  }

  /** What a seat's focused output is to show. */
  #headOf({ focus }: Seat): HeadRef | null {
    return focus === null ? null : assignmentOf(this.#layout, focus).head;
  }

  /** Gives the keyboard and mouse of each seat to the head on its focused output. */
  #retarget(): void {
    for (const seat of this.seats) this.#retargetSeat(seat);
  }

  #retargetSeat(seat: Seat): void {
    const { focus, target: before } = seat;
    const panel = focus === null ? undefined : this.outputs.byKey(focus);
    const nobody =
      focus === null ||
      this.#closing ||
      (panel !== undefined && this.#hidden.has(panel.card)) ||
      this.#escaped ||
      seat.scan.running ||
      this.#layout.panic;
    const taker = nobody ? undefined : this.#takerOn(focus);
    for (const output of this.config.secure ? this.outputs.lit() : [])
      output.activate(taker !== undefined && this.outputs.keyOf(output.name) === focus);
    const own = taker && this.#isSaid(taker.guest, taker.head, focus) ? taker : undefined;
    const input = own && this.#keys.busy(own.guest) ? NOBODY : own?.input;
    const index = own?.head ?? 0;
    if (before?.input === input && (!input || (before?.head === index && before.panel === panel))) return;
    const border = own && input === own.input && seat.rows.length > 0 && this.#borderOf(seat, own);
    seat.target = input ? { input, head: index, ...(panel && { panel }), ...(border && { border }) } : null;
    this.onTarget(seat.target, seat.name);
  }

  /** Who takes the keys and the pointer of an output, if it has them. */
  #takerOn(key: string): Taker | undefined {
    const { head, blank } = assignmentOf(this.#layout, key);
    const guest = head && !blank ? this.guests.get(head.guest) : undefined;
    if (!head || !guest?.session) return undefined;
    const input = guest.devices ?? guest.link.input;
    return input && { guest, input, head: head.head };
  }

  #borderOf(seat: Seat, from: Taker): Border {
    const takerOn = (key: string): Taker | undefined => {
      const output = this.outputs.byKey(key);
      const to = output?.lit && this.#seats.of(output) === seat ? this.#takerOn(key) : undefined;
      return to && !this.#keys.busy(to.guest) ? to : undefined;
    };
    return borderOf(seat, from, takerOn, (key, at) => {
      this.#enter(seat, key, at);
    });
  }

  /** The pointer of a seat comes to another output, at a place of the screen there, and the keyboard with it. */
  #enter(seat: Seat, key: string, { x, y }: Place): void {
    seat.focus = key;
    this.#retarget();
    const { target } = seat;
    if (target?.input.absolute(target.head)) target.input.place(target.head, x, y);
    this.#emit({ event: 'focused', output: this.#nameOf(key), seat: seat.name });
  }

  /** In the secure profile nobody types to a guest before the panel says which that is. */
  #isSaid({ link: { guest } }: GuestState, head: number, focus: string | null): boolean {
    if (!this.config.secure || focus === null) return true;
    const said = this.outputs.byKey(focus)?.indicator;
    return said?.active === true && said.text === headName({ guest, head });
  }

  #reconcileGuest(guest: string): void {
    for (const output of this.outputs.lit()) {
      if (this.assignment(output.name).head?.guest === guest) this.#reconcile(output, monotonic());
    }
  }

  #reconcileAll(): void {
    this.cards.gather(() => {
      for (const output of this.outputs.all()) this.#reconcile(output, monotonic());
    });
  }

  /** Takes an output from what it shows to what it should show. */
  #reconcile(output: Output, requested: number): void {
    if (this.#closing || this.#hidden.has(output.card)) return;
    const help = this.seats.some((seat) => seat.help === output.name);
    const cover = help ? 'help' : this.#layout.panic ? 'panic' : undefined;
    const assignment = this.assignment(output.name);
    const { head } = assignment;
    const view = head ? this.guests.get(head.guest)?.views.get(head.head) : undefined;
    // First: what comes with another mode waits for that. What covers the guest for a while leaves the mode alone.
    this.#modes.follow(output, head, view?.size ?? null);
    this.#panels.show(output, assignment, cover, requested);
  }

  #emit(event: SwitcherEvent): void {
    this.#events.emit('event', event);
  }
}

function headDetails({ head, blank }: Assignment): {
  guest: string | null;
  head: number | null;
  blank: boolean;
} {
  return { guest: head?.guest ?? null, head: head?.head ?? null, blank };
}
