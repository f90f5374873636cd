import type { Condition } from '../sink';

/** States that are not plain running, in the words of a {@link Condition}: QMP's (`query-status`), then libvirt's. */
const STATES = new Map<unknown, Condition>([
  ['paused', 'paused'],
  ['prelaunch', 'paused'],
  ['inmigrate', 'paused'],
  ['postmigrate', 'paused'],
  ['io-error', 'paused'],
  ['watchdog', 'paused'],
  ['debug', 'paused'],
  ['suspended', 'asleep'],
  ['guest-panicked', 'crashed'],
  ['internal-error', 'crashed'],
  ['shutdown', 'shut down'],
  ['pmsuspended', 'asleep'],
  ['crashed', 'crashed'],
  ['in shutdown', 'shut down'],
]);

/** The events that say what a guest does. */
// prettier-ignore
export const CONDITION_EVENTS = ['STOP', 'RESUME', 'SUSPEND', 'SUSPEND_DISK', 'WAKEUP', 'RESET', 'GUEST_PANICKED', 'SHUTDOWN'];

/** Why a guest has gone, from what it did last. */
export function endOf(condition: Condition): string {
  switch (condition) {
    case 'shut down':
      return 'the guest has shut down';
    case 'crashed':
      return 'the guest has crashed';
    default:
      return 'QEMU has ended';
  }
}

/** What a guest does, from what its QEMU tells over QMP. */
export class Conditions {
  #now: Condition = 'running';

  get now(): Condition {
    return this.#now;
  }

  /** The answer to `query-status`, or to `virsh domstate`. */
  status(status: unknown): Condition {
    return (this.#now = STATES.get(status) ?? 'running');
  }

  /** The condition after an event; undefined: as it was. */
  event(name: string, data: Readonly<Record<string, unknown>>): Condition | undefined {
    // QEMU was told to end, or ends a guest that crashed, as it does by default: neither is news of the guest.
    if (name === 'SHUTDOWN' && (data.guest === false || data.reason === 'guest-panic')) return undefined;
    const was = this.#now;
    this.#now = this.#after(name);
    return this.#now === was ? undefined : this.#now;
  }

  /** The guest draws: it is not restarting any more. */
  drawn(): Condition | undefined {
    if (this.#now !== 'restarting') return undefined;
    return (this.#now = 'running');
  }

  #after(name: string): Condition {
    const was = this.#now;
    switch (name) {
      case 'STOP':
        // QEMU stops a guest that crashed, or has shut down, when told to keep it.
        return was === 'crashed' || was === 'shut down' ? was : 'paused';
      case 'RESUME':
        return was === 'asleep' || was === 'restarting' ? was : 'running';
      case 'SUSPEND':
      case 'SUSPEND_DISK':
        return 'asleep';
      case 'WAKEUP':
        return 'running';
      case 'RESET':
        return 'restarting';
      case 'GUEST_PANICKED':
        return 'crashed';
      case 'SHUTDOWN':
        return 'shut down';
      default:
        return was;
    }
  }
}
