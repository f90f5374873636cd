import type { Log } from '../log';
import type { NativeInput } from '../native';

interface Device {
  readonly name: string;
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
  readonly #devices = new Map<number, Device>();
  #wanted = false;
  #settled = true;

  constructor(
    private readonly native: () => NativeInput | undefined,
    private readonly busy: (device: number) => boolean,
    private readonly log: Log,
  ) {}

  added(id: number, name: string): void {
    this.#devices.set(id, { name, grabbed: false, changing: false, refused: false });
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
    for (const [id, device] of this.#devices) {
      if (device.grabbed === this.#wanted || device.changing || device.refused) continue;
      if (this.busy(id)) this.#settled = false;
      else this.#change(id, device, this.#wanted);
    }
  }

  #change(id: number, device: Device, grab: boolean): void {
    device.changing = true;
    const done = (): void => {
      device.changing = false;
      this.#settled = false;
      this.settle();
    };
    this.native()
      ?.grab(id, grab)
      .then(
        () => {
          device.grabbed = grab;
          done();
        },
        (error: unknown) => {
          device.refused = true;
          const taken = (error as NodeJS.ErrnoException).code === 'EBUSY';
          this.log.warning(
            taken
              ? `${device.name}: another program has taken it for itself: nothing of it comes here until it lets go`
              : `${device.name}: what is typed to guests may be read by others: ${String(error)}`,
          );
          done();
        },
      );
  }
}
