/**
 * The typed contract of the native addon, and the one place that loads it.
 *
 * The addon is mechanism only: no policy, no retries, no state beyond its handles. Its rules:
 *
 * - Expected failures on hot calls come back as `-errno`; everything else throws (or rejects with) a
 *   {@link NativeError}, shaped like Node's own system errors.
 * - Whatever may sleep in the kernel returns a promise and runs on a worker thread.
 * - Every handle has an explicit, idempotent `close()`. Handles still open when the environment goes are closed.
 * - A method of a closed handle throws `EBADF`, as the kernel would.
 * - Callbacks run on the event loop; what they throw becomes an `uncaughtException`.
 * - Data for callbacks travels through the one {@link Native.exchange} buffer, valid only during the callback, so
 *   that a frame allocates nothing.
 */
import type { Encoding, SemiPlanar } from './kms/formats';
import * as path from 'node:path';
import * as util from 'node:util';

/** A system error: `errno` is negative, as in Node; `syscall` names the ioctl or function. */
export interface NativeError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
  readonly fd?: number;
  readonly connector?: number;
  readonly crtc?: number;
  readonly framebuffer?: number;
}

/** Bytes of {@link Native.exchange} that carry what `recvmsg` read; the file descriptors' table follows them. */
export const EXCHANGE_BYTES = 65536;
/** Most file descriptors taken from one message; the sender of more gets `EMSGSIZE` here. */
export const MAX_FDS = 8;
/** Index, in 64-bit floats, of the number of fds read; then per fd: fd, st_dev, st_ino. */
export const EXCHANGE_FDS = EXCHANGE_BYTES / 8;
/** 32-bit words of one flip event in the exchange: crtc id, cookie, vblank sequence, seconds, microseconds. */
export const FLIP_WORDS = 5;
/** 32-bit words of one input event: kind, device id, code, value, seconds, microseconds. */
export const INPUT_WORDS = 6;
/** `code` an evdev key, `value` 1 down, 0 up. */
export const INPUT_KEY = 1;
export const INPUT_DEVICE_ADDED = 2;
export const INPUT_DEVICE_REMOVED = 3;
/**
 * Relative motion: `code` dx, `value` dy, both signed, in 1/256 of a pixel, accelerated as libinput does; instead of
 * the time, the same as the device told it, in 1/256 of its own steps.
 */
export const INPUT_MOTION = 4;
/** Absolute motion: `code` x, `value` y, in 1/65536 of the device's width and height. */
export const INPUT_ABSOLUTE = 5;
/** `code` an evdev button (BTN_LEFT…), `value` 1 down, 0 up. */
export const INPUT_BUTTON = 6;
/** A wheel: `code` 0 vertical, 1 horizontal; `value` signed, in 1/120 of a notch; positive is down, right. */
export const INPUT_WHEEL = 7;
/**
 * A finger: `code` its number, from 0; `value` where, x in the lower 16 bits and y in the upper, as INPUT_ABSOLUTE's.
 */
export const INPUT_TOUCH_DOWN = 8;
export const INPUT_TOUCH_MOVE = 9;
export const INPUT_TOUCH_UP = 10;
export const INPUT_TOUCH_CANCEL = 11;

/** `struct drm_mode_modeinfo`, whole, so that it goes back to the kernel as it came. */
export interface ModeInfo {
  readonly clock: number;
  readonly hdisplay: number;
  readonly hsyncStart: number;
  readonly hsyncEnd: number;
  readonly htotal: number;
  readonly hskew: number;
  readonly vdisplay: number;
  readonly vsyncStart: number;
  readonly vsyncEnd: number;
  readonly vtotal: number;
  readonly vscan: number;
  readonly vrefresh: number;
  readonly flags: number;
  readonly type: number;
  readonly name: string;
}

export interface Resources {
  readonly crtcs: readonly number[];
  readonly connectors: readonly number[];
  readonly encoders: readonly number[];
  readonly minWidth: number;
  readonly maxWidth: number;
  readonly minHeight: number;
  readonly maxHeight: number;
}

export interface ConnectorInfo {
  readonly id: number;
  /** `DRM_MODE_CONNECTOR_*` */
  readonly type: number;
  readonly typeId: number;
  /** `DRM_MODE_CONNECTED` 1, `DISCONNECTED` 2, `UNKNOWN` 3 */
  readonly connection: number;
  readonly mmWidth: number;
  readonly mmHeight: number;
  readonly encoderId: number;
  readonly encoders: readonly number[];
  readonly modes: readonly ModeInfo[];
}

export interface EncoderInfo {
  readonly id: number;
  readonly type: number;
  readonly crtcId: number;
  /** Bit n: the n-th CRTC of {@link Resources.crtcs}. */
  readonly possibleCrtcs: number;
  readonly possibleClones: number;
}

export interface CrtcInfo {
  readonly id: number;
  /** 0: none, or not ours to see. */
  readonly framebuffer: number;
  readonly x: number;
  readonly y: number;
  /** null: the CRTC is off. */
  readonly mode: ModeInfo | null;
  readonly gammaSize: number;
}

export interface PlaneInfo {
  readonly id: number;
  readonly crtcId: number;
  readonly framebuffer: number;
  readonly possibleCrtcs: number;
  readonly formats: readonly number[];
}

export interface PropertyInfo {
  readonly id: number;
  readonly name: string;
  readonly flags: number;
  readonly value: bigint;
  /** Enum and bitmask properties: name of each value. */
  readonly enums: readonly { readonly value: bigint; readonly name: string }[];
  /** Range properties: the least and the largest value. */
  readonly range?: readonly [least: bigint, most: bigint];
}

/** What one plane-by-plane dma-buf import needs; offsets and pitches in bytes, one entry per plane. */
export interface ImportLayout {
  readonly width: number;
  readonly height: number;
  readonly format: number;
  /** The 64-bit modifier in two halves; `undefined` modifier means implicit (no modifier is passed). */
  readonly modifier: { readonly high: number; readonly low: number } | undefined;
  readonly offsets: readonly number[];
  readonly pitches: readonly number[];
}

/** A dumb buffer with its framebuffer, mapped. `close` removes the framebuffer, unmaps and destroys it. */
export interface NativeDumb {
  readonly width: number;
  readonly height: number;
  readonly pitch: number;
  readonly size: number;
  /** 0 for a buffer made without a framebuffer (cursors). */
  readonly framebuffer: number;
  /** The mapped bytes; detached (length 0) by `close`. */
  readonly pixels: ArrayBuffer;
  close(): void;
}

/** A read-only mapping of a dma-buf. Copies from it are bracketed by DMA_BUF_IOCTL_SYNC. */
export interface NativeMapping {
  readonly size: number;
  close(): void;
}

export interface NativeCard {
  readonly path: string;
  close(): void;
  /** Closes it, but the file on a thread of its own: the kernel may take its time with a device that has gone. */
  abandon(): void;

  driverName(): string;
  /** Whether commits are ours to make now (drmIsMaster). */
  isMaster(): boolean;
  /** drmSetMaster: `-errno`: EACCES no right to, EBUSY/EINVAL somebody else is. */
  setMaster(): number;
  dropMaster(): number;
  /** drmGetCap; throws EINVAL for one the driver does not know. */
  capability(capability: number): number;
  /** drmSetClientCap; `-errno`. */
  setClientCapability(capability: number, value: number): number;

  resources(): Resources;
  planes(): number[];
  /** drmModeGetConnector on a worker: reads the monitor again (DDC), which may take tens of milliseconds. */
  probeConnector(id: number): Promise<ConnectorInfo>;
  /** drmModeGetConnectorCurrent: what the kernel knows already. */
  connector(id: number): ConnectorInfo;
  encoder(id: number): EncoderInfo;
  crtc(id: number): CrtcInfo;
  plane(id: number): PlaneInfo;
  /** Properties of a connector (0xc0c0c0c0), CRTC (0xcccccccc) or plane (0xeeeeeeee). */
  properties(objectId: number, objectType: number): PropertyInfo[];
  blob(id: number): Uint8Array;

  /**
   * One native call: every fd to a GEM handle, AddFB2WithModifiers, and each distinct handle closed again, on the
   * error path too. The fds stay the caller's. Returns the framebuffer id.
   * https://docs.kernel.org/gpu/drm-mm.html#prime-buffer-sharing
   */
  importFramebuffer(layout: ImportLayout, fds: readonly number[]): number;
  /** CLOSEFB: forgets the id without touching any CRTC (Linux 6.8); `-errno`, EINVAL/ENOTTY where it is missing. */
  closeFramebuffer(id: number): number;
  /** RMFB on a worker: it may wait for, or even make, a commit when the framebuffer is still on a plane. */
  removeFramebuffer(id: number): Promise<void>;
  /**
   * Allocates, maps and fills a dumb buffer on a worker. `framebuffer: false` for cursor images.
   * `fill` is one 32-bit pixel in native byte order.
   */
  createDumb(options: {
    readonly width: number;
    readonly height: number;
    readonly format: number;
    readonly fill: number;
    readonly framebuffer: boolean;
  }): Promise<NativeDumb>;

  /** A sync_file that has signalled, for IN_FENCE_FD: a new fd, or `-errno` (ENOTTY before Linux 6.0). */
  signalledFence(): number;

  /** drmModeSetCrtc on a worker: it takes every modeset lock and waits for at least a vblank. mode null: off. */
  setCrtc(
    crtc: number,
    framebuffer: number,
    x: number,
    y: number,
    connectors: readonly number[],
    mode: ModeInfo | null,
  ): Promise<void>;
  /** drmModeObjectSetProperty on a worker: it may be a modeset. `value` has 32 bits at most. */
  setProperty(objectId: number, objectType: number, property: number, value: number): Promise<void>;
  /** drmModePageFlip with an event carrying `cookie` (32 bits); 0 or `-errno` (EBUSY, EACCES, EINVAL…). */
  flip(crtc: number, framebuffer: number, cookie: number): number;
  /**
   * DRM_IOCTL_MODE_ATOMIC. `changes` holds `count` triples (object, property, value), those of one object together;
   * values are integers, negative ones for signed properties. `flags` and the errors are the kernel's: 0 or `-errno`.
   * Never without NONBLOCK or TEST_ONLY, or the event loop waits.
   * https://docs.kernel.org/gpu/drm-kms.html#atomic-mode-setting
   */
  atomic(changes: Float64Array, count: number, flags: number, cookie: number): number;
  /** The same, waiting for its end on a worker: for what may be a modeset. */
  atomicSet(changes: Float64Array, count: number, flags: number): Promise<void>;
  /** A property blob of a mode, for MODE_ID. */
  createModeBlob(mode: ModeInfo): number;
  /** A property blob of one rectangle, for FB_DAMAGE_CLIPS: its id, or `-errno`. */
  createDamageBlob(left: number, top: number, right: number, bottom: number): number;
  destroyBlob(id: number): void;
  /** Flip events, `count` records of FLIP_WORDS in the exchange. A negative count is the `-errno` of a lost card. */
  onFlips(callback: (count: number) => void): void;
  /** drmModeSetCursor2, falling back to SetCursor where hotspots are refused; null takes the cursor off. `-errno`. */
  setCursor(crtc: number, image: NativeDumb | null, hotX: number, hotY: number): number;
  moveCursor(crtc: number, x: number, y: number): number;

  /**
   * One atomic commit that adds a writeback job to a running CRTC, then waits on a worker for its fence (1 s at most).
   * Needs client capabilities ATOMIC and WRITEBACK_CONNECTORS. `properties` are those of the writeback connector.
   */
  writeback(job: {
    readonly crtc: number;
    readonly connector: number;
    readonly framebuffer: number;
    readonly properties: {
      readonly crtcId: number;
      readonly framebufferId: number;
      readonly outFence: number;
    };
  }): Promise<void>;
}

/** A connected stream socket that carries file descriptors. */
export interface NativeSocket {
  /**
   * Starts reading. `length` bytes (and fds, with their fstat identity) are in the exchange; the fds are the
   * callee's. 0: the peer closed. Negative: `-errno`; EMSGSIZE when fds were lost or too many (all are closed, as are
   * those that nobody has read when the socket is closed, on threads of their own).
   */
  onData(callback: (length: number) => void): void;
  /** Stops and resumes reading: backpressure. */
  pause(): void;
  resume(): void;
  /** Reads at most so many bytes at a time from now on, EXCHANGE_BYTES at first: what one callback may have to do. */
  limit(bytes: number): void;
  /** sendmsg without waiting: bytes taken, or `-errno` (EAGAIN, EPIPE). fds go with the first byte; they stay yours. */
  send(bytes: Uint8Array, fds?: readonly number[]): number;
  /** Calls back once, when the socket can take bytes again. */
  onceWritable(callback: () => void): void;
  /** SO_PEERCRED. */
  credentials(): { readonly pid: number; readonly uid: number; readonly gid: number };
  close(): void;
}

export interface NativeListener {
  close(): void;
}

/** For something that calls back once; closed after that, too. */
export interface NativeWait {
  close(): void;
}

/** A regular memory file of a stranger (memfd), read with pread: it may be cut short under us, which is an EIO here. */
export interface NativeMemfd {
  readonly size: number;
  close(): void;
}

export interface NativeInputDevice {
  readonly name: string;
  /** `event3` */
  readonly sysname: string;
  readonly keyboard: boolean;
  /** Relative or absolute, a mouse, touchpad, tablet or pen. */
  readonly pointer: boolean;
  /** The machine's power button, or the like: nothing one could type with. */
  readonly power: boolean;
  readonly touch: boolean;
  /** Of udev: `seat0`. */
  readonly seat: string;
  /** Paths by which udev knows it, beside /dev/input/eventN: by-id, by-path. */
  readonly links: readonly string[];
}

/** `code` is an evdev key code of <linux/input-event-codes.h>. */
export interface NativeInput {
  /** `id` as events have it; a number is one device's in this process. */
  device(id: number): NativeInputDevice | undefined;
  /** Lights exactly these LEDs of a keyboard: bit 0 NumLock, 1 CapsLock, 2 ScrollLock. */
  leds(id: number, leds: number): void;
  /**
   * EVIOCGRAB: whether the device's events come here only. Rejects with EBUSY while another program has it so. A device
   * that has gone is no error.
   */
  grab(id: number, grab: boolean): Promise<void>;
  /** All devices are let go of and closed; events tell so. */
  suspend(): void;
  /** The devices that are there now are opened anew, under new numbers. */
  resume(): void;
  close(): void;
}

/** A seat of seatd, logind or libseat's own (https://git.sr.ht/~kennylevinsen/seatd). */
export interface NativeSeat {
  /** `seat0` */
  readonly name: string;
  /**
   * Opens a DRM or evdev device, while the seat is active: an fd, or `-errno`. Waits for the seat manager's answer, so
   * only at start, on hotplug and when the seat becomes active.
   */
  openDevice(path: string): number;
  /** Closes an fd of `openDevice`. */
  closeDevice(fd: number): void;
  /** Answers that the seat is active no more: only then the seat manager lets another session in. `-errno`. */
  disable(): number;
  /** Asks for another session, a virtual terminal where the seat has some; `-errno`. */
  switchTo(session: number): number;
  close(): void;
}

/** What a virtual device is and can do, in codes of <linux/input-event-codes.h>. */
export interface UinputShape {
  readonly name: string;
  /** Where it is plugged in, for those who ask. */
  readonly phys: string;
  readonly keys: readonly number[];
  readonly relative: readonly number[];
  /** Axes from 0. */
  readonly absolute: readonly { readonly code: number; readonly maximum: number }[];
  readonly leds: readonly number[];
  readonly properties: readonly number[];
}

export interface NativeUinput {
  /** /dev/input/eventN, once udev has made it; '' before. */
  readonly devnode: string;
  /** One event and the SYN_REPORT that ends it. */
  emit(type: number, code: number, value: number): void;
  /** `count` triples (type, code, value), 64 at most, and the SYN_REPORT that ends them; never waits. 0 or `-errno`. */
  write(events: Int32Array, count: number): number;
  /** The lights that whoever reads the device has switched on (bits LED_NUML, LED_CAPSL…), when they change. */
  onLeds(callback: (leds: number) => void): void;
  /** Removes the device, in a moment: its readers are waited for elsewhere. */
  close(): void;
}

/**
 * Words of one record of {@link Native.readKeymap}: the evdev code of a key; what is held with it (bit 0 Shift, bit 1
 * AltGr, the right Alt key); the X keysym it gives then; and the character, 0 for none.
 */
export const KEYMAP_WORDS = 4;

/** Where a pixel job reads: shared memory, a dumb buffer, or plain memory that the caller leaves alone meanwhile. */
export type PixelSource = NativeMapping | NativeMemfd | NativeDumb | Uint8Array;

/** Pixels of one memory that are drawn into another. Bytes. */
export interface PixelTransfer {
  readonly source: PixelSource;
  readonly sourceOffset: number;
  readonly sourcePitch: number;
  readonly target: NativeDumb;
  /** Of the source. */
  readonly bytesPerPixel: number;
  /** The source's format (fourcc), where it is another than the target's, which is XR24 then; others throw EINVAL. */
  readonly convertFrom?: number;
  /** The source has lightness alone; the target is XR24. */
  readonly colours?: NativeColours | undefined;
}

/** The second plane of semi-planar YUV (kms/formats.ts): pairs of colour samples that neighbours share. */
export interface NativeColours extends SemiPlanar {
  /** Mapped memory or bytes; a file throws EINVAL. */
  readonly source: PixelSource;
  readonly offset: number;
  readonly pitch: number;
  readonly encoding: Exclude<Encoding, 0>;
}

export interface Native {
  /** See EXCHANGE_*: recvmsg bytes and fds, flip events, input events. */
  readonly exchange: ArrayBuffer;

  /**
   * Opens O_RDWR | O_CLOEXEC | O_NONBLOCK; the first opener becomes DRM master. `fd`: open already, as a seat opened
   * it; it is dup'd and stays the caller's.
   */
  openCard(path: string, fd?: number): NativeCard;
  /**
   * Opens a seat with the back end that LIBSEAT_BACKEND names. `onActive` tells when devices may be used, first of all
   * after this returned, and when no more ({@link NativeSeat.disable} is the answer); `onLost` that the seat manager
   * has gone.
   */
  openSeat(onActive: (active: boolean) => void, onLost: (errno: number) => void): NativeSeat;

  /** bind + listen on a UNIX stream socket, with the file mode set before anyone can connect. EADDRINUSE is thrown. */
  listen(path: string, mode: number, onConnection: (socket: NativeSocket) => void): NativeListener;
  /** `abstract`: a name that is in no file system. */
  connect(path: string, abstract?: boolean): NativeSocket;
  /** Takes over the fd of a connected UNIX stream socket, in every case: one that is none is closed (ENOTSOCK…). */
  adopt(fd: number): NativeSocket;
  socketPair(): [NativeSocket, NativeSocket];
  /** The two ends of a stream socket pair as bare file descriptors (CLOEXEC), both the caller's. */
  fdPair(): [number, number];

  /**
   * Kernel events of one subsystem, from udev where it runs, else from the kernel. `properties` holds the
   * event's (ACTION, DEVNAME, HOTPLUG, CONNECTOR…).
   */
  watchUevents(
    subsystem: string,
    callback: (properties: Readonly<Record<string, string>>) => void,
  ): { close(): void };

  /** libinput on a udev seat. `open` returns an fd that libinput then owns until `close(fd)`, or `-errno`. */
  openInput(
    seat: string,
    devices: { open(path: string, flags: number): number; close(fd: number): void },
    onEvents: (count: number) => void,
  ): NativeInput;
  /**
   * What every key of a keyboard layout gives, by libxkbcommon, on a worker: the records of {@link KEYMAP_WORDS}.
   * Empty: there is no such layout or variant ('' for none). ENOENT: no layouts are installed at all.
   */
  readKeymap(layout: string, variant: string): Promise<Uint32Array>;
  /** Makes a virtual input device on a worker: the kernel takes tens of milliseconds. */
  openUinput(shape: UinputShape): Promise<NativeUinput>;
  /**
   * The same for tests and the demo, at once: a keyboard (all keys up to KEY_MICMUTE, three lights), a mouse (REL_X,
   * REL_Y, wheels, buttons), a tablet as QEMU's (ABS_X and ABS_Y from 0 to 65535, buttons), a pen tablet (places as the
   * tablet's, a tip and two buttons), a touchscreen or a touchpad (10 fingers, places as the tablet's; two buttons).
   */
  createUinput(
    name: string,
    kind?: 'keyboard' | 'mouse' | 'tablet' | 'pen' | 'touchscreen' | 'touchpad',
  ): NativeUinput;

  /**
   * Sends one datagram to a service manager's socket (NOTIFY_SOCKET; `@` begins an abstract name), with file
   * descriptors that stay the caller's. 0, or `-errno`. https://www.freedesktop.org/software/systemd/man/sd_notify.html
   */
  notify(path: string, state: string, fds?: readonly number[]): number;

  /** Closes an fd that a stranger sent, on a thread of its own: close() may wait for whoever serves the file. */
  discard(fd: number): void;
  /** Another fd of the same file (CLOEXEC). Throws EBADF. */
  duplicate(fd: number): number;
  /** A zeroed udmabuf of `size` bytes (rounded up to pages): a real dma-buf from plain memory. */
  createUdmabuf(size: number): number;
  /** Throws EINVAL for an fd that is no dma-buf or is smaller than `size`. */
  mapDmabuf(fd: number, size: number): NativeMapping;
  /** Dups an fd that a stranger calls a memfd. Throws EINVAL for one that is no memory file, EOVERFLOW when shorter. */
  openMemfd(fd: number, size: number): NativeMemfd;
  /**
   * A dma-buf of a stranger's memfd, where its seals allow one: a new fd, or `-errno` (EINVAL: it can shrink under us,
   * and is sealed against being sealed; or the offset is not of a page). The memfd stays the caller's.
   */
  memfdToDmabuf(fd: number, offset: number, size: number): number;
  /** A memfd of `size` bytes for producers in tests; with `seals` as F_ADD_SEALS takes them. */
  createMemfd(size: number, seals: number): number;
  /**
   * Whether everything a GPU was told to draw into a dma-buf by now is drawn: one poll(2), without waiting. True for
   * memory without fences.
   */
  fencesSignalled(fd: number): boolean;
  /**
   * Calls back once, when what GPUs were told to draw into these dma-bufs by now is drawn; before Linux 6.0 later, if
   * they are told more meanwhile. Not called back after `close`. The fds stay the caller's.
   * https://docs.kernel.org/driver-api/dma-buf.html#implicit-fence-poll-support
   */
  awaitFences(fds: readonly number[], callback: () => void): NativeWait;
  /** The mapped bytes of a dma-buf for writing, in one SYNC bracket, on a worker: for producers in tests. */
  writeDmabuf(fd: number, offset: number, bytes: Uint8Array): Promise<void>;

  /**
   * Copies rectangles on a worker. `rectangles` holds six numbers each: source x, source y, target x, target y, width,
   * height, in pixels; all are checked against both buffers (RangeError). Offsets and pitches in bytes.
   */
  copyPixels(
    job: PixelTransfer & {
      readonly rectangles: readonly number[];
      /** The rows of each rectangle are turned upside down on the way: the source's last is the target's first. */
      readonly flip?: boolean;
    },
  ): Promise<void>;
  /**
   * Draws a rectangle of a picture into another on a worker: upside down (`flip`), scaled to the size that `to` has
   * before the turn, turned clockwise by `turn` quarters. Of `to`, only the part inside `clip` is written. `smooth`
   * mixes four neighbours (pixels of four bytes only), else the nearest is taken. Rectangles are x, y, width, height
   * in pixels; all are checked (RangeError).
   */
  scalePixels(
    job: PixelTransfer & {
      readonly from: readonly number[];
      readonly to: readonly number[];
      readonly clip: readonly number[];
      readonly turn: 0 | 1 | 2 | 3;
      readonly flip: boolean;
      readonly smooth: boolean;
    },
  ): Promise<void>;
  /**
   * Reads a part of a buffer on a worker into RGB rows, each led by a zero byte: just what PNG's filter 0 wants.
   * `format` is a packed RGB format of kms/formats.ts, unless there are `colours`; others throw EINVAL.
   */
  readRgb(job: {
    readonly source: PixelSource;
    readonly offset: number;
    readonly pitch: number;
    readonly colours?: NativeColours | undefined;
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly format: number;
  }): Promise<Uint8Array>;
}

/** Whether something caught is a system error, optionally a given one. Works across realms, as in Jest. */
export function isNativeError(error: unknown, code?: string): error is NativeError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    'syscall' in error &&
    (code === undefined || error.code === code)
  );
}

/** An error like the addon's: `errno` positive, as in C. */
export function systemError(errno: number, syscall: string): NativeError {
  const [code, text] = util.getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown'];
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { errno: -errno, code, syscall });
}

function load(): Native {
  const file = path.resolve(__dirname, '../build/Release/kms_switcher.node');
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a .node file has no other loader
    return require(file) as Native;
  } catch (error) {
    throw new Error(`cannot load the native addon ${file}: ${String(error)} (run "make" to build it)`, {
      cause: error,
    });
  }
}

export const native: Native = load();
