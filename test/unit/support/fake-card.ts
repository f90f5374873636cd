import type { BufferLayout, PixelMemory, Viewport } from '../../../src/buffers';
import type { Log } from '../../../src/log';
import {
  native,
  type ConnectorInfo,
  type ModeInfo,
  type NativeCard,
  type NativeDumb,
  type PropertyInfo,
} from '../../../src/native';
import { Card } from '../../../src/kms/card';
import { Cards } from '../../../src/kms/cards';
import type { Connector } from '../../../src/kms/connector';
import type { Edges } from '../../../src/kms/fit';
import type { Framebuffer } from '../../../src/kms/framebuffers';
import type { Imported } from '../../../src/kms/imports';
import type { Cursor, Source } from '../../../src/kms/source';
import { mode } from './modes';

export const EBUSY = -16;
export const EINVAL = -22;
export const EACCES = -13;
const XR24 = 0x34325258;

export function systemError(code: string, errno: number, syscall = 'drmModeSetCrtc'): Error {
  return Object.assign(new Error(`${code}, ${syscall}`), { code, errno, syscall });
}

/** A promise that a test settles. */
interface Pending {
  readonly what: string;
  resolve(): void;
  reject(error: Error): void;
}

interface Flip {
  readonly crtc: number;
  readonly framebuffer: number;
  readonly cookie: number;
}

/**
 * A card that only says what it was told. Commits the kernel would refuse or wait for are refused or remembered in
 * `wrongs`; SetCrtc and pixel copies finish when the test says so, or at once while `patient` is false.
 */
export class FakeCard {
  abandoned = false;
  exists = true;
  readonly flips: Flip[] = [];
  readonly inFlight = new Map<number, Flip>();
  readonly sets: { crtc: number; framebuffer: number; x: number; y: number; mode: ModeInfo | null }[] = [];
  /** What CRTCs are set to. */
  readonly modes = new Map<number, ModeInfo | null>();
  /** The framebuffer on each CRTC's panel. */
  readonly shown = new Map<number, number>();
  readonly pending: Pending[] = [];
  readonly wrongs: string[] = [];
  master = true;
  /** Another client is master when we are not. */
  taken = false;
  readonly openDumbs = new Set<number>();
  readonly closedFramebuffers: number[] = [];
  readonly removedFramebuffers: number[] = [];
  readonly imports: Parameters<NativeCard['importFramebuffer']>[0][] = [];
  readonly importedFds: number[][] = [];
  readonly cursors: string[] = [];
  connectors: ConnectorInfo[] = [];
  /** Of connectors, by their ids. */
  readonly edids = new Map<number, Uint8Array>();
  readonly paths = new Map<number, string>();
  readonly badLinks = new Set<number>();
  /** Properties that can be set, by connector or CRTC. */
  readonly settings = new Map<number, (Partial<PropertyInfo> & { value: bigint })[]>();
  /** What was set, `object/property=value`, and the modes in between. */
  readonly told: string[] = [];
  /** What setting a property fails with. */
  readonly propertyErrors = new Map<number, Error>();
  /** What the next flips return instead of succeeding. */
  flipResults: number[] = [];
  /** What the next SetCrtc of a mode fails with. */
  setErrors: Error[] = [];
  /** Of one CRTC only. */
  readonly crtcErrors = new Map<number, Error[]>();
  /** Those that a framebuffer can have; undefined: any. */
  formats: Set<number> | undefined;
  importError: Error | undefined;
  closeResult = 0;
  patient = false;
  crtcCount = 2;
  #setsRunning = 0;
  #sequence = 0;
  #id = 1000;
  #onFlips: (count: number) => void = () => undefined;

  constructor(readonly path = '/dev/dri/card9') {}

  isMaster = (): boolean => this.master;
  setMaster = (): number => {
    this.master ||= !this.taken;
    return this.master ? 0 : -13;
  };
  dropMaster = (): number => {
    this.master = false;
    return 0;
  };
  setClientCapability = (): number => EINVAL;
  capability = (): number => 64;
  driverName = (): string => 'fake';
  resources = (): object => ({
    crtcs: Array.from({ length: this.crtcCount }, (_, index) => 40 + index),
    connectors: this.connectors.map(({ id }) => id),
    maxWidth: 8192,
    maxHeight: 8192,
  });
  connector = (id: number): ConnectorInfo => this.connectors.find((info) => info.id === id)!;
  probeConnector = (id: number): Promise<ConnectorInfo> => Promise.resolve(this.connector(id));
  encoder = (id: number): object => ({ id, type: 0, crtcId: 0, possibleCrtcs: 2 ** this.crtcCount - 1 });
  properties: (id: number, type?: number) => unknown[] = (id) => this.connectorProperties(id);
  protected connectorProperties = (id: number): unknown[] => [
    ...(this.edids.has(id) ? [{ name: 'EDID', value: BigInt(id) }] : []),
    ...(this.paths.has(id) ? [{ name: 'PATH', value: BigInt(id + 0x10000) }] : []),
    { name: 'link-status', value: this.badLinks.has(id) ? 1n : 0n },
    ...(this.settings.get(id) ?? []),
  ];
  blob = (id: number): Uint8Array =>
    id > 0x10000 ? Buffer.from(`${this.paths.get(id - 0x10000)!}\0`) : this.edids.get(id)!;
  crtc = (id: number): object => ({ id, framebuffer: 0, x: 0, y: 0, mode: this.modes.get(id) ?? null });
  close = (): void => undefined;
  abandon = (): void => {
    this.abandoned = true;
  };
  onFlips = (callback: (count: number) => void): void => {
    this.#onFlips = callback;
  };

  flip = (crtc: number, framebuffer: number, cookie: number): number => {
    if (this.#setsRunning > 0) this.wrongs.push('a flip while a CRTC is being set would wait');
    const result = this.flipResults.shift() ?? 0;
    if (result !== 0) return result;
    if (this.inFlight.has(crtc)) this.wrongs.push('a flip while one is in flight');
    const flip = { crtc, framebuffer, cookie };
    this.flips.push(flip);
    this.inFlight.set(crtc, flip);
    return 0;
  };

  /** The vblank: the CRTC's flip is done. */
  vblank(crtc: number, cookie = this.inFlight.get(crtc)?.cookie ?? 0): void {
    const flip = this.inFlight.get(crtc);
    if (flip?.cookie === cookie) {
      this.inFlight.delete(crtc);
      if (flip.framebuffer !== 0) this.shown.set(crtc, flip.framebuffer);
    }
    new Uint32Array(native.exchange).set([crtc, cookie, ++this.#sequence, 5, 0]);
    this.#onFlips(1);
  }

  setCrtc: NativeCard['setCrtc'] = async (crtc, framebuffer, x, y, _connectors, to) => {
    if (++this.#setsRunning > 1) this.wrongs.push('two CRTCs set at once');
    // The kernel waits for what is in flight on the CRTC, whose event then comes as well.
    this.inFlight.delete(crtc);
    try {
      await this.wait(to ? `set ${crtc}` : `off ${crtc}`);
      const error = to ? (this.crtcErrors.get(crtc)?.shift() ?? this.setErrors.shift()) : undefined;
      if (error) throw error;
      this.told.push(`${to ? 'set' : 'off'} ${crtc}`);
      this.modes.set(crtc, to);
      this.sets.push({ crtc, framebuffer, x, y, mode: to });
      this.shown.set(crtc, framebuffer);
    } finally {
      this.#setsRunning--;
    }
  };

  setProperty: NativeCard['setProperty'] = (object, _type, property, value) => {
    const error = this.propertyErrors.get(property);
    if (error) return Promise.reject(error);
    this.told.push(`${object}/${property}=${value}`);
    this.settings.get(object)!.find(({ id }) => id === property)!.value = BigInt(value);
    return Promise.resolve();
  };

  createDumb: NativeCard['createDumb'] = ({ width, height, format, framebuffer }) => {
    if (framebuffer && !(this.formats?.has(format) ?? true))
      return Promise.reject(systemError('EINVAL', -22, 'ioctl(DRM_IOCTL_MODE_ADDFB2)'));
    const id = ++this.#id;
    this.openDumbs.add(id);
    const dumb: NativeDumb = {
      width,
      height,
      pitch: width * 4,
      size: width * height * 4,
      framebuffer: framebuffer ? id : 0,
      pixels: new ArrayBuffer(width * height * 4),
      close: () => {
        if (!this.openDumbs.delete(id)) this.wrongs.push('a dumb buffer closed twice');
        const seen = [...this.shown.values(), ...[...this.inFlight.values()].map((flip) => flip.framebuffer)];
        if (framebuffer && seen.includes(id)) this.wrongs.push('a dumb buffer closed that is on a panel');
      },
    };
    return Promise.resolve(dumb);
  };

  importFramebuffer: NativeCard['importFramebuffer'] = (layout, fds) => {
    if (this.importError) throw this.importError;
    this.imports.push(layout);
    this.importedFds.push([...fds]);
    return ++this.#id;
  };
  closeFramebuffer = (id: number): number => {
    if (this.closeResult === 0) this.closedFramebuffers.push(id);
    return this.closeResult;
  };
  removeFramebuffer = (id: number): Promise<void> => {
    this.removedFramebuffers.push(id);
    return Promise.reject(new Error('the card is gone'));
  };
  setCursor = (crtc: number, image: NativeDumb | null): number => {
    if (image && this.inFlight.has(crtc))
      this.wrongs.push('a pointer set while a flip is in flight would wait');
    this.cursors.push(`${crtc} ${image ? 'set' : 'hide'}`);
    return 0;
  };
  moveCursor = (crtc: number, x: number, y: number): number => {
    if (this.inFlight.has(crtc)) this.wrongs.push('a pointer moved while a flip is in flight would wait');
    this.cursors.push(`${crtc} ${x},${y}`);
    return 0;
  };

  /** Stands in for native.copyPixels and native.scalePixels. */
  copy = async (job?: { readonly target: NativeDumb }): Promise<void> => {
    await this.wait('copy');
    const target = job?.target.framebuffer;
    if (target && !this.openDumbs.has(target)) this.wrongs.push('pixels drawn into a closed buffer');
  };

  /** Lets the oldest thing that is waited for end. */
  async finish(what?: string, error?: Error): Promise<void> {
    const index = what === undefined ? 0 : this.pending.findIndex((pending) => pending.what.startsWith(what));
    const [pending] = this.pending.splice(index, 1);
    if (!pending) throw new Error(`nothing is waited for${what === undefined ? '' : ` like ${what}`}`);
    if (error) pending.reject(error);
    else pending.resolve();
    await settle();
  }

  /** The card says that it has gone. */
  vanish(): void {
    this.#onFlips(-19);
  }

  /** A {@link Card} on this one. */
  open(onLost: (error: Error) => void = () => undefined): Card {
    const opened = jest.spyOn(native, 'openCard').mockReturnValue(this as unknown as NativeCard);
    jest.spyOn(native, 'copyPixels').mockImplementation(this.copy);
    jest.spyOn(native, 'scalePixels').mockImplementation(this.copy);
    const card = Card.open(this.path, onLost);
    opened.mockRestore();
    jest.spyOn(card, 'exists', 'get').mockImplementation(() => this.exists);
    // Those of the tests' own are framebuffers already.
    const { imports } = card;
    const of = imports.of.bind(imports);
    jest
      .spyOn(imports, 'of')
      .mockImplementation((buffer) =>
        buffer instanceof FakeFramebuffer ? (buffer as FakeFramebuffer).imported : of(buffer),
      );
    return card;
  }

  protected wait(what: string): Promise<void> {
    if (!this.patient) return Promise.resolve();
    return new Promise((resolve, reject) => this.pending.push({ what, resolve, reject }));
  }
}

/** Runs everything that is ready to run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** These cards, driven. */
export function driving(...kernels: readonly FakeCard[]): Cards {
  const cards = new Cards(
    (file, onLost) => kernels.find(({ path }) => path === file)!.open(onLost),
    fakeLog(),
  );
  for (const { path } of kernels) cards.open(path);
  return cards;
}

/** Counts who holds it. */
export class FakeFramebuffer {
  uses = 0;
  retained = 0;
  readonly imported: Imported;
  exporters: readonly string[] = ['udmabuf'];
  readonly format = XR24;
  readonly layout: BufferLayout;

  constructor(
    readonly id: number,
    readonly width = 1920,
    readonly height = 1080,
  ) {
    this.imported = { id, refusal: undefined };
    this.layout = {
      width,
      height,
      format: XR24,
      modifierHigh: 0,
      modifierLow: 0,
      bottomUp: false,
      planes: [{ fd: -1, device: 0, inode: id, offset: 0, pitch: width * 4 }],
    };
  }
  retain(): void {
    this.uses++;
    this.retained++;
  }
  release(): void {
    if (--this.uses < 0) throw new Error(`framebuffer ${this.id} released more often than retained`);
  }
  colours(): undefined {
    return undefined;
  }
  mapping(): { size: number; close(): void } {
    return { size: 0, close: () => undefined };
  }
}

/** What an output shows, as plain fields. */
export class FakeSource implements Source {
  framebuffer: Framebuffer | null = null;
  canvas: PixelMemory | null = null;
  picture: NativeDumb | null = null;
  viewport: Viewport = { x: 0, y: 0, width: 1920, height: 1080 };
  frame = 0;
  cursor: Cursor | null = null;
  damage: Edges = { left: 0, top: 0, right: 1 << 30, bottom: 1 << 30 };
  readonly presentedFrames: number[] = [];
  readonly refusals: string[] = [];

  /** The next frame, in a buffer of this id. */
  draw(framebuffer: FakeFramebuffer): this {
    this.framebuffer = framebuffer as unknown as Framebuffer;
    this.frame++;
    return this;
  }
  takeDamage(): Edges {
    const { damage } = this;
    this.damage = { left: 0, top: 0, right: 0, bottom: 0 };
    return damage;
  }
  presented(frame: number): void {
    this.presentedFrames.push(frame);
  }
  refused(reason: string): void {
    this.refusals.push(reason);
  }
}

export function connectorInfo(
  id: number,
  connection = 1,
  modes: readonly ModeInfo[] = [mode()],
): ConnectorInfo {
  return {
    id,
    type: 15,
    typeId: id,
    connection,
    mmWidth: 0,
    mmHeight: 0,
    encoderId: 0,
    encoders: [id + 100],
    modes,
  };
}

export function connector(id: number): Connector {
  return {
    id,
    name: `Virtual-${id}`,
    connected: true,
    writeback: false,
    info: connectorInfo(id),
    possibleCrtcs: 3,
    crtc: 0,
    edid: undefined,
    identity: undefined,
    path: undefined,
    linkBad: false,
  };
}

/** A log that remembers lines as `level: message`. */
export function fakeLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => lines.push(`${level}: ${message}`);
  return {
    lines,
    error: at('error'),
    warning: at('warning'),
    notice: at('notice'),
    info: at('info'),
    debug: at('debug'),
  };
}
