/**
 * A value of a D-Bus message: numbers for y, n, q, i, u, d and h, a boolean for b, bigints for x and t, strings for s,
 * o and g, a Uint8Array for ay, arrays for a… and for structs, Maps for a{…}, and for a variant its signature and
 * value. To send, an h is a file descriptor, which stays the caller's; received, it is always -1, because nobody closes
 * what looks like a number: file descriptors come through {@link fds} alone.
 */
export type BusValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly BusValue[]
  | ReadonlyMap<BusValue, BusValue>
  | BusVariant;

export interface BusVariant {
  readonly signature: string;
  readonly value: BusValue;
}

export interface BusMessage {
  /** Absent between peers. */
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** '' without arguments. */
  readonly signature: string;
  readonly values: readonly BusValue[];
}

export type BusSignal = Required<Omit<BusMessage, 'destination'>>;

/** The error a call is answered with: `code` is its D-Bus name. */
export class BusError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
