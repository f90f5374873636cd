import * as fs from 'node:fs';
import { EXCHANGE_BYTES, EXCHANGE_FDS, native } from '../../../src/native';

const bytes = new Uint8Array(native.exchange, 0, EXCHANGE_BYTES);
const table = new Float64Array(native.exchange);

/** Puts bytes and file descriptors where recvmsg does. */
export function arrive(data: Uint8Array, fds: readonly number[] = []): number {
  bytes.set(data);
  table[EXCHANGE_FDS] = fds.length;
  fds.forEach((fd, index) => {
    const { dev, ino } = fs.fstatSync(fd);
    table.set([fd, dev, ino], EXCHANGE_FDS + 1 + 3 * index);
  });
  return data.length;
}

/** A request of 32-bit words, as a guest on this machine sends it. */
export function request(id: number, ...payload: readonly number[]): Buffer {
  return raw(id, 0, payload.length * 4, Buffer.from(Uint32Array.from(payload).buffer));
}

export function raw(
  id: number,
  flags: number,
  size: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  return Buffer.concat([Buffer.from(Uint32Array.from([id, flags, size]).buffer), payload]);
}

/** UPDATE of a rectangle whose pixels count up from `first`. */
export function update(head: number, x: number, y: number, width: number, height: number, first = 0): Buffer {
  const pixels = Uint32Array.from({ length: width * height }, (_, index) => first + index);
  return raw(
    8,
    0,
    20 + pixels.byteLength,
    Buffer.concat([words(head, x, y, width, height), Buffer.from(pixels.buffer)]),
  );
}

export function words(...numbers: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}

export const openNull = (): number => fs.openSync('/dev/null', 'r');
export const isOpen = (fd: number): boolean => fs.existsSync(`/proc/self/fd/${fd}`);

export function openFds(): string[] {
  return fs.readdirSync('/proc/self/fd').filter((fd) => isOpen(Number(fd)));
}

export const turn = (milliseconds = 0): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `holds`; files of strangers are closed, and sockets read, a moment later. */
export async function until(holds: () => boolean, milliseconds = 3000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!holds() && performance.now() < end) await turn(1);
  if (!holds()) throw new Error(`still not so after ${milliseconds} ms: ${holds.toString()}`);
}
