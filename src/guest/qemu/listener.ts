import type { Plane } from '../../buffers';
import * as fs from 'node:fs';
import { Bus } from '../../dbus/bus';
import { fds, numbers } from '../../dbus/received';
import type { BusValue } from '../../dbus/values';
import { native } from '../../native';
import { displayBudget, SCANOUT_COST } from '../budget';
import type { Head } from './head';
import { isSide, MAX_SIDE, Refusal } from './pixels';
import { reasonOf } from './words';

const PATH = '/org/qemu/Display1/Listener';
const LISTENER = 'org.qemu.Display1.Listener';
const MAP = `${LISTENER}.Unix.Map`;
const DMABUF2 = `${LISTENER}.Unix.ScanoutDMABUF2`;
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const OPTIONAL: readonly string[] = [MAP, DMABUF2];
const INVALID = 'org.freedesktop.DBus.Error.InvalidArgs';
const MAX_PLANES = 4;

/** Bytes of pixels that cost as much as a message: 240 full screens of 4K a second are just too many. */
const BYTES_PER_MESSAGE = 512 * 1024;
/** What one guest may have us write into the log. */
const MAX_COMPLAINTS = 8;

/** The longest message: D-Bus lets an array have 64 MiB, and QEMU before 9.2 sends whole screens in one. */
const MOST_BYTES = 65 * 1024 * 1024;

/** The methods that QEMU calls; the index is what is called back with. */
const METHODS = [
  { interface: PROPERTIES, member: 'GetAll', signature: 's' },
  { interface: PROPERTIES, member: 'Get', signature: 'ss' },
  { interface: LISTENER, member: 'Scanout', signature: 'uuuuay' },
  { interface: LISTENER, member: 'Update', signature: 'iiiiuuay' },
  { interface: LISTENER, member: 'ScanoutDMABUF', signature: 'huuuutb' },
  { interface: LISTENER, member: 'UpdateDMABUF', signature: 'iiii' },
  { interface: LISTENER, member: 'Disable', signature: '' },
  { interface: LISTENER, member: 'MouseSet', signature: 'iii' },
  { interface: LISTENER, member: 'CursorDefine', signature: 'iiiiay' },
  { interface: MAP, member: 'ScanoutMap', signature: 'huuuuu' },
  { interface: MAP, member: 'UpdateMap', signature: 'iiii' },
  { interface: DMABUF2, member: 'ScanoutDMABUF2', signature: 'ahuuuuauauuuuutb' },
] as const;

/** What a listener tells the attachment it belongs to. */
export interface ListenerOwner {
  /** A line for the log. */
  complain(text: string): void;
  /** QEMU has closed it. */
  listenerClosed(): void;
}

/**
 * The socket on which QEMU sends what one head shows. QEMU waits in its main loop for some of the answers, so all are
 * given before anything else is done.
 */
export class Listener {
  readonly #bus: Bus;
  /** QEMU's end, until it has been handed over. */
  #far: number;
  readonly #budget = displayBudget();
  #flooded = false;
  #complaints = 0;
  #lastComplaint = '';
  #closed = false;
  // Filled anew for every scanout, so that a flip allocates nothing.
  readonly #planes: Plane[][] = Array.from({ length: MAX_PLANES }, (_, last) =>
    Array.from({ length: last + 1 }, () => ({ fd: -1, device: 0, inode: 0, offset: 0, pitch: 0 })),
  );
  readonly #layout = {
    width: 0,
    height: 0,
    format: 0,
    modifierHigh: 0,
    modifierLow: 0,
    bottomUp: false,
    planes: this.#planes[0]!,
  };
  readonly #screen = { x: 0, y: 0, width: 0, height: 0 };

  /** Serves at once: QEMU asks before it answers that it has registered the listener. */
  constructor(
    readonly head: Head,
    private readonly owner: ListenerOwner,
  ) {
    const [near, far] = native.fdPair();
    this.#far = far;
    this.#bus = new Bus({ fd: near, side: 'client' }, MOST_BYTES);
    this.#bus.onClosed((_, reason) => {
      if (reason !== '') this.#complain(`QEMU broke D-Bus: ${reason}`);
      this.close();
      this.owner.listenerClosed();
    });
    this.#bus.serve(PATH, METHODS, (method, serial, values) => {
      this.#called(method, serial, values);
    });
  }

  /** Lets `take` have QEMU's end of the socket, which is closed here after it has returned. */
  handOver<T>(take: (fd: number) => T): T {
    try {
      return take(this.#far);
    } finally {
      fs.closeSync(this.#far);
      this.#far = -1;
    }
  }

  reply(serial: number): void {
    if (!this.#closed) this.#bus.reply(serial);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.close();
    this.#bus.close();
    if (this.#far >= 0) fs.closeSync(this.#far);
    this.#far = -1;
  }

  get closed(): boolean {
    return this.#closed;
  }

  #called(method: number, serial: number, values: BusValue[] | null): void {
    if (this.#closed) return;
    this.#budget.spend(1);
    try {
      this.#dispatch(METHODS[method]!.member, serial, values ?? []);
    } catch (error) {
      const reason = reasonOf(error);
      if (serial !== 0) this.#bus.fail(serial, INVALID, reason);
      // What was to be shown instead of the picture cannot be; shared memory comes again as bytes.
      if (PICTURES.has(method)) this.head.fail(reason);
      else this.#complain(reason);
    }
    if (this.#budget.exhausted) this.#slowDown();
  }

  #dispatch(member: (typeof METHODS)[number]['member'], serial: number, values: readonly BusValue[]): void {
    const { head } = this;
    switch (member) {
      case 'UpdateDMABUF':
        head.bufferUpdate(serial, numbers[0]!, numbers[1]!, numbers[2]!, numbers[3]!);
        return;
      case 'ScanoutDMABUF':
        this.#scanout();
        break;
      case 'ScanoutDMABUF2':
        this.#scanout2();
        break;
      case 'UpdateMap':
        head.mapUpdate(numbers[0]!, numbers[1]!, numbers[2]!, numbers[3]!);
        break;
      case 'MouseSet':
        head.pointer(numbers[0]!, numbers[1]!, numbers[2] !== 0);
        break;
      case 'Disable':
        head.disable();
        break;
      case 'ScanoutMap':
        this.#scanoutMap(serial);
        return;
      case 'GetAll':
        this.#bus.reply(serial, 'a{sv}', [values[0] === LISTENER ? INTERFACES : NOTHING]);
        return;
      case 'Get':
        if (values[0] === LISTENER && values[1] === 'Interfaces') {
          this.#bus.reply(serial, 'v', [INTERFACES.get('Interfaces')!]);
        } else
          this.#bus.fail(serial, 'org.freedesktop.DBus.Error.UnknownProperty', 'there is no such property');
        return;
      default:
        this.#pixels(member, values);
    }
    // QEMU wants no answer to these; who does gets one.
    if (serial !== 0) this.#bus.reply(serial);
  }

  /** fd, width, height, stride, fourcc, modifier (2), y0_top. */
  #scanout(): void {
    const [width, height] = [numbers[0]!, numbers[1]!];
    this.#startScanout(1);
    const plane = this.#layout.planes[0]!;
    plane.pitch = numbers[2]!;
    plane.offset = 0;
    this.#finishScanout(width, height, numbers[3]!, 4, 0, 0, width, height);
  }

  /**
   * How many fds, x, y, width, height, offsets, strides, planes, fourcc, backing width and height, modifier (2),
   * y0_top.
   */
  #scanout2(): void {
    let at = 5;
    const offsets = numbers[at]!;
    const offsetsAt = at + 1;
    at = offsetsAt + offsets;
    const strides = numbers[at]!;
    const stridesAt = at + 1;
    at = stridesAt + strides;
    const count = numbers[at]!;
    if (count < 1 || count > MAX_PLANES || offsets < count || strides < count) {
      throw new Refusal(
        `QEMU sent a picture of ${count} planes with ${offsets} offsets and ${strides} strides`,
      );
    }
    this.#startScanout(count);
    const { planes } = this.#layout;
    for (let index = 0; index < count; index++) {
      planes[index]!.offset = numbers[offsetsAt + index]!;
      planes[index]!.pitch = numbers[stridesAt + index]!;
    }
    // prettier-ignore
    this.#finishScanout(
      numbers[at + 2]!, numbers[at + 3]!, numbers[at + 1]!, at + 4,
      numbers[1]!, numbers[2]!, numbers[3]!, numbers[4]!,
    );
  }

  /** Looks at the fds of so many planes: one each, or one for all. */
  #startScanout(count: number): void {
    this.#budget.spend(SCANOUT_COST);
    const sent = fds.count;
    if (sent === 0) throw new Refusal('QEMU sent a picture without a file descriptor');
    if (sent !== 1 && sent !== count) {
      throw new Refusal(`QEMU sent a picture of ${count} planes with ${sent} file descriptors`);
    }
    const planes = this.#planes[count - 1]!;
    this.#layout.planes = planes;
    for (let index = 0; index < count; index++) {
      const plane = planes[index]!;
      const from = index < sent ? index : 0;
      plane.fd = -1;
      plane.device = fds.device(from);
      plane.inode = fds.inode(from);
    }
  }

  /** `at`: where the modifier and y0_top are. */
  #finishScanout(
    width: number,
    height: number,
    format: number,
    at: number,
    x: number,
    y: number,
    screenWidth: number,
    screenHeight: number,
  ): void {
    const layout = this.#layout;
    layout.width = width;
    layout.height = height;
    layout.format = format;
    layout.modifierHigh = numbers[at]!;
    layout.modifierLow = numbers[at + 1]!;
    // Named the other way round: true means that the first row in memory is the lowest.
    layout.bottomUp = numbers[at + 2] !== 0;
    const screen = this.#screen;
    screen.x = x;
    screen.y = y;
    screen.width = screenWidth;
    screen.height = screenHeight;
    const fits =
      isSide(width) &&
      isSide(height) &&
      isSide(screenWidth) &&
      isSide(screenHeight) &&
      x + screenWidth <= width &&
      y + screenHeight <= height;
    if (!fits) {
      throw new Refusal(
        `QEMU sent a picture of ${screenWidth}x${screenHeight} at ${x},${y} in a buffer of ${width}x${height}; ` +
          `sides are 1 to ${MAX_SIDE}`,
      );
    }
    // The head's from here on.
    for (let index = 0; index < layout.planes.length && index < fds.count; index++) {
      layout.planes[index]!.fd = fds.take(index);
    }
    this.head.scanout(layout, screen);
  }

  /** fd, offset, width, height, stride, pixman format. QEMU waits in its main loop, a second at most. */
  #scanoutMap(serial: number): void {
    this.#budget.spend(SCANOUT_COST);
    if (fds.count === 0) throw new Refusal('QEMU sent shared memory without a file descriptor');
    const shape = { width: numbers[1]!, height: numbers[2]!, stride: numbers[3]!, format: numbers[4]! };
    const fd = fds.take(0);
    let show: () => void;
    try {
      // What cannot be shown so is refused: QEMU sends it as bytes then.
      show = this.head.map(fd, numbers[0]!, shape);
    } finally {
      native.discard(fd);
    }
    if (serial !== 0) this.#bus.reply(serial);
    show();
  }

  #pixels(member: 'Scanout' | 'Update' | 'CursorDefine', values: readonly BusValue[]): void {
    const given = values.slice(0, -1) as number[];
    const bytes = values.at(-1) as Uint8Array;
    this.#budget.spend(bytes.length / BYTES_PER_MESSAGE);
    const { head } = this;
    if (member === 'Scanout') {
      const [width, height, stride, format] = given as [number, number, number, number];
      head.picture({ width, height, stride, format }, bytes);
    } else if (member === 'Update') {
      const [x, y, width, height, stride, format] = given as [number, number, number, number, number, number];
      head.draw(x, y, { width, height, stride, format }, bytes);
    } else {
      const [width, height, hotX, hotY] = given as [number, number, number, number];
      head.cursor({ width, height, pixels: bytes }, hotX, hotY);
    }
  }

  #complain(text: string): void {
    if (text === this.#lastComplaint || this.#complaints >= MAX_COMPLAINTS) return;
    this.#lastComplaint = text;
    this.#complaints++;
    const last = this.#complaints === MAX_COMPLAINTS ? ' (more of this kind is not logged)' : '';
    this.owner.complain(`${text}${last}`);
  }

  /** A guest that sends more than can be shown is read more slowly, and nobody else notices. */
  #slowDown(): void {
    if (!this.#flooded) {
      this.#flooded = true;
      this.owner.complain('sends more than can be shown: it is read more slowly from now on');
    }
    this.#bus.pause();
    this.#budget.whenBack(() => {
      this.#bus.resume();
    });
  }
}

const INTERFACES: ReadonlyMap<BusValue, BusValue> = new Map<BusValue, BusValue>([
  ['Interfaces', { signature: 'as', value: OPTIONAL }],
]);
const NOTHING: ReadonlyMap<BusValue, BusValue> = new Map();
/** Indices of the methods that bring another picture. */
const PICTURES: ReadonlySet<number> = new Set(
  METHODS.flatMap(({ member }, index) => (/^Scanout(DMABUF2?)?$/.test(member) ? [index] : [])),
);
