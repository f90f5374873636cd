import { EXCHANGE_FDS, EXCHANGE_NUMBERS, native } from '../../../src/native';
import type { BusMessage, BusMethod, BusValue, NativeBus } from '../../../src/native';

const table = new Float64Array(native.exchange);

/** Two peers: who asks to be let in, and who lets it in. */
export interface Peers {
  readonly client: NativeBus;
  readonly server: NativeBus;
}

export function peers(): Peers {
  const [left, right] = native.fdPair();
  return {
    client: native.openBus({ fd: left, side: 'client' }),
    server: native.openBus({ fd: right, side: 'server' }),
  };
}

export const PATH = '/org/example/Object';
export const INTERFACE = 'org.example.Interface';

export function message(member: string, signature = '', values: readonly BusValue[] = []): BusMessage {
  return { path: PATH, interface: INTERFACE, member, signature, values };
}

export interface Call {
  readonly member: string;
  readonly serial: number;
  readonly values: BusValue[] | null;
}

/** Serves methods by their names and signatures. */
export function serve(bus: NativeBus, methods: Record<string, string>, callback: (call: Call) => void): void {
  const list: BusMethod[] = Object.entries(methods).map(([member, signature]) => ({
    interface: INTERFACE,
    member,
    signature,
  }));
  bus.serve(PATH, list, (index, serial, values) => {
    callback({ member: list[index]?.member ?? '', serial, values });
  });
}

/** The first numbers of a call that the exchange holds. */
export const numbers = (count: number): number[] => [
  ...table.subarray(EXCHANGE_NUMBERS, EXCHANGE_NUMBERS + count),
];

export interface ReceivedFd {
  readonly fd: number;
  readonly device: number;
  readonly inode: number;
}

/** The file descriptors of a call that the exchange holds; they are the caller's. */
export const receivedFds = (): ReceivedFd[] =>
  Array.from({ length: table[EXCHANGE_FDS] ?? 0 }, (_, index) => {
    const [fd = -1, device = -1, inode = -1] = table.subarray(EXCHANGE_FDS + 1 + 3 * index);
    return { fd, device, inode };
  });

/** What `onClosed` told. */
export const closed = (bus: NativeBus): Promise<number> =>
  new Promise((resolve) => {
    bus.onClosed(resolve);
  });
