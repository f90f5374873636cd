import type { GuestInput } from '../guest/sink';
import type { Log } from '../log';
import type { NativeInputDevice } from '../native';
import { defaultUdevSeat, ownerOf, UDEV_SEAT } from './device-names';
import { InputDevices, type DeviceFiles } from './devices';
import type { InputTarget } from './router';
import { InputSeat, type SeatInput } from './seat';
import type { Selector } from './selector';
import { SharedKeys } from './shared-keys';

/** Keyboards and pointers of this machine, each its user's: hotkeys for the daemon, the rest for a guest. */
export class Input {
  readonly #seats: readonly InputSeat[];
  /** Has the devices that no other seat names. */
  readonly #rest: InputSeat;
  readonly #devices: InputDevices;
  /** Called after whatever somebody did with a key or a pointer has gone where it belongs. */
  onActivity: () => void = () => undefined;

  /**
   * `seats`: the last has what no other names. `files`: who opens devices, where that is not the
   * daemon itself. `selector`: what switches in the secure profile; no guest lights a LED then.
   */
  constructor(seats: readonly SeatInput[], log: Log, files?: DeviceFiles, selector?: Selector) {
    const shared = new SharedKeys();
    this.#seats = seats.map(
      (seat) => new InputSeat(seat, shared, log, seats.length > 1 ? `, seat ${seat.name}` : '', !selector),
    );
    this.#rest = this.#seats.at(-1)!;
    this.#devices = new InputDevices(
      selector ? [...this.#seats, selector] : this.#seats,
      (device) => (selector?.is(device) ? selector : (ownerOf(this.#seats, device) ?? this.#rest)),
      log,
      files,
      () => {
        this.onActivity();
      },
    );
  }

  open(): void {
    const named = this.#seats.flatMap(({ devices }) => devices.filter((name) => name.startsWith(UDEV_SEAT)));
    const udevSeats = new Set([defaultUdevSeat, ...named.map((name) => name.slice(UDEV_SEAT.length))]);
    for (const seat of udevSeats) this.#devices.open(seat);
  }

  /** The devices of a seat that are there. */
  devicesOf(seat: string): NativeInputDevice[] {
    return this.#get(seat).plugged;
  }

  /**
   * The head that gets what is typed and pointed at a seat; null: none does, as when its guest has gone. May be called
   * as often as anyone likes, also from within the handler: the same head again changes nothing.
   */
  focus(target: InputTarget | null, name: string): void {
    const seat = this.#get(name);
    const before = seat.input;
    const known = this.#using(target?.input);
    seat.focus(target);
    if (before && !this.#using(before)) before.onLeds?.(undefined);
    const input = target?.input;
    if (known) return;
    input?.onLeds?.((leds) => {
      for (const user of this.#seats) if (user.input === input) user.light(leds);
    });
  }

  /** The devices are another's, as after a switch to another console. The guests are told that all is up. */
  suspend(): void {
    for (const seat of this.#seats) seat.suspend();
    this.#devices.suspend();
  }

  /** The devices are ours again. */
  resume(): void {
    this.#devices.resume();
  }

  /** Stops reading. The guests are told that all keys and buttons are up. */
  close(): void {
    for (const { name } of this.#seats) this.focus(null, name);
    this.#devices.close();
    for (const seat of this.#seats) seat.close();
  }

  /** Whether a guest's input has anyone's focus. */
  #using(input: GuestInput | undefined): boolean {
    return this.#seats.some((seat) => seat.input === input);
  }

  #get(name: string): InputSeat {
    const seat = this.#seats.find((known) => known.name === name);
    if (!seat) throw new Error(`there is no seat ${name}`);
    return seat;
  }
}
