import { getSystemErrorName } from 'node:util';
import { monotonic } from '../clock';
import type { SignalConfig } from '../config/config';
import { messageOf } from '../error';
import { XR24 } from '../fourcc';
import type { Log } from '../log';
import type { ModeInfo } from '../native';
import type { Card } from './card';
import type { Connector } from './connector';
import { BufferDamage } from './damage';
import { isEmpty, toScreen, type Placement } from './fit';
import type { View } from './fitting';
import { Flight, type Path } from './flight';
import { FlipWatch } from './flip-watch';
import { BufferRefused, type Framebuffer } from './framebuffers';
import type { Indicator } from './indicator';
import { Lighting } from './lighting';
import { modeName } from './modes';
import type { PanelPixels } from './capture';
import { IN_FLIGHT } from './pointer';
import { Readiness, type Frame } from './readiness';
import { Refusals } from './refusals';
import { fillPanel, fillScanout, newScanout, type Scanout } from './scanout';
import { isPassing, isTrouble, judgeSet, Patience, UNLIT_PAUSE_MS, type SetFailure } from './set-failure';
import { formatSettings, type SignalSetting } from './signal';
import type { Source } from './source';

const EBUSY = -16;
const EINVAL = -22;
const EACCES = -13;
/** The kernel or another client holds the CRTC for a moment: asked again soon, and before the next vblank. */
const BUSY_RETRY_MS = 2;
/** One that fails for another reason is tried so often before something else is. */
const FLIP_TRIES = 3;
/** Not master any more: asked again, so that the picture is back as soon as the card is. */
const PAUSED_RETRY_MS = 100;

const NO_SIGNAL: SignalConfig = {};
const PLAIN_VIEW: View = { fit: 'auto', turn: 0 };

/** Times of the last change of what an output shows, CLOCK_MONOTONIC in ms; NaN: not yet. */
export interface SwitchTimes {
  readonly requested: number;
  committed: number;
  shown: number;
}

/**
 * A lit connector: its CRTC, its mode, and what it shows.
 *
 *     source ── changed() ──▶ dirty ── free? ──▶ commit ──▶ in flight ── flip event ──▶ on the panel
 *                               ▲                                           │
 *                               └────────── newest frame, if any ───────────┘
 *
 * One commit is in flight at most. A frame that comes meanwhile only marks the output dirty; the newest is read from
 * the source when the flip event frees the CRTC, so nothing queues and nothing old is shown. The pointer goes with the
 * frames, and without one if need be: see {@link Pointer}.
 */
export class Output {
  readonly name: string;
  #connector: Connector;
  /** null: dark. */
  #lighting: Lighting | null = null;
  /** Those before it, of which something may be on the panel until it is set. */
  #former: Lighting[] = [];
  /** The mode that the CRTC was set to last, and has not left since. */
  #settled: ModeInfo | null = null;
  /** The card does not take the mode, and another is on its way. */
  #awaitsMode = false;
  readonly #patience = new Patience();
  /** Flips in a row that were refused for no reason that one could wait for. */
  #flipFailures = 0;
  /** Grows when the output goes dark: what was under way then is nobody's any more. */
  #darknesses = 0;
  #source: Source | null = null;
  #dirty = false;
  /** The next commit has to set the CRTC: first light, another mode, or a lost flip. */
  #needsSet = true;
  #flying = false;
  /** What flies sets the CRTC. */
  #setting = false;
  /** What flies is the pointer alone. */
  #pointing = false;
  readonly #flips = new FlipWatch();
  // Two records that change places: a frame in flight becomes the one on the panel without an allocation.
  #flight = new Flight();
  #shown = new Flight();
  /** What is about to be committed. */
  readonly #next = newScanout();
  readonly #damage = new BufferDamage();
  /** What has been said of the signal, which is so at every light. */
  readonly #told = new Set<string>();
  /** What the card does not scan out as it is lit now. */
  readonly #refusals = new Refusals();
  #retry: NodeJS.Timeout | undefined;
  readonly #readiness: Readiness;
  /** Of whom a worker draws a copy. What needs none does not wait for it: it overtakes. */
  #drawing: Source | null = null;
  #commits = 0;
  /** How many want no commit now. */
  #held = 0;

  /** Its place among those that cannot all be lit at once: the first is lit first. */
  rank = 0;
  frames = 0;
  modesets = 0;
  lastSwitch: SwitchTimes | undefined;
  /** Why what is shown is not shown as it lies, or not at all. */
  reason: string | undefined;
  modeNote: string | undefined;
  /** What is said above the source; shown where the view has an indicator. */
  #indicator: Indicator = { text: '', active: false };
  /** Another indicator is on the panel. */
  onIndicated: () => void = () => undefined;

  constructor(
    readonly card: Card,
    connector: Connector,
    private readonly log: Log,
    /** The card did not take a mode; returns whether another is on its way. */
    private readonly modeRefused: (mode: ModeInfo, reason: string) => boolean = () => false,
  ) {
    this.name = connector.name;
    this.#connector = connector;
    this.#readiness = new Readiness(card.commit, () => {
      this.#dirty = true;
      this.pump();
    });
  }

  get connector(): Connector {
    return this.#connector;
  }
  get lit(): boolean {
    return this.#lighting !== null;
  }
  /** Whether the CRTC is set: only then it can flip. */
  get isSet(): boolean {
    return !this.#needsSet;
  }
  /** Whether the CRTC is to be set as soon as there is something to show, and nobody has been asked to yet. */
  get isComing(): boolean {
    return this.#needsSet && this.lit && !this.#setting && this.#retry === undefined && !this.#awaitsMode;
  }
  get crtc(): number {
    return this.#lighting?.crtc ?? 0;
  }
  get mode(): ModeInfo | null {
    return this.#lighting?.mode ?? null;
  }
  /** What is on the panel: another than {@link mode} until that is set. */
  get settledMode(): ModeInfo | null {
    return this.#settled;
  }
  get source(): Source | null {
    return this.#source;
  }
  /** Whether a source is, or is about to be, on the panel. */
  holds(source: Source): boolean {
    return (
      this.#source === source ||
      this.#shown.source === source ||
      this.#drawing === source ||
      (this.#flying && this.#flight.source === source)
    );
  }
  get path(): Path {
    return this.#shown.path;
  }
  /** How the guest's screen stands on the panel. */
  get placement(): Placement | null {
    return this.#shown.placement;
  }
  /** The indicator that is on the panel; null: none. */
  get indicator(): Indicator | null {
    return this.#shown.indicator;
  }
  /** Room on the panel for a screen, as its user sees it, who may have turned it; 0 while it is dark. */
  get width(): number {
    return this.#lighting?.width ?? 0;
  }
  get height(): number {
    return this.#lighting?.height ?? 0;
  }
  /** A place on the panel (0 to 1 in both directions) becomes that of the guest's screen: see `toScreen` of fit.ts. */
  toScreen(at: { x: number; y: number }): boolean {
    const { placement } = this.#shown;
    const { mode } = this;
    if (!placement || !mode) return true;
    return toScreen(at, placement, mode.hdisplay, mode.vdisplay);
  }
  /** What the config asks of its signal, and what became of it. */
  get signal(): readonly SignalSetting[] {
    return this.#lighting?.signal.settings ?? [];
  }
  get cursorRefusal(): string | undefined {
    return this.#lighting?.pointer.refusal;
  }
  get idleVblanks(): number {
    return this.#flips.idleVblanks;
  }

  /** The same connector, read again. */
  update(connector: Connector): void {
    this.#connector = connector;
  }

  /**
   * Gives the output a CRTC and mode; the next frame of the source lights it. On the same CRTC the panel shows what it
   * did until then, and on if the card does not take the mode.
   */
  async light(
    crtc: number,
    mode: ModeInfo,
    view: View = this.#lighting?.view ?? PLAIN_VIEW,
    signal: SignalConfig = NO_SIGNAL,
  ): Promise<void> {
    const target = { crtc, connector: this.#connector.id, mode };
    if (this.#lighting?.is(target, view, signal) && !this.#awaitsMode) return;
    if (!this.#lighting?.isOn(crtc, target.connector)) await this.darken();
    const lighting = await Lighting.create(this.card, target, view, signal, this);
    if (this.#lighting) this.#former.push(this.#lighting);
    this.#lighting = lighting;
    this.#drawing = null;
    this.card.route(crtc, this);
    this.renew();
  }

  /**
   * Takes the CRTC away: the monitor went, or another needs it. What was shown is let go of. `joins`: in the commit that
   * gives the CRTC to another output, if there is a bracket, which must not wait for this then.
   */
  async darken(joins = false): Promise<void> {
    const lighting = this.#lighting;
    if (!lighting) return;
    this.card.unroute(lighting.crtc);
    this.#lighting = null;
    const off = joins
      ? this.card.off(lighting.crtc)
      : this.card.exclusive(() => this.card.commit.off(lighting.crtc));
    await off.catch((error: unknown) => {
      this.log.debug(`${this.name}: switching off: ${String(error)}`);
    });
    await this.#letGo(lighting);
  }

  /** The monitor goes to sleep: its CRTC is off until `renew`. What it showed stays as it is. */
  async sleep(): Promise<void> {
    if (this.lit) await this.card.exclusive(() => this.card.commit.off(this.crtc));
  }

  /** Somebody else had the card, or it slept: the next commit sets everything anew. */
  renew(): void {
    if (!this.#lighting) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#awaitsMode = false;
    this.#patience.reset();
    this.#flipFailures = 0;
    this.#needsSet = true;
    // What the hardware was asked while they had it, it may have refused for that alone.
    this.#lighting.fitting.forget();
    this.#refusals.clear();
    this.changed();
  }

  /** Takes the pointer off the panel, and whatever else a CRTC that is given back must not keep. */
  async clear(): Promise<void> {
    await this.card.exclusive(() => this.card.commit.release(this.crtc));
  }

  /** The card has been given back: lets go of everything without a commit. */
  async abandon(): Promise<void> {
    const lighting = this.#lighting;
    if (!lighting) return;
    this.card.unroute(lighting.crtc);
    this.#lighting = null;
    await this.#letGo(lighting);
  }

  /**
   * Shows another source from the next vblank on. `requested`: when it was asked for (CLOCK_MONOTONIC, ms); `text`: the
   * indicator's.
   */
  show(source: Source, requested: number, text = ''): void {
    if (this.#source === source) return;
    this.#source = source;
    if (text !== this.#indicator.text) this.#indicator = { ...this.#indicator, text };
    // A copy is on the panel, and has its reason, until what comes next is there.
    if (!this.#patience.waits && this.#shown.path !== 'copy') this.reason = undefined;
    this.lastSwitch = { requested, committed: NaN, shown: NaN };
    this.#lighting?.copier.invalidate();
    this.changed();
  }

  /** Whether what is shown is said to have keyboard and pointer. */
  activate(active: boolean): void {
    if (active === this.#indicator.active) return;
    this.#indicator = { ...this.#indicator, active };
    if (this.#lighting?.view.indicator) this.changed();
  }

  /** The source has something new. */
  changed(): void {
    this.#dirty = true;
    this.pump();
  }

  /** The source's pointer moved or changed. */
  cursorChanged(): void {
    this.#lighting?.pointer.touch();
    this.#pumpPointer();
  }

  /** Of what is asked of the signal, once. */
  tellTrouble(setting: SignalSetting): void {
    for (const line of formatSettings([setting])) {
      if (!this.#told.has(line)) this.log.warning(`${this.name}: ${line}`);
      this.#told.add(line);
    }
  }

  /** Commits the newest frame, or where the pointer is, if the CRTC can take that now. */
  pump(): void {
    if (!this.#isFree()) return;
    if (this.#dirty && this.#source !== null) this.#showNewest(this.#source, this.#lighting!);
    this.#pumpPointer();
  }

  #pumpPointer(): void {
    if (this.#isFree() && this.#lighting!.pointer.isDue()) this.#movePointer();
  }

  /** Whether something may be committed now. */
  #isFree(): boolean {
    if (this.#flying || !this.#lighting || this.card.busy) return false;
    // What could be shown how is asked with the locks that slow commits hold; and a set would have to wait anyhow.
    if (this.#needsSet && this.card.committing) return false;
    // Refused a moment ago: everybody's turn comes when the timer says so, or a card that is not ours keeps us busy.
    return this.#retry === undefined && this.#held === 0 && !this.#awaitsMode;
  }

  #showNewest(source: Source, lighting: Lighting): void {
    if (this.#needsSet && this.#patience.waits) {
      this.#patience.paused();
      this.#retryIn(UNLIT_PAUSE_MS);
      source.presented(source.frame);
      return;
    }
    this.#dirty = false;
    const { picture, framebuffer } = source;
    if (picture) {
      // One of the last mode's size: its successor is being drawn.
      if (picture.width !== lighting.width || picture.height !== lighting.height) return;
      this.#readiness.cancel();
      const { mode, view, fitting } = lighting;
      if (view.turn === 0 && !view.indicator)
        this.#commit(source, fillPanel(this.#next, picture.framebuffer, mode), null, null, 'picture');
      else void this.#draw(source, source, fitting.ofCopy(source.viewport, '').placement, 'picture');
    } else if (framebuffer) {
      const frame = this.#readiness.take(source, framebuffer);
      if (frame?.framebuffer) {
        this.#present(source, frame, frame.framebuffer);
        // What was waited for is not the newest.
        this.#dirty ||= frame.frame !== source.frame;
        this.#readiness.cancel();
      } else if (this.#readiness.overdue) this.reason = `the guest's GPU has not finished its picture`;
    } else if (source.canvas) {
      this.#readiness.cancel();
      this.#copy(source, source, `the guest sends ${source.canvas.kind}, not buffers`);
    } else this.#readiness.cancel();
  }

  #present(source: Source, frame: Frame, framebuffer: Framebuffer): void {
    const { fitting } = this.#lighting!;
    const { layout } = framebuffer;
    const { id, refusal: notImported } = this.card.imports.of(framebuffer);
    const refusal = notImported ?? this.#refusals.of(framebuffer);
    if (refusal !== undefined) {
      this.#copy(source, frame, refusal);
      return;
    }
    const { placement, reason } = fitting.ofBuffer(layout, id, frame.viewport);
    if (reason !== undefined) {
      this.reason = reason;
      void this.#draw(source, frame, placement);
      return;
    }
    fillScanout(this.#next, id, layout, frame.viewport, placement);
    if (this.card.commit.takesDamage(this.crtc))
      this.#damage.collect(source, frame, layout, id, placement, this.#shown);
    this.#commit(source, this.#next, framebuffer, placement, 'direct', frame.frame);
  }

  #copy(source: Source, frame: Frame, reason: string): void {
    this.reason = reason;
    void this.#draw(source, frame, this.#lighting!.fitting.ofCopy(frame.viewport, reason).placement);
  }

  /** The kernel says a flip is done: `sequence` counts vblanks, `at` is CLOCK_MONOTONIC in ms. */
  flipped(cookie: number, sequence: number, at: number): void {
    if (!this.#flying || !this.#flips.expects(cookie)) return;
    if (this.#pointing) {
      this.#pointerArrived(at);
      return;
    }
    this.#flips.frame(sequence);
    this.#lighting?.pointer.frameShown(at, this.#flips.since);
    this.#arrived(at);
  }

  /** Called about once a second: a flip that never came must not freeze the panel for ever. Frees what has rested. */
  watch(now: number): void {
    // While a CRTC is to be set, another picture than the last may be on its panel.
    if (!this.#drawing && !this.#needsSet && !this.#setting) this.#lighting?.copier.tidy(now, this.#inUse);
    if (!this.#flying || !this.#flips.isLost(now)) return;
    this.log.warning(
      `${this.name}: no flip event for ${Math.round(now - this.#flips.since)} ms: setting the CRTC anew`,
    );
    this.#grounded();
    this.#flight.end();
    this.#needsSet = true;
    this.changed();
  }

  readonly #inUse = (framebuffer: number): boolean =>
    framebuffer === this.#shown.scanout.framebuffer ||
    (this.#flying && framebuffer === this.#flight.scanout.framebuffer);

  /** Runs `work` while no commit is in flight on the CRTC, and none comes: drivers drop a job that one overtakes. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    this.#held++;
    try {
      while (this.#flying) await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
      return await work();
    } finally {
      this.#held--;
      this.pump();
    }
  }

  /** Where the pixels on the panel lie, for a screenshot. */
  panel(): PanelPixels | undefined {
    const lighting = this.#lighting;
    if (!lighting) return undefined;
    const { hdisplay: width, vdisplay: height } = lighting.mode;
    const { source, framebuffer, scanout, path } = this.#shown;
    const { image, x, y } = lighting.pointer.shown;
    const cursor = image ? { image, x, y } : undefined;
    const onPanel = { width, height, scanout, cursor };
    if (path === 'direct' && framebuffer) {
      const { format, layout } = framebuffer;
      return { ...onPanel, framebuffer, format, pitch: layout.planes[0]!.pitch, dumb: undefined };
    }
    const drawn = lighting.copier.shown(scanout.framebuffer);
    const dumb = drawn?.dumb ?? (path === 'picture' ? source?.picture : undefined);
    const format = drawn?.format ?? XR24;
    return dumb ? { ...onPanel, framebuffer: null, format, pitch: dumb.pitch, dumb } : undefined;
  }

  async #letGo(lighting: Lighting): Promise<void> {
    this.#darknesses++;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#awaitsMode = false;
    this.#settled = null;
    this.#readiness.close();
    this.#grounded();
    this.#drawing = null;
    this.#flight.end();
    this.#shown.end();
    await this.#closeFormer();
    await lighting.close();
  }

  /** Nothing of what the output was lit with before is on the panel. */
  async #closeFormer(): Promise<void> {
    const former = this.#former;
    this.#former = [];
    for (const lighting of former) await lighting.close();
  }

  async #draw(source: Source, shown: Frame, placement: Placement, path: Path = 'copy'): Promise<void> {
    const lighting = this.#lighting!;
    const { copier } = lighting;
    if (this.#drawing) {
      // The newest is read again when the worker is done.
      this.#dirty = true;
      return;
    }
    const { canvas } = source;
    const { framebuffer, frame } = shown;
    const indicator = lighting.view.indicator ? this.#indicator : null;
    // Frames that went another way have told their damage there.
    if (this.#shown.path === 'direct') copier.invalidate();
    this.#drawing = source;
    const commits = this.#commits;
    framebuffer?.retain();
    try {
      const onPanel = this.#shown.scanout.framebuffer;
      const target = await copier.draw(source, placement, onPanel, shown, indicator);
      // The output may have gone dark, or to another mode, while the worker drew.
      if (this.#lighting !== lighting) return;
      this.#drawing = null;
      if (this.#commits !== commits) this.pump();
      // Another output may be setting its CRTC, the pointer be on its way: what is drawn waits in its buffer.
      else if (this.#source === source && this.#isFree())
        this.#commit(
          source,
          fillPanel(this.#next, target, lighting.mode),
          null,
          placement,
          path,
          frame,
          indicator,
        );
      else this.changed();
    } catch (error) {
      if (this.#lighting !== lighting) return;
      this.#drawing = null;
      if (this.#commits !== commits) {
        this.pump();
        return;
      }
      if (source.canvas !== canvas || this.#source !== source) {
        // The guest took this memory back in the meantime, and has shown something else since.
        this.changed();
        return;
      }
      const reason =
        error instanceof BufferRefused ? error.message : `cannot be copied either: ${String(error)}`;
      this.reason = reason;
      source.refused(reason);
    } finally {
      framebuffer?.release();
    }
  }

  #commit(
    source: Source,
    scanout: Scanout,
    framebuffer: Framebuffer | null,
    placement: Placement | null,
    path: Path,
    frame = source.frame,
    indicator: Indicator | null = null,
  ): void {
    const flight = this.#flight;
    flight.begin(source, frame, scanout, framebuffer, placement, path, indicator);
    this.#commits++;
    this.#flying = true;
    if (this.#needsSet) {
      void this.#set(flight);
      return;
    }
    const cookie = this.card.nextCookie();
    this.#flips.begin(cookie, monotonic());
    const damage = path === 'direct' && !isEmpty(this.#damage) ? this.#damage : undefined;
    const result = this.#lighting!.pointer.flip(this.#shown.scanout, flight, cookie, damage);
    if (result === 0) {
      this.#flipAccepted(flight);
      this.#damage.clear();
      this.#committed();
    } else if (result === EINVAL) void this.#set(flight);
    else this.#postpone(flight, result);
  }

  /** Commits where the pointer is, without a frame. */
  #movePointer(): void {
    if (!this.#isFree() || this.#needsSet) return;
    const cookie = this.card.nextCookie();
    const result = this.#lighting!.pointer.move(this.#shown, cookie);
    if (result === IN_FLIGHT) {
      this.#flying = this.#pointing = true;
      this.#flips.begin(cookie, monotonic());
    } else if (result < 0) this.#retryIn(result === EBUSY ? BUSY_RETRY_MS : PAUSED_RETRY_MS);
  }

  /** The slow way: sets the CRTC on a worker, with the card to ourselves. Resolves when the frame is on the panel. */
  async #set(flight: Flight): Promise<void> {
    const lighting = this.#lighting!;
    const darknesses = this.#darknesses;
    this.#flips.begin(0, monotonic());
    this.#committed();
    const isWanted = (): boolean => this.#lighting === lighting;
    let seamless = false;
    let failure: SetFailure | undefined;
    this.#setting = true;
    try {
      const { scanout } = flight;
      seamless = await this.card.set({ target: lighting, scanout, rank: this.rank, isWanted });
    } catch (error) {
      failure = isWanted()
        ? await judgeSet(this.card, lighting, flight.framebuffer, error, isWanted)
        : { cause: error };
    }
    // Darkened meanwhile: whoever did that has let go of the frame.
    if (this.#darknesses !== darknesses || !this.#lighting) return;
    if (failure) {
      this.#setFailed(flight, lighting, failure);
      return;
    }
    this.#settled = lighting.mode;
    // Else it is to be lit another way by now, and this is what its panel shows until then.
    const isCurrent = this.#lighting === lighting;
    if (!seamless) this.modesets++;
    if (this.#needsSet && isCurrent) {
      this.#needsSet = false;
      // What a dark CRTC did not take, for want of bandwidth, say, the lit one may.
      if (flight.path === 'copy') lighting.fitting.forget();
      const how = seamless ? ', without a modeset' : '';
      this.log.info(`${this.name}: lit with ${modeName(lighting.mode)} on CRTC ${lighting.crtc}${how}`);
    }
    this.#patience.reset();
    lighting.pointer.emptied();
    this.#flips.restart();
    this.#arrived(monotonic());
    if (isCurrent) await this.#closeFormer();
  }

  #setFailed(flight: Flight, lighting: Lighting, { cause, refusal }: SetFailure): void {
    const { framebuffer, source, frame } = flight;
    if (framebuffer && refusal !== undefined) {
      this.#refusals.add(framebuffer, refusal);
      this.log.warning(`${this.name}: ${refusal}: copying instead`);
    }
    this.#grounded();
    flight.end();
    if (this.#lighting !== lighting || cause === undefined) this.changed();
    // A card that has gone may refuse anything until that is known.
    else if (isPassing(cause) || !this.card.exists) {
      this.#dirty = true;
      this.#retryIn(PAUSED_RETRY_MS);
    } else {
      this.#cannotBeLit(lighting, cause);
      // The guest is not to blame, and must not stand still for it.
      source?.presented(frame);
    }
  }

  #cannotBeLit({ mode }: Lighting, cause: unknown): void {
    if (this.#needsSet && !isTrouble(cause) && this.modeRefused(mode, messageOf(cause))) {
      this.#awaitsMode = true;
      return;
    }
    const reason = `cannot be lit: ${String(cause)}`;
    if (this.#patience.failed()) this.log.error(`${this.name}: ${reason}`);
    this.reason = reason;
    this.#dirty = true;
    this.#retryIn(UNLIT_PAUSE_MS);
  }

  #committed(): void {
    const { lastSwitch } = this;
    if (lastSwitch && Number.isNaN(lastSwitch.committed) && this.#flight.source === this.#source)
      lastSwitch.committed = monotonic();
  }

  #arrived(at: number): void {
    const landed = this.#shown;
    this.#shown = this.#flight;
    this.#flight = landed;
    this.#grounded();
    this.frames++;
    const { source, frame } = this.#shown;
    if (this.lastSwitch && Number.isNaN(this.lastSwitch.shown) && source === this.#source)
      this.lastSwitch.shown = at;
    if (this.#shown.path !== 'copy') this.reason = undefined;
    const indicated = landed.indicator !== this.#shown.indicator;
    landed.end();
    // A guest that always has the next frame ready would leave it no other moment.
    if (this.#lighting?.pointer.carried === false) this.#movePointer();
    // The next commit first: it has a vblank to catch; the guest's answer has not.
    this.pump();
    source?.presented(frame);
    if (indicated) this.onIndicated();
  }

  #pointerArrived(at: number): void {
    this.#grounded();
    this.#lighting?.pointer.moved(at, this.#dirty);
    this.pump();
  }

  /** Nothing is in flight any more. */
  #grounded(): void {
    this.#flying = this.#setting = this.#pointing = false;
    this.#flips.end();
  }

  #postpone(flight: Flight, result: number): void {
    const { framebuffer, source, frame } = flight;
    const refused = result !== EBUSY && result !== EACCES && this.#flipRefused(framebuffer, result);
    this.#grounded();
    flight.end();
    this.#dirty = true;
    if (!refused) this.#retryIn(result === EBUSY ? BUSY_RETRY_MS : PAUSED_RETRY_MS);
    else if (framebuffer) this.pump();
    else {
      // Another picture would fare no better; but its guest goes on.
      this.#retryIn(UNLIT_PAUSE_MS);
      source?.presented(frame);
    }
  }

  /** A flip failed as it should not (ENOMEM, ENOSPC, ERANGE…): whether that was once too often. */
  #flipRefused(framebuffer: Framebuffer | null, result: number): boolean {
    const before = framebuffer !== null && this.#refusals.has(framebuffer);
    if (++this.#flipFailures < FLIP_TRIES && !before) return false;
    const code = getSystemErrorName(result);
    if (framebuffer) {
      this.#flipFailures = 0;
      this.#refusals.add(framebuffer, `the card does not flip to this buffer (${code})`, true);
      if (!before) this.log.warning(`${this.name}: flip refused with ${code}: copying instead`);
    } else {
      this.reason = `the card does not flip (${code})`;
      if (this.#flipFailures === FLIP_TRIES)
        this.log.error(`${this.name}: flip refused with ${code}: the panel keeps its picture until it works`);
    }
    return true;
  }

  #flipAccepted({ framebuffer }: Flight): void {
    if (framebuffer && this.#refusals.any && this.#refusals.remove(framebuffer))
      this.log.info(`${this.name}: the card flips to this buffer again: copying no more`);
    if (this.#flipFailures >= FLIP_TRIES) this.log.info(`${this.name}: the card flips again`);
    this.#flipFailures = 0;
  }

  #retryIn(ms: number): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.pump();
    }, ms);
  }
}
