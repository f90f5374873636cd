import type { Condition } from '../sink';

/** QMP's run states (`query-status`) that are not plain running, in the words of a {@link Condition}. */
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
]);

/** What a guest does, from what its QEMU tells over QMP. */
export class Conditions {
  #now: Condition = 'running';

  get now(): Condition {
    return this.#now;
  }

  /** The answer to `query-status`. */
  status(status: unknown): Condition {
    return (this.#now = STATES.get(status) ?? 'running');
  }

  /** The condition after an event; undefined: as it was. */
  event(name: string): Condition | undefined {
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
