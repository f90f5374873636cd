import * as fs from 'node:fs';
import * as os from 'node:os';
import { native } from '../../src/native';
import type { NativeBus } from '../../src/native';
import { closed, message, receivedFds, serve } from './support/native-bus';
import { Random } from './support/random';
import { openFds, turn, until } from './support/wire';

const { errno } = os.constants;
const hex = (text: string): string => Buffer.from(text).toString('hex');
/** What clients say to be let in, and what a server answers. */
const CLIENT = '\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n';
const SERVER = `DATA\r\nOK ${'0123456789abcdef'.repeat(2)}\r\nAGREE_UNIX_FD\r\n`;

/** A bus, and the bare other end of its connection. */
function bare(side: 'client' | 'server'): { bus: NativeBus; fd: number } {
  const [own, fd] = native.fdPair();
  return { bus: native.openBus({ fd: own, side }), fd };
}

/** What the peer says within a moment. */
async function heard(fd: number): Promise<Buffer> {
  await turn(5);
  const bytes = Buffer.alloc(65536);
  try {
    return bytes.subarray(0, fs.readSync(fd, bytes));
  } catch {
    return bytes.subarray(0, 0);
  }
}

/** The bytes of a message as a bus sends it. */
async function bytesOf(send: (bus: NativeBus) => void): Promise<Buffer> {
  const { bus, fd } = bare('client');
  fs.writeSync(fd, SERVER);
  await heard(fd);
  send(bus);
  const bytes = await heard(fd);
  bus.close();
  fs.closeSync(fd);
  return bytes;
}

let before: number;
beforeEach(() => {
  before = openFds().length;
});
afterEach(() => until(() => openFds().length <= before));

describe('a server', () => {
  const numberOf = (name: keyof typeof errno): number => errno[name];

  test.each([
    ['something else', 'GET / HTTP/1.1\r\n\r\n', 'EIO'],
    ['nothing', '', 'ECONNRESET'],
    ['half of it', '\0AUTH EXTER', 'ECONNRESET'],
    ['no begin', '\0AUTH EXTERNAL\r\nDATA\r\n', 'ECONNRESET'],
    ['a line without an end', `\0${'A'.repeat(70000)}`, 'ENOBUFS'],
    ['messages of no endianness', `${CLIENT}${'x'.repeat(64)}`, 'EPROTO'],
    [
      'a message that is too large',
      `${CLIENT}l\x01\0\x01\xff\xff\xff\x7f\x01\0\0\0\0\0\0\0${'\0'.repeat(32)}`,
      'ENOBUFS',
    ],
  ] as const)('is told %s', async (_, text, code) => {
    const { bus, fd } = bare('server');
    const end = closed(bus);
    fs.writeSync(fd, Buffer.from(text, 'latin1'));
    if (code === 'ECONNRESET') await turn(2);
    if (code === 'ECONNRESET') fs.closeSync(fd);
    expect(await end).toBe(numberOf(code));
    if (code !== 'ECONNRESET') fs.closeSync(fd);
  });

  test('lets nobody in who says to be another user', async () => {
    const { bus, fd } = bare('server');
    const called = jest.fn();
    serve(bus, { Call: '' }, called);
    const call = await bytesOf((client) => {
      client.send(message('Call'));
    });
    fs.writeSync(fd, `\0AUTH EXTERNAL ${hex(String((process.getuid?.() ?? 0) + 1))}\r\n`);
    expect((await heard(fd)).toString()).toBe('REJECTED\r\n');
    fs.writeSync(fd, 'AUTH ANONYMOUS\r\n');
    expect((await heard(fd)).toString()).toBe('REJECTED\r\n');
    fs.writeSync(fd, 'BEGIN\r\n');
    expect((await heard(fd)).toString()).toBe('ERROR\r\n');
    fs.writeSync(fd, call);
    await turn(5);
    expect(called).not.toHaveBeenCalled();
    bus.close();
    fs.closeSync(fd);
  });

  test('lets in who says to be who it is', async () => {
    const { bus, fd } = bare('server');
    fs.writeSync(fd, `\0AUTH EXTERNAL ${hex(String(process.getuid?.()))}\r\n`);
    expect((await heard(fd)).toString()).toMatch(/^OK [0-9a-f]{32}\r\n$/);
    bus.close();
    fs.closeSync(fd);
  });

  test('takes what was written byte by byte', async () => {
    const { bus, fd } = bare('server');
    let calls = 0;
    serve(bus, { Call: 's' }, () => calls++);
    const call = await bytesOf((client) => {
      client.send(message('Call', 's', ['text']));
    });
    for (const byte of Buffer.concat([Buffer.from(CLIENT), call])) {
      fs.writeSync(fd, Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => calls === 1);
    bus.close();
    fs.closeSync(fd);
  });

  test('takes calls that came together with the authentication', async () => {
    const { bus, fd } = bare('server');
    let calls = 0;
    serve(bus, { Call: 's' }, () => calls++);
    const call = await bytesOf((client) => {
      client.send(message('Call', 's', ['']));
    });
    fs.writeSync(fd, Buffer.concat([Buffer.from(CLIENT), ...Array<Buffer>(100).fill(call)]));
    await until(() => calls === 100);
    bus.close();
    fs.closeSync(fd);
  });

  test.each([
    ['a string that is longer than its message', 's', ['text'], 8, 0xff],
    ['a string that does not end', 's', ['text'], 1, 1],
    ['a string that is no UTF-8', 's', ['text'], 2, 0xff],
    ['a file descriptor that did not come', 'u', [3], 4, 9],
    ['an array that is longer than its message', 'au', [[1]], 8, 0xff],
  ])('ends it with who sends %s', async (_, signature, values, fromEnd, byte) => {
    const { bus, fd } = bare('server');
    const end = closed(bus);
    const called = jest.fn();
    // The signature in the header is made to fit.
    const takes = signature === 'u' ? 'h' : signature;
    serve(bus, { Call: takes }, called);
    const call = await bytesOf((client) => {
      client.send(message('Call', signature, values));
    });
    if (takes === 'h') call.write('h', call.lastIndexOf('u\0'));
    call[call.length - fromEnd] = byte;
    fs.writeSync(fd, Buffer.concat([Buffer.from(CLIENT), call]));
    expect(await end).toBe(errno.EPROTO);
    expect(called).not.toHaveBeenCalled();
    fs.closeSync(fd);
  });

  test('lives through whatever becomes of a call', async () => {
    const values = ['text', [1, 2], { signature: 'as', value: ['a', 'b'] }, new Map([['k', 1]])];
    const call = await bytesOf((client) => {
      client.send(message('Call', 'sauva{su}', values));
      client.send(message('Flat', 'auuht', [[1], 2, 0, 3n]));
    });
    const random = new Random(7);
    for (let at = 0; at < call.length; at++) {
      const { bus, fd } = bare('server');
      serve(bus, { Call: 'sauva{su}', Flat: 'auuht' }, ({ values: read }) => {
        if (read === null) for (const received of receivedFds()) fs.closeSync(received.fd);
      });
      const broken = Buffer.from(call);
      broken[at] = at % 2 === 0 ? 255 : random.below(256);
      fs.writeSync(fd, Buffer.concat([Buffer.from(CLIENT), broken, call]));
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      bus.close();
      fs.closeSync(fd);
    }
  });
});

describe('a client', () => {
  test.each([
    ['is not let in', 'REJECTED EXTERNAL\r\nERROR\r\nERROR\r\n', 'EPERM'],
    ['is told something else', 'HTTP/1.1 400\r\nServer: x\r\n\r\n', 'EPERM'],
    ['is told lines without an end', 'A'.repeat(70000), 'ENOBUFS'],
    ['is told no message', `${SERVER}${'x'.repeat(64)}`, 'EPROTO'],
  ] as const)('%s', async (_, text, code) => {
    const { bus, fd } = bare('client');
    const end = closed(bus);
    const call = bus.call(message('Any'));
    call.catch(() => undefined);
    fs.writeSync(fd, text);
    expect(await end).toBe(errno[code]);
    await expect(call).rejects.toMatchObject({ code });
    fs.closeSync(fd);
  });

  test('works without file descriptors where the server takes none', async () => {
    const { bus, fd } = bare('client');
    const call = bus.call(message('Any', 'h', [0]));
    bus.send(message('Other', 'h', [0]));
    bus.send(message('Plain'));
    await heard(fd);
    fs.writeSync(fd, SERVER.replace('AGREE_UNIX_FD', 'ERROR'));
    await expect(call).rejects.toMatchObject({ code: 'ENOTSUP' });
    expect((await heard(fd)).includes('Plain')).toBe(true);
    bus.close();
    fs.closeSync(fd);
  });

  test('waits for a server that says nothing, and for nothing else', async () => {
    const { bus, fd } = bare('client');
    const call = bus.call(message('Any'));
    await turn(20);
    bus.close();
    await expect(call).rejects.toMatchObject({ code: 'ECANCELED' });
    fs.closeSync(fd);
  });
});

describe('openBus', () => {
  test('takes its descriptor over in every case', async () => {
    const open = (where: unknown): NativeBus => native.openBus(where as { address: string });
    const [first, second] = native.fdPair();
    expect(() => open({ fd: first, side: 'both' })).toThrow("where.side must be 'client' or 'server'");
    expect(() => open({ fd: second })).toThrow('where.side must be a string');
    expect(openFds().length).toBe(before);
    expect(() => open({})).toThrow('where.fd must be a number');
    expect(() => open(undefined)).toThrow('where must be an object');
    expect(await closed(open({ fd: fs.openSync('/dev/null', 'r+'), side: 'client' }))).toBe(errno.ENOTSOCK);
  });

  test('tells through onClosed of what fails at once, and lets what is done before it be', async () => {
    const [fd, other] = native.fdPair();
    fs.closeSync(other);
    const bus = native.openBus({ fd, side: 'client' });
    const end = closed(bus);
    const call = bus.call(message('Any'));
    serve(bus, { Any: '' }, () => undefined);
    bus.onSignal(`type='signal'`, () => undefined);
    bus.pause();
    bus.resume();
    expect(bus.name).toBe('');
    await expect(call).rejects.toMatchObject({ code: 'ENOTCONN' });
    expect(await end).toBe(errno.EPIPE);
    bus.close();
  });

  test.each([
    ['unix:path=/nonexistent', 'ENOENT'],
    ['tcp:host=localhost,port=1', 'EPROTONOSUPPORT'],
    ['unixexec:path=/bin/true', 'EPROTONOSUPPORT'],
    ['unix:path=/nonexistent;tcp:host=localhost,port=1', 'EPROTONOSUPPORT'],
    ['unix:nonsense', 'EINVAL'],
  ] as const)('of %s tells %s', async (address, code) => {
    expect(await closed(native.openBus({ address }))).toBe(errno[code]);
  });
});
