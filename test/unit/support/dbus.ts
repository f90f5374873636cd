import { Bus } from '../../../src/dbus/bus';
import type { BusMethod } from '../../../src/dbus/objects';
import { fds, numbers as allNumbers } from '../../../src/dbus/received';
import type { BusMessage, BusValue } from '../../../src/dbus/values';
import { native } from '../../../src/native';

/** Longer messages than anybody sends to us. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Two peers: who asks to be let in, and who lets it in. */
export interface Peers {
  readonly client: Bus;
  readonly server: Bus;
}

export function peers(): Peers {
  const [left, right] = native.fdPair();
  return {
    client: new Bus({ fd: left, side: 'client' }, MOST_BYTES),
    server: new Bus({ fd: right, side: 'server' }, MOST_BYTES),
  };
}

/** What clients say to be let in. */
export const CLIENT = '\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n';

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
export function serve(bus: Bus, methods: Record<string, string>, callback: (call: Call) => void): void {
  const list: BusMethod[] = Object.entries(methods).map(([member, signature]) => ({
    interface: INTERFACE,
    member,
    signature,
  }));
  bus.serve(PATH, list, (index, serial, values) => {
    callback({ member: list[index]?.member ?? '', serial, values });
  });
}

/** The first numbers of the call that is being served. */
export const numbers = (count: number): number[] => [...allNumbers.subarray(0, count)];

export interface ReceivedFd {
  readonly fd: number;
  readonly device: number;
  readonly inode: number;
}

/** The file descriptors of the call that is being served; they are the caller's. */
export const receivedFds = (): ReceivedFd[] =>
  Array.from({ length: fds.count }, (_, index) => ({
    fd: fds.take(index),
    device: fds.device(index),
    inode: fds.inode(index),
  }));

/** What `onClosed` told. */
export const closed = (bus: Bus): Promise<number> =>
  new Promise((resolve) => {
    bus.onClosed(resolve);
  });
