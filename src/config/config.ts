import type { ModeInfo } from '../native';
import type { Rows } from '../input/seamless';
import type { Step, Trigger } from '../input/trigger';

/** One display of a guest; `head` is its number, from 0 (vhost-user-gpu: the scanout id). */
export interface HeadRef {
  readonly guest: string;
  readonly head: number;
}

/**
 * A mode by size and, where given, refresh rate in millihertz; by its timings; or a rule by which to choose one. `guest`:
 * of the size of the guest's screen that is shown, where the monitor has one, else the preferred.
 */
export type ModeRequest =
  ModeSize | { readonly modeline: ModeInfo } | 'preferred' | 'current' | 'max' | 'guest';

export interface ModeSize {
  readonly width: number;
  readonly height: number;
  readonly refresh?: number;
}

/** How a guest reaches us. */
export interface VhostUserGpuLink {
  readonly kind: 'vhost-user-gpu';
  /** Absolute path of the UNIX socket on which we listen. */
  readonly listen: string;
}

/** QEMU's own display protocol (`-display dbus`), by the QMP socket of a guest, or by a D-Bus bus. */
export interface QemuLink {
  readonly kind: 'qemu';
  /**
   * `qmp`: absolute path of a QMP socket of QEMU (`-display dbus,p2p=yes`); `bus`: a D-Bus address
   * (`-display dbus,addr=…`), and which VM of those on it, by name or UUID; absent: there is only one.
   */
  readonly at: { readonly qmp: string } | { readonly bus: string; readonly vm?: string };
  readonly viewers: Viewers;
}

/** A libvirt domain with `<graphics type='dbus'>`. */
export interface LibvirtLink {
  readonly kind: 'libvirt';
  readonly domain: string;
  /** libvirt's connection URI; absent: libvirt's default. */
  readonly uri?: string;
  readonly viewers: Viewers;
}

/** What to do when another program takes a guest's display connection. */
export type Viewers = 'take-back' | 'leave';

/** Frames a second a guest may draw while nobody sees it; 'full': as many as its monitor shows. 0: on demand. */
export type HiddenRate = number | 'full';

export interface GuestConfig {
  readonly name: string;
  readonly link: VhostUserGpuLink | QemuLink | LibvirtLink;
  readonly hidden: HiddenRate;
  /** Keys and pointer go to virtual devices instead of through the link. */
  readonly input?: 'uinput';
}

export interface OutputConfig {
  /** The connector as the kernel spells it: `HDMI-A-1`. */
  readonly name: string;
  /** `card1`, when the file says `card1/HDMI-A-1`. */
  readonly card?: string;
  readonly show?: HeadRef;
  readonly mode: ModeRequest;
  /** Absent: auto. */
  readonly fit?: Fit;
  /** Degrees the picture is turned clockwise; absent: 0. */
  readonly rotate?: Rotation;
  readonly signal?: SignalConfig;
}

/** What is asked of the signal to a monitor; what is absent is left as it is. */
export interface SignalConfig {
  /** Variable refresh rate. */
  readonly vrr?: boolean;
  /** Bits per colour, at most. */
  readonly maxBpc?: MaxBpc;
  readonly broadcastRgb?: BroadcastRgb;
}

export const maxBpcs = [6, 8, 10, 12, 16] as const;
export type MaxBpc = (typeof maxBpcs)[number];

/** The range of colours that is sent: 0 to 255, or 16 to 235 as televisions have it. */
export const broadcastRgbs = ['auto', 'full', 'limited'] as const;
export type BroadcastRgb = (typeof broadcastRgbs)[number];

/** How a screen of another size than the monitor's stands on it. */
export const fits = ['auto', 'aspect', 'integer', 'fill', 'none'] as const;
export type Fit = (typeof fits)[number];

export const rotations = [0, 90, 180, 270] as const;
export type Rotation = (typeof rotations)[number];

/** What a hotkey does. Absent output: the focused one. Outputs are named as the kernel spells them. */
export type Action =
  | { readonly kind: 'show'; readonly head: HeadRef; readonly on?: string }
  | { readonly kind: 'next' | 'previous'; readonly on?: string }
  /** Absent outputs: the focused one and the next. */
  | { readonly kind: 'swap'; readonly outputs?: readonly [string, string] }
  /** Absent output: the next one. */
  | { readonly kind: 'focus'; readonly output?: string }
  | { readonly kind: 'blank'; readonly on?: string }
  /** Brings a virtual terminal to the front, 1 to 63. */
  | { readonly kind: 'vt'; readonly vt: number }
  /** Shows what a layout of the config says. */
  | { readonly kind: 'layout'; readonly layout: string }
  /** Shows one guest after another, each for so long; again, or any other action: stops. */
  | { readonly kind: 'scan'; readonly dwellMs: number }
  /** Lists the hotkeys on the focused output for as long as the key is held. */
  | { readonly kind: 'help' }
  /** Takes keyboard and pointer from all guests; again: gives them back. */
  | { readonly kind: 'escape' }
  /** Presses keys in a guest; absent: in the focused one. `keys` as {@link parseChords} takes them, or `wake`. */
  | { readonly kind: 'send'; readonly keys: string; readonly to?: HeadRef }
  /** Takes picture, keyboard and pointer from all guests, and gives them back; absent `on`: by turns. */
  | { readonly kind: 'panic'; readonly on?: boolean };

export interface Hotkey {
  readonly trigger: Trigger;
  readonly action: Action;
  /** Fires once the last key has been held for a while, rather than when it is pressed. */
  readonly hold?: boolean;
  /** The trigger as it was written, for messages. */
  readonly source: string;
}

/** Heads for some outputs, by a name. Outputs that it does not name stay as they are. */
export interface LayoutConfig {
  readonly name: string;
  readonly shows: readonly { readonly output: string; readonly head: HeadRef }[];
}

/** A user's place: devices and outputs, and the hotkeys that are typed there. */
export interface SeatConfig {
  readonly name: string;
  /** What is meant by which device: as {@link saysOf} takes them. */
  readonly devices: readonly string[];
  /** As the config's outputs are named. */
  readonly outputs: readonly string[];
  readonly hotkeys: readonly Hotkey[];
  /** Where its outputs stand, by those names: the pointer takes the focus along over their edges. Absent: it does not. */
  readonly seamless?: Rows;
}

/** The seat that has what no other has. */
export const defaultSeat = 'default';

/** `keep`: the last pictures; `blank`: none of a guest's. */
export type Handover = 'keep' | 'blank';

/** A key of the device that switches. */
export interface SwitchKey {
  /** evdev's. */
  readonly code: number;
  readonly action: Action;
}

/** The secure profile: nothing of one guest reaches another, and nobody switches but on purpose. */
export interface SecureConfig {
  /** The device that switches: its name, or a path below /dev/input; absent: only the control socket does. */
  readonly device?: string;
  readonly keys: readonly SwitchKey[];
}

export const logLevels = ['error', 'warning', 'notice', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Which cards are driven. Files are device nodes, `/dev/dri/card1` or below by-path. */
export type CardChoice =
  | { readonly by: 'name'; readonly files: readonly string[] }
  /** Those that have outputs of the config: these, as far as they are here now. */
  | { readonly by: 'outputs'; readonly files: readonly string[] }
  | { readonly by: 'all' }
  /** The first with a connected monitor. */
  | { readonly by: 'monitor' };

/** A checked configuration: every name in it exists, every default is filled in. */
export interface Config {
  /** The file it came from. */
  readonly file: string;
  readonly cards: CardChoice;
  /** Absolute path of the control socket. */
  readonly control: string;
  readonly log: { readonly level: LogLevel };
  /** What is on the panels from one daemon's end to the next one's start, where a service manager keeps files. */
  readonly handover: Handover;
  readonly power: {
    /** Without input for so long, in ms, the monitors sleep; absent: never. */
    readonly blankAfter?: number;
  };
  /** In the order of the file, as are outputs and hotkeys. */
  readonly guests: readonly GuestConfig[];
  readonly outputs: readonly OutputConfig[];
  /** Of seats that have none of their own. */
  readonly hotkeys: readonly Hotkey[];
  /** Keys and chords that go to the guest whatever the hotkeys say; with code 0 modifiers that are not withheld. */
  readonly passthrough: readonly Step[];
  /** The hotkey that takes the keyboard back from all guests; there is always one, but in the secure profile. */
  readonly escape?: Hotkey;
  readonly layouts: readonly LayoutConfig[];
  /** In the order of the file; the last is {@link defaultSeat}, which names nothing and has the rest. */
  readonly seats: readonly SeatConfig[];
  readonly secure?: SecureConfig;
  /** Worth a line in the log, but no reason to refuse the file. */
  readonly notes: readonly string[];
}

export const defaultControl = '/run/kms-switcher/control.sock';
export const defaultLogLevel: LogLevel = 'info';
export const defaultEscape = 'Ctrl+Alt+Esc';
export const defaultDwellMs = 5000;
export const maxHeads = 16;
