import type { Bus } from '../../dbus/bus';
import type { BusMessage, BusValue } from '../../dbus/values';
import { isNativeError } from '../../native';
import { busErrorName, printable, within } from './words';

const ROOT = '/org/qemu/Display1';
const PREFIX = 'org.qemu.Display1';
const PROPERTIES = 'org.freedesktop.DBus.Properties';
/** QEMU answers in its main loop, which may be busy for a moment. */
const ANSWER_MS = 5000;
/** A QEMU with more consoles than that is none. */
const MAX_CONSOLES = 64;
const MAX_SIDE = 0xffff;

/** What a VM says of itself; printable. */
export interface VmInfo {
  readonly name: string;
  readonly uuid: string;
  readonly consoles: readonly number[];
}

/** One console of a VM, as QEMU told last. */
export interface Console {
  readonly id: number;
  label: string;
  /** A screen; otherwise a serial console or a monitor. */
  graphic: boolean;
  width: number;
  height: number;
  /** Whether its pointer takes places. */
  absolute: boolean;
  /** Whether it takes touches: QEMU 8.1 and newer. */
  touch: boolean;
  /** The lights of the guest's keyboard, as in `GuestInput.leds`. */
  leds: number;
}

export function emptyConsole(id: number): Console {
  return { id, label: '', graphic: false, width: 0, height: 0, absolute: false, touch: false, leds: 0 };
}

/** What of a console may change by itself. */
export interface ConsoleChange {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly absolute?: boolean | undefined;
  readonly leds?: number | undefined;
}

export interface UiInfo {
  readonly mmWidth: number;
  readonly mmHeight: number;
  readonly x: number;
  readonly y: number;
  /** 0: the monitor is disconnected. */
  readonly width: number;
  readonly height: number;
}

/**
 * QEMU's display objects at the other end of a D-Bus connection (docs/interop/dbus-display in QEMU). Calls are bounded
 * in time; whatever comes back is checked.
 */
export class QemuDisplay {
  constructor(
    readonly bus: Bus,
    /** QEMU's unique name; undefined between peers. */
    readonly destination?: string,
  ) {}

  async vm(timeout = ANSWER_MS): Promise<VmInfo> {
    const properties = await this.#properties(`${ROOT}/VM`, `${PREFIX}.VM`, timeout);
    const consoles = properties.get('ConsoleIDs');
    return {
      name: printable(asString(properties.get('Name'))),
      uuid: printable(asString(properties.get('UUID'))),
      consoles: Array.isArray(consoles)
        ? consoles.slice(0, MAX_CONSOLES).filter((id): id is number => Number.isInteger(id))
        : [],
    };
  }

  /** Reads a console into `console`: each answer when it comes, so that none overwrites a change told after it. */
  async readConsole(console: Console): Promise<void> {
    const path = consolePath(console.id);
    await Promise.all([
      this.#properties(path, `${PREFIX}.Console`, ANSWER_MS).then((properties) => {
        console.label = printable(asString(properties.get('Label')));
        console.graphic = properties.get('Type') === 'Graphic';
        console.width = asSide(properties.get('Width')) ?? 0;
        console.height = asSide(properties.get('Height')) ?? 0;
        const interfaces = properties.get('Interfaces');
        console.touch = Array.isArray(interfaces) && interfaces.includes(`${PREFIX}.MultiTouch`);
      }),
      this.#properties(path, `${PREFIX}.Keyboard`, ANSWER_MS).then(
        (properties) => {
          console.leds = asLeds(properties.get('Modifiers')) ?? 0;
        },
        () => undefined,
      ),
      this.#properties(path, `${PREFIX}.Mouse`, ANSWER_MS).then(
        (properties) => {
          console.absolute = properties.get('IsAbsolute') === true;
        },
        // A text console has no pointer.
        () => undefined,
      ),
    ]);
  }

  /** Hands QEMU one end of a socket; it stays the caller's, and may be closed once this has returned. */
  registerListener(id: number, fd: number): Promise<void> {
    return this.#call(id, 'Console', 'RegisterListener', 'h', [fd]);
  }

  setUiInfo(id: number, info: UiInfo): Promise<void> {
    const { mmWidth, mmHeight, x, y, width, height } = info;
    return this.#call(id, 'Console', 'SetUIInfo', 'qqiiuu', [mmWidth, mmHeight, x, y, width, height]);
  }

  /**
   * Whether the console's pointer takes places, by trying: before QEMU 8.0 the property is wrong until the guest
   * changes it.
   */
  async triesAbsolute(id: number): Promise<boolean> {
    try {
      await this.#call(id, 'Mouse', 'RelMotion', 'ii', [0, 0]);
      return false;
    } catch (error) {
      return busErrorName(error) === `${PREFIX}.Error.Invalid`;
    }
  }

  /** Resolves when QEMU has taken all keys sent to a console before: it takes one message after the other. */
  async taken(id: number): Promise<void> {
    await this.#properties(consolePath(id), `${PREFIX}.Keyboard`, ANSWER_MS);
  }

  /**
   * A key or pointer call that nobody waits for. false: too much waits, or the connection has gone, which it says by
   * itself.
   */
  input(id: number, device: InputInterface, member: string, signature: string, values: BusValue[]): boolean {
    try {
      this.bus.send(this.#message(id, device, member, signature, values));
      return true;
    } catch (error) {
      if (!isNativeError(error)) throw error;
      return false;
    }
  }

  /** Messages that QEMU has not read yet, beyond what its socket holds. */
  get waiting(): number {
    return this.bus.waiting;
  }

  /** Calls back whenever QEMU has read so much that nothing waits. */
  onDrained(callback: () => void): void {
    this.bus.onDrained(callback);
  }

  /** Calls back when a console's size or pointer changes. */
  onConsoleChange(callback: (id: number, change: ConsoleChange) => void): void {
    const sender = this.destination === undefined ? '' : `,sender='${this.destination}'`;
    const match = `type='signal',interface='${PROPERTIES}',member='PropertiesChanged',path_namespace='${ROOT}'${sender}`;
    this.bus.onSignal(match, ({ path, signature, values }) => {
      const id = /^\/org\/qemu\/Display1\/Console_(\d{1,4})$/.exec(path)?.[1];
      if (signature !== 'sa{sv}as' || id === undefined) return;
      const changed = asProperties(values[1]);
      callback(Number(id), {
        width: asSide(changed.get('Width')),
        height: asSide(changed.get('Height')),
        absolute: asBoolean(changed.get('IsAbsolute')),
        leds: asLeds(changed.get('Modifiers')),
      });
    });
  }

  async #properties(path: string, of: string, timeout: number): Promise<Properties> {
    const message = { path, interface: PROPERTIES, member: 'GetAll', signature: 's', values: [of] };
    const answer = this.bus.call(this.#to(message));
    const [values] = await within(answer, timeout, 'QEMU does not answer on its display connection');
    return asProperties(values);
  }

  async #call(
    id: number,
    device: string,
    member: string,
    signature: string,
    values: number[],
  ): Promise<void> {
    const answer = this.bus.call(this.#message(id, device, member, signature, values));
    await within(answer, ANSWER_MS, `QEMU does not answer ${member} within ${ANSWER_MS / 1000} s`);
  }

  #message(id: number, device: string, member: string, signature: string, values: BusValue[]): BusMessage {
    return this.#to({ path: consolePath(id), interface: `${PREFIX}.${device}`, member, signature, values });
  }

  #to(message: BusMessage): BusMessage {
    return this.destination === undefined ? message : { ...message, destination: this.destination };
  }
}

/** The interfaces of a console that take what a user does. */
export type InputInterface = 'Keyboard' | 'Mouse' | 'MultiTouch';
type Properties = Map<string, unknown>;

function consolePath(id: number): string {
  return `${ROOT}/Console_${id}`;
}

/** An a{sv} without its variants. */
function asProperties(value: BusValue | undefined): Properties {
  const properties: Properties = new Map();
  if (!isMap(value)) return properties;
  for (const [name, variant] of value) {
    if (typeof name !== 'string' || typeof variant !== 'object' || !('signature' in variant)) continue;
    properties.set(name, variant.value);
  }
  return properties;
}

/** `instanceof` would ask for a Map of this realm, which Jest's tests are not in. */
function isMap(value: BusValue | undefined): value is ReadonlyMap<BusValue, BusValue> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

function asString(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** QEMU's bits are ScrollLock, NumLock and CapsLock. */
function asLeds(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  return ((value >> 1) & 3) | ((value & 1) << 2);
}

function asSide(value: unknown): number | undefined {
  return typeof value === 'number' && value <= MAX_SIDE ? value : undefined;
}
