import type { Action } from '../config/config';
import type { Log } from '../log';
import type { NativeInputDevice } from '../native';
import { saysOf } from './device-names';
import { deviceName, type DeviceOwner, type InputDevice, type InputEvents } from './devices';
import { Grabs } from './grabs';

const nothing = (): undefined => undefined;

/** A device that is for switching alone: what is done with it reaches no guest. */
export class Selector implements DeviceOwner {
  readonly label = ', switches guests';
  readonly events: InputEvents;
  readonly #here = new Set<number>();
  readonly #grabs: Grabs;
  /** The devices that were there at start have been told. */
  #complete = false;

  /** `device`: as {@link saysOf} takes it; absent: there is none. */
  constructor(
    private readonly device: string | undefined,
    keys: readonly { readonly code: number; readonly action: Action }[],
    private readonly log: Log,
    fired: (action: Action, at: number) => void,
  ) {
    const actions = new Map(keys.map(({ code, action }) => [code, action]));
    this.events = {
      key: (_, code, down, at) => {
        const action = down ? actions.get(code) : undefined;
        if (action) fired(action, at);
      },
      button: nothing,
      motion: nothing,
      place: nothing,
      wheel: nothing,
      touch: nothing,
      gone: nothing,
      done: nothing,
      busy: () => false,
    };
    this.#grabs = new Grabs(() => false, log);
    this.#grabs.want(true);
  }

  is(device: NativeInputDevice): boolean {
    return this.device !== undefined && saysOf(this.device, device) > 0;
  }

  added(device: InputDevice): void {
    this.#here.add(device.id);
    this.#grabs.added(device);
    this.log.info(`the device that switches guests: ${deviceName(device)}`);
  }

  removed({ id }: InputDevice): void {
    this.#here.delete(id);
    this.#grabs.removed(id);
    this.log.info('the device that switches guests has gone');
  }

  settle(): void {
    this.#grabs.settle();
    if (this.#complete) return;
    this.#complete = true;
    if (this.device !== undefined && this.#here.size === 0)
      this.log.warning(
        `no device "${this.device}" is here: until it comes, only the control socket switches guests`,
      );
  }
}
