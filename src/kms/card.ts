import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { getSystemErrorName } from 'node:util';
import { monotonic } from '../clock';
import type { Log } from '../log';
import { EXCHANGE_BYTES, FLIP_WORDS, isNativeError, native, type CrtcInfo, type NativeCard } from '../native';
import { AtomicCommit } from './atomic';
import type { Commit } from './commit';
import { connectorName, readConnector, type Connector } from './connector';
import { hasOtherGpu } from './exporters';
import { Gathering, type Gathered, type Wish } from './gathering';
import { Imports } from './imports';
import { LegacyCommit } from './legacy';
import type { Output } from './output';
import { pans } from './quirks';
import type { CardReader } from './reader';
import { SavedProperties } from './signal';

const CLIENT_CAP_UNIVERSAL_PLANES = 2;
const CLIENT_CAP_ATOMIC = 3;
const CLIENT_CAP_WRITEBACK_CONNECTORS = 5;
const CLIENT_CAP_CURSOR_PLANE_HOTSPOT = 6;
const WATCH_PERIOD_MS = 1000;
/** More than the clocks can differ by. */
const SUSPEND_MS = 2000;

const words = new Uint32Array(native.exchange, 0, EXCHANGE_BYTES / 4);

/** A card that cannot be used, and what to do about it. `reason` is for an exit code. */
export class CardError extends Error {
  override name = 'CardError';
  constructor(
    readonly reason: 'absent' | 'busy' | 'permission' | 'unusable',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Why a card is not ours for now: another session is in front, another program is master, the machine was suspended.
 */
export type Pause = 'session' | 'master' | 'suspend';

/** CLOCK_BOOTTIME goes on while the machine is suspended, CLOCK_MONOTONIC does not. */
function suspended(): number {
  return os.uptime() * 1000 - monotonic();
}

/** What opens device nodes, where this process does not itself: a seat manager. */
export interface Devices {
  /** An fd, or `-errno`. */
  openDevice(path: string, flags: number): number;
  closeDevice(fd: number): void;
}

interface SavedCrtc {
  readonly info: CrtcInfo;
  readonly connectors: readonly number[];
}

/**
 * An open DRM card: who drives which CRTC, what it made of guests' buffers, its flip events, and the gate that keeps
 * commits apart.
 */
export class Card implements Gathered {
  /** `card1` */
  readonly name: string;
  /** Its device node, whatever it was opened by: `/dev/dri/card1`. */
  readonly device: string;
  /** Of a picture, in pixels. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** Whether a plane may show any part of a buffer: see quirks.ts. */
  readonly pans: boolean;
  readonly crtcs: readonly number[];
  /** What it made of guests' buffers. */
  readonly imports: Imports;
  readonly commit: Commit;
  readonly savedProperties: SavedProperties;
  /** Whether screenshots may be taken by a writeback connector. */
  readonly canWriteback: boolean;
  readonly #outputs = new Map<number, Output>();
  readonly #saved: readonly SavedCrtc[];
  #cookie = 0;
  #exclusive = 0;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #waiting: (() => void)[] = [];
  readonly #gathering = new Gathering(this);
  #watch: NodeJS.Timeout;
  #pausedBy: Pause | null = null;
  #inFront = true;
  #gone = false;
  #tellGone: () => void = () => undefined;
  /** Resolves when it has gone. */
  readonly gone = new Promise<void>((resolve) => (this.#tellGone = resolve));
  /** The monitors are switched off: nothing is committed until they are to be on again. */
  asleep = false;
  /** How long the machine has been suspended since it was started, in ms. */
  #suspended = suspended();
  /** Called when commits are not ours to make any more; null: they are again, and nobody knows what the panels show. */
  onPaused: (by: Pause | null) => void = () => undefined;

  private constructor(
    private readonly node: CardNode,
    onLost: (error: Error) => void,
    legacy: boolean,
  ) {
    const { native } = node;
    this.device = deviceOf(native.path);
    this.name = path.basename(this.device);
    native.setClientCapability(CLIENT_CAP_UNIVERSAL_PLANES, 1);
    const atomic = native.setClientCapability(CLIENT_CAP_ATOMIC, 1) === 0;
    // Drivers of virtual machines hide their cursor planes from whoever does not tell them the hot spot (Linux 6.6).
    if (atomic) native.setClientCapability(CLIENT_CAP_CURSOR_PLANE_HOTSPOT, 1);
    this.canWriteback = atomic && native.setClientCapability(CLIENT_CAP_WRITEBACK_CONNECTORS, 1) === 0;
    const resources = native.resources();
    this.crtcs = resources.crtcs;
    this.maxWidth = resources.maxWidth;
    this.maxHeight = resources.maxHeight;
    this.pans = pans(native.driverName());
    this.imports = new Imports(native, () => !hasOtherGpu(this.name));
    const commit = atomic && !legacy ? AtomicCommit.create(native, this.crtcs) : undefined;
    this.commit = commit ?? new LegacyCommit(native);
    this.#saved = this.#save(resources.connectors);
    this.savedProperties = new SavedProperties(native);
    native.onFlips((count) => {
      if (count >= 0) this.#flips(count);
      else onLost(new Error(`${this.name}: the card is gone (errno ${-count})`));
    });
    this.#watch = setInterval(() => {
      this.#checkSuspend();
      this.#checkMaster();
      if (this.paused) return;
      const now = monotonic();
      this.gather(() => {
        for (const output of this.#outputs.values()) output.watch(now);
      });
    }, WATCH_PERIOD_MS);
  }

  /** Opens a card and becomes its master; `legacy`: atomic commits are not even tried. Throws {@link CardError}. */
  static open(file: string, onLost: (error: Error) => void, legacy = false, devices?: Devices): Card {
    const node = CardNode.open(file, devices);
    try {
      if (!node.native.isMaster()) {
        const result = node.native.setMaster();
        if (result < 0) throw notMaster(file, result);
      }
      return new Card(node, onLost, legacy);
    } catch (error) {
      node.close();
      if (error instanceof CardError) throw error;
      throw new CardError('unusable', `${file} cannot drive displays: ${String(error)}`, { cause: error });
    }
  }

  get native(): NativeCard {
    return this.node.native;
  }

  /** The open file; its own as long as the card is open. */
  get fd(): number {
    return this.node.fd;
  }

  get paused(): boolean {
    return this.#gone || this.#pausedBy !== null;
  }

  /** Whether nobody sees what it shows, or it is not ours. */
  get hidden(): boolean {
    return this.paused || this.asleep;
  }

  /** Whether the kernel still has it, as it may not tell for a while. */
  get exists(): boolean {
    return fs.existsSync(this.device);
  }

  /** It has gone: nothing is committed any more, for whoever uses it until it is closed. */
  lose(): void {
    this.#gone = true;
    this.#tellGone();
    clearInterval(this.#watch);
    this.#gathering.close();
  }

  /** Whether the session that this is of is in front. */
  set inFront(inFront: boolean) {
    this.#inFront = inFront;
    if (!inFront) this.native.dropMaster();
    this.#checkMaster();
  }

  /** Reads every connector; with `probe`, asks the monitors again on worker threads. */
  async connectors(probe: boolean): Promise<Connector[]> {
    const { connectors } = this.native.resources();
    const found: Connector[] = [];
    for (const id of connectors) {
      try {
        found.push(await readConnector(this.native, id, probe));
      } catch (error) {
        // Docking stations take connectors away between the two calls.
        if (!isNativeError(error, 'ENOENT')) throw error;
      }
    }
    return found;
  }

  /**
   * Whether commits have to wait: one that is slow holds the locks of every output, so that any other would make the
   * loop wait, or the card is not ours for now, or asleep.
   */
  get busy(): boolean {
    return this.hidden || (this.#exclusive > 0 && this.commit.exclusive);
  }

  /** Whether a slow commit is under way: whatever needs the locks of connectors would wait for it. */
  get committing(): boolean {
    return this.#exclusive > 0;
  }

  /** Runs slow commits one after another, while outputs hold theirs back if they must; then all outputs go on. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.#exclusive++;
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#exclusive--;
      if (this.#exclusive === 0)
        setImmediate(() => {
          this.#resume();
        });
    }
  }

  /** Work after which several outputs may have to be set: those that join are set in one commit. See {@link Gathering}. */
  gather<T>(work: () => T): T {
    return this.#gathering.gather(work);
  }

  /** Sets a CRTC, with the card to ourselves, and with the others that are to be set; whether it was seamless. */
  set(wish: Wish): Promise<boolean> {
    return this.#gathering.set(wish);
  }

  /** Takes a CRTC from its connector, at best in the commit that gives it to another. See {@link Gathering.off}. */
  off(crtc: number): Promise<void> {
    return this.#gathering.off(crtc);
  }

  get awaited(): boolean {
    for (const output of this.#outputs.values()) if (output.isComing) return true;
    return false;
  }

  /** Resolves when no slow commit is under way, nor any output waiting to make one. */
  async settled(): Promise<void> {
    if (this.#exclusive > 0 || this.#gathering.waits)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A number that no flip of this card in flight carries. 0 means none. */
  nextCookie(): number {
    this.#cookie = (this.#cookie + 1) >>> 0 || 1;
    return this.#cookie;
  }

  route(crtc: number, output: Output): void {
    this.#outputs.set(crtc, output);
  }

  unroute(crtc: number): void {
    this.#outputs.delete(crtc);
  }

  /** Puts back what every CRTC showed before we came, and how. */
  async restore(log: Log): Promise<void> {
    await this.exclusive(() =>
      this.savedProperties.restore((error) => {
        log.debug(`${this.name}: restoring a property: ${String(error)}`);
      }),
    );
    for (const { info, connectors } of this.#saved) {
      const { id, mode, framebuffer, x, y } = info;
      const lit = mode !== null && framebuffer !== 0 && connectors.length > 0;
      try {
        await this.exclusive(() =>
          lit
            ? this.native.setCrtc(id, framebuffer, x, y, connectors, mode)
            : this.native.setCrtc(id, 0, 0, 0, [], null),
        );
      } catch (error) {
        log.debug(`${this.name}: restoring CRTC ${id}: ${String(error)}`);
      }
    }
  }

  close(): void {
    clearInterval(this.#watch);
    this.#gathering.close();
    this.commit.close();
    this.node.close(this.#gone);
  }

  /** Drivers may come back from it with anything on the panels. */
  #checkSuspend(): void {
    const before = this.#suspended;
    this.#suspended = suspended();
    if (this.#suspended - before > SUSPEND_MS) this.#pause('suspend');
  }

  #checkMaster(): void {
    if (!this.#inFront) this.#pause('session');
    else this.#pause(this.native.isMaster() || this.native.setMaster() === 0 ? null : 'master');
  }

  #pause(by: Pause | null): void {
    if (by === this.#pausedBy) return;
    this.#pausedBy = by;
    this.onPaused(by);
  }

  #flips(count: number): void {
    for (let index = 0; index < count; index++) {
      const at = index * FLIP_WORDS;
      const ms = words[at + 3]! * 1000 + words[at + 4]! / 1000;
      const cookie = words[at + 1]!;
      // The callee may flip again, which leaves the exchange alone: only events write to it.
      this.#outputs.get(words[at]!)?.flipped(cookie, words[at + 2]!, ms);
    }
  }

  #resume(): void {
    if (this.#exclusive > 0) return;
    // Those that held back meanwhile are set together; the others hold nobody up.
    this.#gathering.gather(() => {
      for (const output of this.#outputs.values()) output.pump();
    }, false);
    this.settle();
  }

  /** Tells those who wait for it that nothing is under way. */
  settle(): void {
    if (this.#exclusive > 0 || this.#gathering.waits) return; // An output has begun the next.
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #save(connectors: readonly number[]): SavedCrtc[] {
    const routed = new Map<number, number[]>();
    for (const id of connectors) {
      const { encoderId } = this.native.connector(id);
      const crtc = encoderId === 0 ? 0 : this.native.encoder(encoderId).crtcId;
      if (crtc !== 0) routed.set(crtc, [...(routed.get(crtc) ?? []), id]);
    }
    return this.crtcs.map((id) => ({ info: this.native.crtc(id), connectors: routed.get(id) ?? [] }));
  }
}

/** An open primary node, and who opened it. */
export class CardNode {
  private constructor(
    readonly native: NativeCard,
    /** The descriptor as the seat manager gave it; the card has its own of the same file. */
    readonly fd: number,
    private readonly devices: Devices | undefined,
  ) {}

  /** Throws {@link CardError}. */
  static open(file: string, devices?: Devices): CardNode {
    if (!devices) return new CardNode(openNode(file), -1, undefined);
    const { O_RDWR, O_NONBLOCK } = fs.constants;
    const fd = devices.openDevice(file, O_RDWR | O_NONBLOCK);
    if (fd < 0) throw cannotOpen(file, getSystemErrorName(fd));
    try {
      return new CardNode(native.openCard(file, fd), fd, devices);
    } catch (error) {
      devices.closeDevice(fd);
      throw cannotOpen(file, isNativeError(error) ? error.code : undefined, error);
    }
  }

  /** `gone`: the card is not there any more. */
  close(gone = false): void {
    // Whoever lets go of the file last waits for the kernel to clear up: of a card that has gone, not the event loop.
    if (!gone) this.native.close();
    this.devices?.closeDevice(this.fd);
    if (gone) this.native.abandon();
  }
}

/** A device node without the links that may lead to it. */
export function deviceOf(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return file; // It has gone already.
  }
}

/** Opens a primary node, without asking to be master. Throws {@link CardError}. */
export function openNode(file: string): NativeCard {
  try {
    return native.openCard(file);
  } catch (error) {
    throw cannotOpen(file, isNativeError(error) ? error.code : undefined, error);
  }
}

function cannotOpen(file: string, code: string | undefined, cause?: unknown): CardError {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new CardError(
        'permission',
        `no permission to open ${file}: run as root, run seatd, or add this user to the group that owns it ("video" on Debian)`,
        { cause },
      );
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return new CardError(
        'absent',
        `there is no card ${file}: "kms-switcher outputs" lists the cards of this machine`,
        { cause },
      );
    default:
      return new CardError(
        'unusable',
        `${file} cannot be opened: ${cause instanceof Error ? cause.message : code}`,
        { cause },
      );
  }
}

function notMaster(file: string, result: number): CardError {
  const EACCES = -13;
  return result === EACCES
    ? new CardError(
        'busy',
        `${file} is in use by another display server (a desktop, another kms-switcher?): stop it, or switch to a free ` +
          'virtual terminal, and start again',
      )
    : new CardError(
        'busy',
        `${file} is in use by another display server (errno ${-result}): stop it, or choose another card with "card:"`,
      );
}

/** The primary nodes of this machine that can drive displays, in order. */
export function listCards(directory = '/dev/dri'): string[] {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^card\d+$/.test(name))
    .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
    .map((name) => path.join(directory, name));
}

/** Names of a card's connected connectors, from what the kernel knows; empty for a card without displays. */
export function connectedNames(card: CardReader): string[] {
  try {
    return card
      .resources()
      .connectors.map((id) => card.connector(id))
      .filter(({ connection }) => connection === 1)
      .map(({ type, typeId }) => connectorName(type, typeId));
  } catch {
    return []; // Render-only devices have no mode setting.
  }
}
