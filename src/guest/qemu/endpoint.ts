import type { Condition } from '../sink';
import type { QemuDisplay } from './display';

/** What an endpoint tells its link between connections. */
export interface EndpointOwner {
  /** The display connection has gone; QEMU may still be there. */
  lost(display: QemuDisplay): void;
  /** QEMU has ended; in words. */
  ended(reason: string): void;
  condition(condition: Condition): void;
  /** A line for the log. */
  notice(text: string): void;
}

/** A way to a QEMU's display objects. */
export interface Endpoint {
  readonly address: string;
  /** Whether it tells what the guest does. */
  readonly tells: boolean;
  /** Whether QEMU has one display connection, which another program can take. */
  readonly exclusive: boolean;
  /** Whether QEMU is known to be there although its display connection has gone. */
  readonly alive: boolean;
  /** What the guest does. */
  readonly condition: Condition;
  /** Makes a display connection. Rejects in words for the guest's owner, with the option to change. */
  connect(): Promise<QemuDisplay>;
  /** Forgets QEMU, which has ended. */
  reset(): void;
  /** The guest draws: it does not restart any more. */
  drawn(): void;
  /** Wakes a guest that sleeps. */
  wake(): void;
  close(): void;
}
