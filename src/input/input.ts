import type { GuestInput } from '../guest/sink';
import type { Log } from '../log';
import { Alarm } from './alarm';
import { InputDevices, type DeviceFiles } from './devices';
import { InputRouter, type Bindings, type HotkeyHandler, type InputTarget } from './router';

/** Keyboards and pointers of this machine: hotkeys for the daemon, the rest for the guest that has the focus. */
export class Input {
  readonly #router: InputRouter;
  readonly #devices: InputDevices;
  readonly #alarm: Alarm;
  #input: GuestInput | undefined;

  /** `files`: who opens devices, where that is not the daemon itself. */
  constructor(bindings: Bindings, log: Log, handler: HotkeyHandler, files?: DeviceFiles) {
    this.#alarm = new Alarm((now) => {
      this.#router.expire(now);
    });
    this.#router = new InputRouter(bindings, handler, (at) => {
      this.#alarm.set(at);
    });
    this.#devices = new InputDevices(this.#router, log, files);
  }

  open(seat = 'seat0'): void {
    this.#devices.open(seat);
  }

  /**
   * The head that gets what is typed and pointed; null: none does, as when its guest has gone. May be called as often as
   * anyone likes, also from within the handler: the same head again changes nothing.
   */
  focus(target: InputTarget | null): void {
    this.#router.focus(target);
    const input = target?.input;
    if (input !== this.#input) {
      this.#input?.onLeds?.(undefined);
      this.#input = input;
      input?.onLeds?.((leds) => {
        this.#devices.light(leds);
      });
    }
    this.#devices.light(input?.leds ?? 0);
    this.#devices.grab(input !== undefined);
  }

  /** The devices are another's, as after a switch to another console. The guest is told that all is up. */
  suspend(): void {
    this.#router.suspend();
    this.#devices.suspend();
  }

  /** The devices are ours again. */
  resume(): void {
    this.#devices.resume();
  }

  /** Stops reading. The guest is told that all keys and buttons are up. */
  close(): void {
    this.focus(null);
    this.#devices.close();
    this.#alarm.clear();
  }
}
