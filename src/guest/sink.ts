/** How a guest's pixels lie in the one buffer it sent. Bytes and pixels. */
export interface ScanoutLayout {
  /** Size of the whole buffer. */
  readonly width: number;
  readonly height: number;
  readonly format: number;
  readonly pitch: number;
  readonly offset: number;
  readonly modifierHigh: number;
  readonly modifierLow: number;
}

/** The head's screen within the buffer. */
export interface Screen {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a guest is told of the monitor one of its heads is for. */
export interface Display {
  readonly width: number;
  readonly height: number;
  /** Millihertz. */
  readonly refresh: number;
  readonly mmWidth: number;
  readonly mmHeight: number;
  /** The real monitor's, where there is one. */
  readonly edid: Uint8Array | undefined;
}

/**
 * Where a link delivers what one head of its guest shows. All methods return at once. Frames are numbered by the
 * link, increasing; the link's `shown(head, frame)` is called once a frame, and all before it, are on the panel or
 * would be.
 */
export interface HeadSink {
  /**
   * The head shows another buffer from the next `update` on. Takes over `fd` in every case. Throws an Error, in words
   * for the guest's owner, when the buffer cannot be shown. `layout` and `screen` are only valid during the call.
   */
  scanout(fd: number, device: number, inode: number, layout: ScanoutLayout, screen: Screen): void;
  /** The head's pixels in memory, XR24, rows packed; valid until the next `scanout`, `canvas` or `off`. */
  canvas(width: number, height: number, bytes: Uint8Array): void;
  /** The rectangle of the current buffer or canvas has changed. */
  update(frame: number, x: number, y: number, width: number, height: number): void;
  /** The guest switched the head off. */
  off(): void;
  /** A new pointer image, 64x64 AR24; kept by the callee. */
  cursorImage(image: Uint8Array, hotX: number, hotY: number): void;
  cursorMove(x: number, y: number, visible: boolean): void;
}

/** Whoever shows guests, as a link sees it. */
export interface GuestHost {
  /** The guest's process is there. Its heads are made as they are used. */
  connected(link: GuestLink): void;
  /** It has gone: all its buffers and heads are forgotten. `reason` in words for `status`. */
  disconnected(link: GuestLink, reason: string): void;
  head(link: GuestLink, index: number): HeadSink;
  display(link: GuestLink, index: number): Display | undefined;
}

/** How a guest reaches us, whatever protocol it speaks. */
export interface GuestLink {
  readonly guest: string;
  /** Kind of link and where, for `status`: `vhost-user-gpu`, `/run/…/sensors.sock`. */
  readonly kind: string;
  readonly address: string;
  shown(head: number, frame: number): void;
  /** What was sent cannot be shown after all; the guest is told as the protocol allows. */
  refuse(head: number, reason: string): void;
  close(): void;
}
