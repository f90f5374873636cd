import type { BufferLayout, CursorImage, PixelMemory, Viewport } from '../buffers';

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
  /** Whether an output shows the head now, or would if it had a picture. */
  readonly visible: boolean;
  /**
   * The head shows another buffer from the next `update` on. Takes over the planes' fds in every case. Throws an Error,
   * in words for the guest's owner, when the buffer cannot be shown. `layout` and `screen` are only valid during the
   * call.
   */
  scanout(layout: BufferLayout, screen: Viewport): void;
  /**
   * The head's pixels in memory, shown from the next `update` on unless nothing is shown yet. `released` is called once
   * the head shows something else: the memory can be closed then (a copy under way holds on to it by itself).
   */
  canvas(memory: PixelMemory, released?: () => void): void;
  /** The rectangle of the current buffer or canvas has changed. */
  update(frame: number, x: number, y: number, width: number, height: number): void;
  /** The guest switched the head off. */
  off(): void;
  /** A new pointer image; kept by the callee. */
  cursorImage(image: CursorImage, hotX: number, hotY: number): void;
  /** Top left of the image in the head's screen. */
  cursorMove(x: number, y: number, visible: boolean): void;
}

/** What a guest is doing, as far as its link knows; it is said where there is no picture of its own. */
export type Condition = 'running' | 'paused' | 'asleep' | 'restarting' | 'crashed' | 'shut down';

/** Whoever shows guests, as a link sees it. */
export interface GuestHost {
  /** The guest's process is there. Its heads are made as they are used. */
  connected(link: GuestLink): void;
  /** It has gone: all its buffers and heads are forgotten. `reason` in words for `status`. */
  disconnected(link: GuestLink, reason: string): void;
  /** What the guest does now; `running` until told otherwise, and again after `disconnected`. */
  condition(link: GuestLink, condition: Condition): void;
  /** Its `trouble` is another than it was. */
  troubled(link: GuestLink): void;
  head(link: GuestLink, index: number): HeadSink;
  /** undefined: the head is not for any monitor. */
  display(link: GuestLink, index: number): Display | undefined;
}

/** A place, from 0 to 1 in both directions. */
export interface Place {
  x: number;
  y: number;
}

export const TOUCH_DOWN = 0;
export const TOUCH_MOVE = 1;
export const TOUCH_UP = 2;
/** The finger never meant it: whatever its touch has begun is undone. */
export const TOUCH_CANCEL = 3;
export type TouchPhase = typeof TOUCH_DOWN | typeof TOUCH_MOVE | typeof TOUCH_UP | typeof TOUCH_CANCEL;

/** Keys and pointer of a guest, for whoever has the keyboard and mouse. Codes are evdev's. All return at once. */
export interface GuestInput {
  key(head: number, code: number, down: boolean): void;
  /** Relative motion in pixels; fractions add up. */
  motion(head: number, dx: number, dy: number): void;
  /** A place on the head's screen, 0 to 1 in both directions. */
  place(head: number, x: number, y: number): void;
  button(head: number, code: number, down: boolean): void;
  /** Notches; positive is down and right. Fractions add up. */
  wheel(head: number, dx: number, dy: number): void;
  /** A finger, by number from 0, at a place as of `place`; where it was when it is lifted. Absent: no touch. */
  touch?(head: number, finger: number, phase: TouchPhase, x: number, y: number): void;
  /** All heads have the same keyboard and buttons. Absent: each may have some of its own. */
  readonly undivided?: boolean;
  /** Whether the head's pointer takes places rather than motion now: its guest does not accelerate it then. */
  absolute(head: number): boolean;
  /** Turns `at` into where the pointer of a head that takes places was told to be; false, or absent: nobody knows. */
  pointer?(head: number, at: Place): boolean;
  /**
   * Resolves when whoever passes it on has taken all that was sent: for who sends much. Absent: nobody tells. Rejects
   * when there is no answer.
   */
  taken?(head: number): Promise<void>;
  /** Why nothing reaches the guest, in words for its owner; undefined or absent: all is well. */
  readonly trouble?: string | undefined;
  /** Paths of devices of the guest's own; absent: it has none. */
  readonly links?: readonly string[];
  /** The lock lights the guest has on, as bits LED_NUML (1), LED_CAPSL (2) and LED_SCROLLL (4). Absent: nobody knows. */
  readonly leds?: number;
  /** Whom to tell when `leds` changes; one at most. */
  onLeds?(listener: ((leds: number) => void) | undefined): void;
}

/** How a guest reaches us, whatever protocol it speaks. */
export interface GuestLink {
  readonly guest: string;
  /** Kind of link and where, for `status`: `vhost-user-gpu`, `/run/…/sensors.sock`. */
  readonly kind: string;
  readonly address: string;
  /** Why it is not connected or what is limited now, in words for the guest's owner; undefined: all is well. */
  readonly trouble?: string | undefined;
  /** undefined: this kind of link carries no input. */
  readonly input?: GuestInput | undefined;
  shown(head: number, frame: number): void;
  /** What was sent cannot be shown after all; the guest is told as the protocol allows. */
  refuse(head: number, reason: string): void;
  /** Some head is for another monitor, mode or none now: asks the host for `display` again. */
  displaysChanged(): void;
  /** A user wants to see it: a guest that was left to another viewer is taken back, one that sleeps is woken. */
  wanted(): void;
  close(): void;
}
