import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { EXCHANGE_BYTES, EXCHANGE_FDS, MAX_FDS, native, type NativeSocket } from '../../src/native';
import { until } from './support/wire';

const bytes = new Uint8Array(native.exchange, 0, EXCHANGE_BYTES);
const table = new Float64Array(native.exchange);

interface Message {
  readonly length: number;
  readonly text: string;
  readonly fds: readonly { readonly fd: number; readonly device: number; readonly inode: number }[];
}

/** What the exchange holds now; the file descriptors are the caller's. */
function readMessage(length: number): Message {
  if (length <= 0) return { length, text: '', fds: [] };
  const fds = Array.from({ length: table[EXCHANGE_FDS] ?? 0 }, (_, index) => {
    const [fd = -1, device = -1, inode = -1] = table.subarray(EXCHANGE_FDS + 1 + 3 * index);
    return { fd, device, inode };
  });
  return { length, text: Buffer.from(bytes.subarray(0, length)).toString(), fds };
}

const nextMessage = (socket: NativeSocket): Promise<Message> =>
  new Promise((resolve) => {
    socket.onData((length) => {
      resolve(readMessage(length));
    });
  });

const turn = (milliseconds = 10): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
const openFds = (): number => fs.readdirSync('/proc/self/fd').length;
const hello = Buffer.from('hello');

let ends: [NativeSocket, NativeSocket];
beforeEach(() => {
  ends = native.socketPair();
});
afterEach(() => {
  for (const end of ends) end.close();
});

describe('a socket', () => {
  test('carries bytes both ways', async () => {
    const [left, right] = ends;
    expect(left.send(hello)).toBe(5);
    expect(right.send(Buffer.from('world!'))).toBe(6);
    expect(await nextMessage(right)).toEqual({ length: 5, text: 'hello', fds: [] });
    expect(await nextMessage(left)).toEqual({ length: 6, text: 'world!', fds: [] });
  });

  test('carries file descriptors, told by their identity', async () => {
    const [left, right] = ends;
    const fd = fs.openSync('/dev/null', 'r');
    const { dev, ino } = fs.fstatSync(fd);
    left.send(hello, [fd, fd]);
    const { text, fds } = await nextMessage(right);
    expect(text).toBe('hello');
    expect(fds.map(({ device, inode }) => [device, inode])).toEqual([
      [dev, ino],
      [dev, ino],
    ]);
    expect(new Set([fd, ...fds.map((received) => received.fd)]).size).toBe(3);
    for (const received of fds) {
      const flags = /flags:\s+0*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${received.fd}`, 'utf8'));
      expect(Number.parseInt(flags?.[1] ?? '0', 8) & 0o2000000).not.toBe(0); // O_CLOEXEC
      fs.closeSync(received.fd);
    }
    fs.closeSync(fd);
  });

  test('tells of no file descriptors that an earlier message had', async () => {
    const [left, right] = ends;
    left.send(hello, [0]);
    for (const { fd } of (await nextMessage(right)).fds) fs.closeSync(fd);
    left.send(hello);
    expect((await nextMessage(right)).fds).toEqual([]);
  });

  test('reads what follows a message with file descriptors in the same turn, with its own', async () => {
    const [left, right] = ends;
    left.send(hello, [0]);
    left.send(Buffer.from(' world'), [0, 0]);
    const { text, fds } = await nextMessage(right);
    expect(text).toBe('hello world');
    expect(fds).toHaveLength(3);
    for (const { fd } of fds) fs.closeSync(fd);
  });

  test(`keeps none of ${MAX_FDS + 1} file descriptors that came with two messages`, async () => {
    const [left, right] = ends;
    const before = openFds();
    left.send(hello, Array<number>(MAX_FDS - 1).fill(0));
    left.send(hello, [0, 0]);
    expect((await nextMessage(right)).length).toBe(-os.constants.errno.EMSGSIZE);
    await until(() => openFds() <= before);
  });

  test(`refuses more than ${MAX_FDS} file descriptors in a message and keeps none`, async () => {
    const [left, right] = ends;
    const before = openFds();
    left.send(hello, Array<number>(MAX_FDS + 1).fill(0));
    expect((await nextMessage(right)).length).toBe(-os.constants.errno.EMSGSIZE);
    // They are closed on a thread of their own: a stranger's file may take its time.
    await until(() => openFds() <= before);
    expect(() => right.credentials()).not.toThrow();
  });

  test('takes the full number of file descriptors', async () => {
    const [left, right] = ends;
    left.send(hello, Array<number>(MAX_FDS).fill(0));
    const { fds } = await nextMessage(right);
    expect(fds).toHaveLength(MAX_FDS);
    for (const { fd } of fds) fs.closeSync(fd);
  });

  test('tells the end once, and stays open', async () => {
    const [left, right] = ends;
    const lengths: number[] = [];
    right.onData((length) => lengths.push(length));
    left.close();
    await turn(30);
    expect(lengths).toEqual([0]);
    expect(right.send(hello)).toBe(-os.constants.errno.EPIPE);
    right.resume();
    await turn(30);
    expect(lengths).toEqual([0]);
  });

  test('tells a reset', async () => {
    const [left, right] = ends;
    left.send(hello);
    right.send(hello);
    const before = openFds();
    left.close();
    // It is closed elsewhere: what nobody has read may hold a stranger's files.
    await until(() => openFds() < before);
    // The number is free a moment before the kernel lets go of the socket: until then its end is an orderly one.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await nextMessage(right)).text).toBe('hello');
    expect((await nextMessage(right)).length).toBe(-os.constants.errno.ECONNRESET);
  });

  test('does not wait when it is full, and tells when it is not', async () => {
    const [left, right] = ends;
    const chunk = new Uint8Array(65536);
    let sent = 0;
    let last = left.send(chunk);
    for (; last > 0; last = left.send(chunk)) sent += last;
    expect(last).toBe(-os.constants.errno.EAGAIN);

    let writable = 0;
    left.onceWritable(() => writable++);
    await turn();
    expect(writable).toBe(0);

    let received = 0;
    right.onData((length) => (received += length));
    while (received < sent) await turn(1);
    await turn();
    expect(writable).toBe(1);
    expect(left.send(hello)).toBe(5);
  });

  test('tells writable when the peer is gone', async () => {
    const [left, right] = ends;
    const chunk = new Uint8Array(65536);
    while (left.send(chunk) > 0);
    const writable = new Promise<void>((resolve) => {
      left.onceWritable(resolve);
    });
    right.close();
    await writable;
    expect(left.send(hello)).toBe(-os.constants.errno.EPIPE);
  });

  test('pauses and resumes', async () => {
    const [left, right] = ends;
    const lengths: number[] = [];
    right.onData((length) => lengths.push(length));
    right.pause();
    left.send(hello);
    await turn();
    expect(lengths).toEqual([]);
    right.resume();
    await turn();
    expect(lengths).toEqual([5]);
  });

  test('may be closed inside its callback', async () => {
    const [left, right] = ends;
    left.send(hello);
    left.send(hello);
    const closed = new Promise<void>((resolve) => {
      right.onData(() => {
        right.close();
        resolve();
      });
    });
    right.onceWritable(() => undefined);
    await closed;
    await turn();
    expect(left.send(hello)).toBe(-os.constants.errno.EPIPE);
  });

  test('knows its peer', () => {
    expect(ends[0].credentials()).toEqual({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
  });

  test('throws EBADF when it is closed, and closes twice', () => {
    const [left] = ends;
    left.close();
    left.close();
    const error = expect.objectContaining({ code: 'EBADF', errno: -os.constants.errno.EBADF }) as unknown;
    const calls = {
      onData: () => {
        left.onData(() => undefined);
      },
      pause: () => {
        left.pause();
      },
      resume: () => {
        left.resume();
      },
      send: () => left.send(hello),
      onceWritable: () => {
        left.onceWritable(() => undefined);
      },
      credentials: () => left.credentials(),
    };
    for (const call of Object.values(calls)) expect(call).toThrow(error as Error);
  });

  test('is made of a descriptor, which is taken over in every case', async () => {
    const [near, far] = native.fdPair();
    const [left, right] = [native.adopt(near), native.adopt(far)];
    left.send(hello);
    expect((await nextMessage(right)).text).toBe('hello');
    left.close();
    right.close();
    const before = openFds();
    const file = fs.openSync('/dev/null', 'r');
    expect(() => native.adopt(file)).toThrow(
      expect.objectContaining({ code: 'ENOTSOCK', syscall: 'getsockopt', fd: file }) as Error,
    );
    await until(() => openFds() <= before);
    expect(() => native.adopt(999999)).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
    expect(() => native.duplicate(999999)).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
  });

  test('throws EBADF through send only for itself: a bad descriptor to pass is a result', () => {
    expect(ends[0].send(hello, [999999])).toBe(-os.constants.errno.EBADF);
  });

  test('checks its arguments', () => {
    const [left] = ends as unknown as [Record<string, (...args: unknown[]) => unknown>];
    expect(() => left.send?.('text')).toThrow('bytes must be a Uint8Array');
    expect(() => left.send?.(new Uint16Array(2))).toThrow('bytes must be a Uint8Array');
    expect(() => left.send?.(hello, 3)).toThrow('fds must be an array');
    expect(() => left.send?.(hello, ['0'])).toThrow('fds must be a number');
    expect(() => left.send?.(hello, [-1])).toThrow('fds must be an integer from 0 to 2147483647');
    expect(() => left.send?.(hello, Array(254).fill(0))).toThrow('fds must hold at most 253 descriptors');
    expect(() => left.send?.(new Uint8Array(), [0])).toThrow('fds must go with a byte');
    expect(() => left.onData?.()).toThrow('callback must be a function');
    expect(() => left.onceWritable?.(1)).toThrow('callback must be a function');
  });
});

describe('a listener', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kms-switcher-'));
    file = path.join(directory, 'socket');
  });
  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
  });

  test('accepts, with the mode asked for, whatever the umask', async () => {
    const accepted: NativeSocket[] = [];
    const umask = process.umask(0o077);
    const listener = native.listen(file, 0o660, (socket) => accepted.push(socket));
    process.umask(umask);
    expect(fs.statSync(file).mode & 0o777).toBe(0o660);

    const clients = [native.connect(file), native.connect(file)];
    try {
      await until(() => accepted.length === 2);
      clients[0]?.send(hello);
      clients[1]?.close();
      const [first, second] = accepted;
      if (!first || !second) throw new Error('not accepted');
      expect((await nextMessage(first)).text).toBe('hello');
      expect((await nextMessage(second)).length).toBe(0);
    } finally {
      // An open listener would keep the process for ever.
      listener.close();
      listener.close();
      for (const socket of [...clients, ...accepted]) socket.close();
    }
    expect(fs.existsSync(file)).toBe(false);
  });

  test('leaves a path alone that is no longer its own', () => {
    const listener = native.listen(file, 0o600, () => undefined);
    fs.renameSync(file, `${file}.old`);
    fs.writeFileSync(file, '');
    listener.close();
    expect(fs.existsSync(file)).toBe(true);
  });

  test('tells what is wrong with a path', () => {
    const listen = (at: string) => () => native.listen(at, 0o600, () => undefined);
    fs.writeFileSync(file, '');
    expect(listen(file)).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind', path: file }) as Error,
    );
    const long = path.join(directory, 'x'.repeat(108));
    expect(listen(long)).toThrow(
      expect.objectContaining({ code: 'ENAMETOOLONG', syscall: 'bind', path: long }) as Error,
    );
    expect(listen('')).toThrow(expect.objectContaining({ code: 'ENOENT', syscall: 'bind' }) as Error);
    expect(listen('a\0b')).toThrow('path must not contain null characters');
    expect(listen(path.join(directory, 'none/socket'))).toThrow(
      expect.objectContaining({ code: 'ENOENT' }) as Error,
    );
    expect(() => native.connect(file)).toThrow(
      expect.objectContaining({ code: 'ECONNREFUSED', syscall: 'connect', path: file }) as Error,
    );
    expect(() => native.connect(long)).toThrow(expect.objectContaining({ code: 'ENAMETOOLONG' }) as Error);
  });

  test('keeps nothing when it fails', () => {
    const before = openFds();
    expect(() => native.listen(path.join(directory, 'none/socket'), 0o600, () => undefined)).toThrow();
    expect(() => native.connect(path.join(directory, 'none'))).toThrow();
    // Those of earlier tests may still be on their way to be closed.
    expect(openFds()).toBeLessThanOrEqual(before);
  });
});
