import type { GuestInput } from '../guest/sink';
import type { Log } from '../log';
import type { NativeInputDevice } from '../native';
import { Alarm } from './alarm';
import type { DeviceOwner, InputDevice } from './devices';
import { Grabs } from './grabs';
import { InputRouter, type Bindings, type HotkeyHandler, type InputTarget } from './router';
import type { SharedKeys } from './shared-keys';

/** Who sits at a seat, as far as input goes. */
export interface SeatInput {
  readonly name: string;
  /** Its devices, as {@link saysOf} takes them. */
  readonly devices: readonly string[];
  readonly bindings: Bindings;
  readonly handler: HotkeyHandler;
}

/** One user's devices: hotkeys for the daemon, the rest for the guest that has this user's focus. */
export class InputSeat implements DeviceOwner {
  readonly name: string;
  readonly devices: readonly string[];
  readonly events: InputRouter;
  readonly #alarm: Alarm;
  readonly #grabs: Grabs;
  readonly #plugged = new Map<number, InputDevice>();
  #leds = 0;
  #input: GuestInput | undefined;

  constructor(
    { name, devices, bindings, handler }: SeatInput,
    shared: SharedKeys,
    log: Log,
    readonly label: string,
    /** Keyboards have the lock lights of the guest. */
    private readonly lit = true,
  ) {
    this.name = name;
    this.devices = devices;
    this.#alarm = new Alarm((now) => {
      this.events.expire(now);
    });
    const wake = (at: number): void => {
      this.#alarm.set(at);
    };
    this.events = new InputRouter(bindings, handler, wake, shared);
    this.#grabs = new Grabs((device) => this.events.busy(device), log);
  }

  /** The devices that are there. */
  get plugged(): NativeInputDevice[] {
    return [...this.#plugged.values()].map(({ info }) => info);
  }

  /** What keys and pointer go to; undefined: nothing. */
  get input(): GuestInput | undefined {
    return this.#input;
  }

  /** The head that gets what is typed and pointed; null: none does. */
  focus(target: InputTarget | null): void {
    this.events.focus(target);
    this.#input = target?.input;
    this.light(this.#input?.leds ?? 0);
    // Others that read the devices, such as the host's console, are to get nothing of what goes to a guest.
    this.#grabs.want(this.#input !== undefined);
  }

  /** Lights these LEDs on all keyboards, and on those that come. */
  light(leds: number): void {
    if (leds === this.#leds || !this.lit) return;
    this.#leds = leds;
    for (const device of this.#plugged.values()) if (device.info.keyboard) device.light(leds);
  }

  added(device: InputDevice): void {
    this.#plugged.set(device.id, device);
    const { keyboard, pointer, touch, power } = device.info;
    // The host's power button stays the host's, and so do lid switches and whatever else no guest gets anything of.
    if (!power && (keyboard || pointer || touch)) this.#grabs.added(device);
    if (keyboard) device.light(this.#leds);
  }

  removed({ id }: InputDevice): void {
    this.#plugged.delete(id);
    this.#grabs.removed(id);
  }

  settle(): void {
    this.#grabs.settle();
  }

  /** The devices are about to be closed: the guest is told that all is up. */
  suspend(): void {
    this.events.suspend();
  }

  /** Nothing of it is read any more. */
  close(): void {
    this.#alarm.clear();
  }
}
