/**
 * The control socket speaks JSON, one object a line, UTF-8. A request is `{"id": 1, "command": "status"}` with the
 * command's own fields; its answer is `{"id": 1, "ok": …}` or `{"id": 1, "error": "…"}`. After `watch`, events come
 * as `{"event": …}` lines until the connection closes.
 */
import type { Condition } from '../guest/sink';
import type { Path } from '../kms/flight';
import type { SettingStatus } from '../kms/signal';

/** Longest line either side takes; a photograph of a large screen is the longest there is. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Characters of a text to type: some six minutes. */
export const MAX_TYPED = 15_000;
/** Longest request. */
export const MAX_REQUEST_BYTES = 64 * 1024;

export type Request =
  | { readonly command: 'status' }
  | { readonly command: 'watch' }
  /** `on`: an output; `seat`: as its user would; with several seats one of them is needed. */
  | {
      readonly command: 'show';
      readonly guest: string;
      readonly head?: number;
      readonly on?: string;
      readonly seat?: string;
    }
  /** Gives an output the keyboard and mouse of its seat. */
  | { readonly command: 'focus'; readonly output: string }
  | { readonly command: 'layout'; readonly layout: string }
  | { readonly command: 'screenshot'; readonly output: string }
  /** `keys`: chords, as a hotkey's `send` takes them. Answered when they are pressed. */
  | { readonly command: 'send'; readonly guest: string; readonly head?: number; readonly keys: string }
  /** Answered when all is typed; before that {@link TypingProgress} may come. Ends when the connection closes. */
  | {
      readonly command: 'type';
      readonly guest: string;
      readonly head?: number;
      readonly text: string;
      readonly layout?: string;
    }
  | { readonly command: 'panic'; readonly on: boolean }
  | PlanRequest;

/**
 * What would be done: by another config (its text), or by showing a guest; of assumed buffers where sizes are given.
 */
export interface PlanRequest {
  readonly command: 'plan';
  readonly config?: string;
  readonly guest?: string;
  readonly head?: number;
  readonly on?: string;
  readonly width?: number;
  readonly height?: number;
  /** Four characters. */
  readonly format?: string;
  /** Hexadecimal. */
  readonly modifier?: string;
}

/** A line `{"id": 1, "progress": …}` of a text that takes its time. */
export interface TypingProgress {
  readonly progress: { readonly typed: number; readonly of: number };
}

export interface Typed {
  readonly characters: number;
  readonly keys: number;
}

export interface Photo {
  readonly png: string;
  readonly width: number;
  readonly height: number;
  readonly method: 'writeback' | 'readback';
  readonly reason?: string;
}

export interface OutputStatus {
  readonly output: string;
  /** `card1` */
  readonly card: string;
  readonly connected: boolean;
  readonly lit: boolean;
  readonly seat: string;
  /** It has the keyboard and mouse of its seat. */
  readonly focused: boolean;
  readonly mode: string | null;
  readonly modeNote?: string;
  /** What the config asks of the signal, and why it is not so; absent: nothing. */
  readonly signal?: readonly SettingStatus[];
  /** Make, model and serial of the monitor, where it says. */
  readonly monitor: string | null;
  /** What the config calls it: its connector, or its monitor; null: it says nothing of it. */
  readonly config: string | null;
  readonly guest: string | null;
  readonly head: number | null;
  /** Another output that shows the same head, and whose size the guest is told. */
  readonly mirrors?: string;
  readonly blank: boolean;
  /** Of the guest's link: `connected`, `waiting` (never been there) or `gone`; null without a guest. */
  readonly link: 'connected' | 'waiting' | 'gone' | null;
  /** Size of the guest's screen, and whether it is the mode's. */
  readonly frame: { readonly width: number; readonly height: number; readonly fits: boolean } | null;
  /** How what is shown gets there: `direct` (the guest's own buffer), `copy`, or `picture` (one of ours). */
  readonly path: Path | null;
  /** Where on the panel the guest's screen stands, in pixels of the mode, and by how many degrees it is turned. */
  readonly placement?: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly rotate: number;
  };
  /** Why it is not direct. */
  readonly reason?: string;
  readonly cursor?: string;
  /** Frames shown since start, modesets among them. */
  readonly frames: number;
  readonly modesets: number;
  /** Vblanks between flips at which nothing new was there to show. */
  readonly idleVblanks: number;
  readonly crtc: number | null;
  /** Milliseconds from the request (the key's own time stamp) to the commit, and to the vblank it was shown at. */
  readonly lastSwitch: {
    readonly commitMs: number | null;
    readonly shownMs: number | null;
    readonly agoMs: number;
  } | null;
}

export interface GuestStatus {
  readonly guest: string;
  readonly kind: string;
  readonly address: string;
  readonly connected: boolean;
  /** What it does, as far as its link knows. */
  readonly condition: Condition;
  /** Why it left. */
  readonly reason: string | null;
  /** What keeps it from being connected, or from being shown as it should be, and what to change. */
  readonly trouble?: string;
  /** How keys and pointer reach it, and the devices, if it has any of its own. */
  readonly input: 'link' | 'uinput' | null;
  readonly devices?: readonly string[];
  /** Why they do not. */
  readonly inputTrouble?: string;
  readonly heads: readonly {
    readonly head: number;
    readonly width: number;
    readonly height: number;
    readonly content: 'buffer' | 'pixels' | 'off';
    readonly format: string | null;
    /** The output that shows it; of several the one whose size the guest is told, if that is one of them. */
    readonly output: string | null;
    /** All that show it. */
    readonly outputs: readonly string[];
    /** How it gets onto its output, and why not directly. */
    readonly path: Path | null;
    readonly reason?: string;
    readonly frames: number;
  }[];
}

export interface DeviceStatus {
  readonly device: string;
  /** Of its node: `/dev/input/event3`. */
  readonly node: string;
  /** The node's other names, by-id and by-path. */
  readonly links: readonly string[];
  /** Of udev. */
  readonly udevSeat: string;
  readonly keyboard: boolean;
  readonly pointer: boolean;
  readonly touch: boolean;
}

export interface SeatStatus {
  readonly seat: string;
  /** Those that are lit. */
  readonly outputs: readonly string[];
  /** The output that has the keyboard and mouse. */
  readonly focused: string | null;
  /**
   * Where outputs stand, over whose edges the pointer takes the focus along: rows from top to bottom; absent: it does
   * not.
   */
  readonly seamless?: readonly (readonly string[])[];
  readonly devices: readonly DeviceStatus[];
}

export interface CardStatus {
  readonly card: string;
  readonly driver: string;
  readonly commit: string;
  /** `paused`: another session or program has the card; `asleep`: nobody used a key or mouse for a while. */
  readonly state: 'shown' | 'paused' | 'asleep';
}

/** What is said of a card is of the first. */
export interface Status extends CardStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly cards: readonly CardStatus[];
  readonly framebuffers: number;
  readonly memoryReducer: boolean;
  /** Keyboard and pointer are taken from all guests. */
  readonly escaped: boolean;
  /** Guests are without picture and input until this is undone. */
  readonly panic: boolean;
  /** The last is the one that has what no other has; without seats in the config it has everything. */
  readonly seats: readonly SeatStatus[];
  readonly outputs: readonly OutputStatus[];
  readonly guests: readonly GuestStatus[];
}
