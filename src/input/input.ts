import type { Action, Hotkey } from '../config/config';
import type { Log } from '../log';
import { InputDevices, type DeviceFiles } from './devices';
import { InputRouter, type InputTarget } from './router';

/** Keyboards and pointers of this machine: hotkeys for the daemon, the rest for the guest that has the focus. */
export class Input {
  readonly #router: InputRouter;
  readonly #devices: InputDevices;

  constructor(
    hotkeys: readonly Hotkey[],
    log: Log,
    /** `at`: when the key went down, CLOCK_MONOTONIC in ms. */
    onAction: (action: Action, at: number) => void,
    devices?: DeviceFiles,
  ) {
    this.#router = new InputRouter(hotkeys, onAction);
    this.#devices = new InputDevices(this.#router, log, devices);
  }

  open(seat = 'seat0'): void {
    this.#devices.open(seat);
  }

  /**
   * The head that gets what is typed and pointed; null: none does, as when its guest has gone. May be called as often as
   * anyone likes, also from within `onAction`: the same head again changes nothing.
   */
  focus(target: InputTarget | null): void {
    this.#router.focus(target);
  }

  /** Lets go of all devices. The guest is told that all keys and buttons are up, as when they are unplugged. */
  suspend(): void {
    this.#devices.suspend();
  }

  /** Opens those that are there now. */
  resume(): void {
    this.#devices.resume();
  }

  /** Stops reading. The guest is told that all keys and buttons are up. */
  close(): void {
    this.#devices.close();
    this.#router.focus(null);
  }
}
