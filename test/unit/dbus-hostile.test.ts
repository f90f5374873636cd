import * as fs from 'node:fs';
import * as os from 'node:os';
import { Bus } from '../../src/dbus/bus';
import { fds } from '../../src/dbus/received';
import { MAX_FDS, native, type NativeSocket } from '../../src/native';
import { CLIENT, closed, message, receivedFds, serve } from './support/dbus';
import { addon, built, run } from './support/native-process';
import { Random } from './support/random';
import { openFds, turn, until } from './support/wire';

const { errno } = os.constants;
const nulls = (count: number): number[] => Array<number>(count).fill(0);
const hex = (text: string): string => Buffer.from(text).toString('hex');
/** What a server answers to {@link CLIENT}. */
const SERVER = `DATA\r\nOK ${'0123456789abcdef'.repeat(2)}\r\nAGREE_UNIX_FD\r\n`;

/** A bus, and the bare other end of its connection. */
function bare(side: 'client' | 'server'): { bus: Bus; fd: number } {
  const [own, fd] = native.fdPair();
  return { bus: new Bus({ fd: own, side }), fd };
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
async function bytesOf(send: (bus: Bus) => void): Promise<Buffer> {
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
    expect((await heard(fd)).toString()).toBe('REJECTED EXTERNAL\r\n');
    fs.writeSync(fd, 'AUTH ANONYMOUS\r\n');
    expect((await heard(fd)).toString()).toBe('REJECTED EXTERNAL\r\n');
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

describe('file descriptors', () => {
  let bus: Bus;
  let peer: NativeSocket;
  let told: { code: number; reason: string } | undefined;
  /** What came with each call. */
  const counts: number[] = [];
  beforeEach(() => {
    const [own, far] = native.fdPair();
    bus = new Bus({ fd: own, side: 'server' });
    peer = native.adopt(far);
    counts.length = 0;
    told = undefined;
    bus.onClosed((code, reason) => {
      told = { code, reason };
    });
    serve(bus, { Take: 'h', Two: 'hh', None: 'u' }, () => counts.push(fds.count));
    peer.send(Buffer.from(CLIENT));
  });
  afterEach(() => {
    bus.close();
    peer.close();
  });

  const take = (): Promise<Buffer> =>
    bytesOf((client) => {
      client.send(message('Take', 'h', [0]));
    });
  const none = (): Promise<Buffer> =>
    bytesOf((client) => {
      client.send(message('None', 'u', [7]));
    });
  const ended = async (reason: string): Promise<void> => {
    await until(() => told !== undefined);
    expect(told).toEqual({ code: errno.EPROTO, reason });
    await until(() => openFds().length <= before + 1);
  };

  test('come with their messages, however these are cut', async () => {
    const call = await take();
    for (let at = 1; at < call.length; at++) {
      peer.send(call.subarray(0, at), [0]);
      await new Promise(setImmediate);
      peer.send(call.subarray(at));
    }
    peer.send(Buffer.concat([await none(), call, await none()]), [0]);
    await until(() => counts.length === call.length + 2);
    expect(counts).toEqual([...Array<number>(call.length - 1).fill(1), 0, 1, 0]);
    await until(() => openFds().length === before + 2);
  });

  test('that come with a message that has none end it', async () => {
    peer.send(await none(), [0]);
    await ended('1 file descriptor(s) came with a message that has none');
  });

  test('that are more than a message has end it', async () => {
    peer.send(await take(), [0, 0]);
    await ended('1 file descriptor(s) came with a message that has none');
    expect(counts).toEqual([1]);
  });

  test('that are fewer than a message has end it', async () => {
    peer.send(await take());
    await ended('a message has 1 file descriptors, and 0 came');
    expect(counts).toEqual([]);
  });

  test('that come with the message before end it', async () => {
    peer.send(await none(), [0]);
    await turn(5);
    peer.send(await take());
    await ended('1 file descriptor(s) came with a message that has none');
  });

  test('that come with the authentication end it', async () => {
    const [own, far] = native.fdPair();
    const other = new Bus({ fd: own, side: 'server' });
    const end = closed(other);
    const socket = native.adopt(far);
    socket.send(Buffer.from('\0AUTH EXTERNAL\r\n'), [0]);
    expect(await end).toBe(errno.EPROTO);
    socket.close();
  });

  test('of a message that never ends are a few, and go with it', async () => {
    const call = await take();
    for (let count = 0; count < MAX_FDS; count++) {
      peer.send(call.subarray(count, count + 1), [0]);
      await turn(2);
    }
    expect(openFds().length).toBe(before + 2 + MAX_FDS);
    peer.send(call.subarray(MAX_FDS, MAX_FDS + 1), [0]);
    await ended(`more than ${MAX_FDS} file descriptors came at once`);
  });

  test('of a message that is not whole go with the connection', async () => {
    peer.send((await take()).subarray(0, 20), nulls(MAX_FDS));
    await until(() => openFds().length === before + 2 + MAX_FDS);
    bus.close();
    await until(() => openFds().length === before + 1);
  });

  test('that are too many for the table end it, however many', async () => {
    peer.send(await take(), nulls(253));
    await ended(`more than ${MAX_FDS} file descriptors came at once`);
  });

  test('that one message names twice are refused', async () => {
    const call = await bytesOf((client) => {
      client.send(message('Two', 'hh', [0, 0]));
    });
    call.writeUInt32LE(0, call.length - 4);
    peer.send(call, [0, 0]);
    peer.send(await take(), [0]);
    await until(() => counts.length > 0);
    expect(counts).toEqual([1]);
    expect(told).toBeUndefined();
  });

  test('that nobody reads are closed elsewhere when the connection is', async () => {
    const call = await take();
    await until(() => openFds().length === before + 2);
    bus.pause();
    for (let i = 0; i < 50; i++) peer.send(call, [0]);
    bus.close();
    peer.close();
    await until(() => openFds().length <= before);
  });
});

describe('a flood', () => {
  test.each([
    ['of messages of no version', (call: Buffer) => call.writeUInt8(9, 3)],
    ['of messages without a serial', (call: Buffer) => call.writeUInt32LE(0, 8)],
    ['of headers that are cut', (call: Buffer) => call.writeUInt32LE(3, 12)],
    ['of names that are none', (call: Buffer) => call.write('..', call.indexOf('/org'))],
    ['of bytes between values', (call: Buffer) => call.writeUInt8(1, call.indexOf('Interface') + 10)],
  ])('%s is cut off at the first', async (_, spoil) => {
    const call = await bytesOf((client) => {
      client.send(message('Call', 's', ['text']));
    });
    spoil(call);
    const [own, far] = native.fdPair();
    const bus = new Bus({ fd: own, side: 'server' });
    const peer = native.adopt(far);
    const end = closed(bus);
    peer.send(Buffer.from(CLIENT));
    const many = Buffer.concat(Array<Buffer>(200).fill(call));
    let sent = 0;
    let turns = 0;
    // As fast as it can, in every turn of the loop.
    const flood = setInterval(() => {
      turns++;
      for (let last = 1; last > 0;) sent += Math.max(0, (last = peer.send(many, nulls(8))));
    });
    expect(await end).toBe(errno.EPROTO);
    clearInterval(flood);
    expect(sent).toBeGreaterThan(0);
    expect(turns).toBeLessThan(100);
    peer.close();
  });

  test('of messages that are well made leaves the loop its turns', async () => {
    const call = await bytesOf((client) => {
      client.send(message('Any', 'u', [1]));
      client.send({ ...message('Ping'), interface: 'org.freedesktop.DBus.Peer' });
    });
    const bytes = Buffer.concat([Buffer.from(CLIENT), ...Array<Buffer>(100).fill(call)]).toString('hex');
    const script = `
      const { Bus } = require(${JSON.stringify(built('dbus/bus.js'))});
      const [own, far] = native.fdPair();
      const bus = new Bus({ fd: own, side: 'server' });
      const flood = (far, hex, begin, addon) => {
        const peer = require(addon).adopt(far);
        const all = Buffer.from(hex, 'hex');
        for (let rest = all, sent; (sent = peer.send(rest)) !== -32; ) {
          if (sent > 0) rest = sent === rest.length ? all.subarray(begin) : rest.subarray(sent);
        }
      };
      const given = JSON.stringify([far, '${bytes}', ${CLIENT.length}, ${JSON.stringify(addon)}]);
      const { Worker } = require('node:worker_threads');
      new Worker('(' + flood + ')(...' + given + ')', { eval: true });
      let calls = 0, all = 0, most = 0;
      const any = { interface: 'org.example.Interface', member: 'Any', signature: 'u' };
      bus.serve('/org/example/Object', [any], () => calls++);
      const turn = () => {
        most = Math.max(most, calls);
        all += calls;
        calls = 0;
        if (all < 50000) return setImmediate(turn);
        console.log(most);
        process.exit();
      };
      turn();
    `;
    const printed = Number(run(script));
    expect(printed).toBeGreaterThan(0);
    expect(printed).toBeLessThanOrEqual(64);
  });
});

test('who asks and asks, and reads no answers, is cut off', async () => {
  const ping = await bytesOf((client) => {
    client.call({ ...message('Ping'), interface: 'org.freedesktop.DBus.Peer' }).catch(() => undefined);
  });
  const [own, far] = native.fdPair();
  const bus = new Bus({ fd: own, side: 'server' });
  const peer = native.adopt(far);
  let code = 0;
  bus.onClosed((error) => {
    code = error;
  });
  peer.send(Buffer.from(CLIENT));
  const many = Buffer.concat(Array<Buffer>(100).fill(ping));
  await until(() => {
    while (code === 0 && peer.send(many) === many.length);
    return code !== 0;
  }, 10_000);
  expect(code).toBe(errno.ENOBUFS);
  peer.close();
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

describe('a connection that is made', () => {
  test('takes its descriptor over in every case', async () => {
    const file = new Bus({ fd: fs.openSync('/dev/null', 'r+'), side: 'client' });
    // Those of earlier tests may still be on their way to be closed.
    expect(openFds().length).toBeLessThanOrEqual(before);
    expect(await closed(file)).toBe(errno.ENOTSOCK);
    expect(await closed(new Bus({ fd: 999999, side: 'server' }))).toBe(errno.EBADF);
  });

  test('tells through onClosed of what fails at once, and lets what is done before it be', async () => {
    const [fd, other] = native.fdPair();
    fs.closeSync(other);
    const bus = new Bus({ fd, side: 'client' });
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
    expect(await closed(new Bus({ address }))).toBe(errno[code]);
  });
});
