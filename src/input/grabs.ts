import type { Log } from '../log';
import { deviceName, type InputDevice } from './devices';

interface Grabbable {
  readonly device: InputDevice;
  grabbed: boolean;
  /** It is being changed: one change at a time, for they may overtake each other. */
  changing: boolean;
  refused: boolean;
}

/**
 * Keeps what is typed to a guest from all others that read the devices, such as the host's console. A device is grabbed
 * and given up while none of its keys is down: whoever saw a press sees the release.
 */
export class Grabs {
  readonly #devices = new Map<number, Grabbable>();
  #wanted = false;
  #settled = true;

  constructor(
    private readonly busy: (device: number) => boolean,
    private readonly log: Log,
  ) {}

  added(device: InputDevice): void {
    this.#devices.set(device.id, { device, grabbed: false, changing: false, refused: false });
    this.#settled = false;
  }

  removed(id: number): void {
    this.#devices.delete(id);
  }

  /** Whether the devices are to be ours alone. */
  want(grab: boolean): void {
    if (grab === this.#wanted) return;
    this.#wanted = grab;
    for (const device of this.#devices.values()) device.refused = false;
    this.#settled = false;
    this.settle();
  }

  /** Does what can be done now; to be called whenever keys may have been let go. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const [id, grabbable] of this.#devices) {
      if (grabbable.grabbed === this.#wanted || grabbable.changing || grabbable.refused) continue;
      if (this.busy(id)) this.#settled = false;
      else this.#change(grabbable, this.#wanted);
    }
  }

  #change(grabbable: Grabbable, grab: boolean): void {
    const { device } = grabbable;
    grabbable.changing = true;
    const done = (): void => {
      grabbable.changing = false;
      this.#settled = false;
      this.settle();
    };
    device.grab(grab).then(
      () => {
        grabbable.grabbed = grab;
        done();
      },
      (error: unknown) => {
        grabbable.refused = true;
        const taken = (error as NodeJS.ErrnoException).code === 'EBUSY';
        this.log.warning(
          taken
            ? `${deviceName(device)}: another program has taken it for itself: nothing of it comes here until it lets go`
            : `${deviceName(device)}: what is typed to guests may be read by others: ${String(error)}`,
        );
        done();
      },
    );
  }
}
