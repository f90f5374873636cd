import * as fs from 'node:fs';
import * as os from 'node:os';
import { fds } from '../../src/dbus/received';
import type { BusMessage, BusValue } from '../../src/dbus/values';
import { MAX_FDS } from '../../src/native';
import {
  INTERFACE,
  PATH,
  closed,
  message,
  numbers,
  peers,
  receivedFds,
  serve,
  type Call,
  type Peers,
} from './support/dbus';
import { built, run } from './support/native-process';
import { openFds, openNull, turn, until } from './support/wire';

const { errno } = os.constants;
const busError = (name: string, text?: string): unknown =>
  expect.objectContaining({
    code: `org.freedesktop.DBus.Error.${name}`,
    ...(text === undefined ? {} : { message: text }),
  });
const nativeError = (code: string): Error => expect.objectContaining({ code }) as Error;

let ends: Peers;
let before: number;
beforeEach(() => {
  before = openFds().length;
  ends = peers();
});
afterEach(async () => {
  ends.client.close();
  ends.server.close();
  await until(() => openFds().length <= before);
});

const PING: BusMessage = { ...message('Ping'), interface: 'org.freedesktop.DBus.Peer' };

/** Both ways. */
const ways: [string, () => Peers][] = [
  ['client to server', () => ends],
  ['server to client', () => ({ client: ends.server, server: ends.client })],
];

describe.each(ways)('a call, %s,', (_, way) => {
  // A client of sd-bus takes no file descriptors before it has read all of its authentication.
  beforeEach(() => ends.client.call(PING));

  test('is answered', async () => {
    const { client, server } = way();
    serve(server, { Add: 'ss' }, ({ serial, values }) => {
      expect(server.reply(serial, 's', [(values as string[]).join('')])).toBe(0);
    });
    expect(await client.call(message('Add', 'ss', ['a', 'ö']))).toEqual(['aö']);
  });

  test('brings numbers and file descriptors in the exchange', async () => {
    const { client, server } = way();
    const { dev, ino } = fs.fstatSync(0);
    const seen = new Promise<unknown>((resolve) => {
      serve(server, { Scanout: 'ahuuuuauauuuuutb' }, ({ serial, values }) => {
        const fds = receivedFds();
        resolve({ values, numbers: numbers(20), fds: fds.map(({ device, inode }) => [device, inode]) });
        for (const { fd } of fds) {
          expect(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')).toMatch(/flags:\s+02/); // O_CLOEXEC
          fs.closeSync(fd);
        }
        server.reply(serial);
      });
    });
    const modifier = 0x0300000000606015n;
    const values = [[0, 0], 1, 2, 3, 4, [5, 6], [7, 8], 9, 10, 11, 12, modifier, true];
    expect(await client.call(message('Scanout', 'ahuuuuauauuuuutb', values))).toEqual([]);
    expect(await seen).toEqual({
      values: null,
      numbers: [2, 1, 2, 3, 4, 2, 5, 6, 2, 7, 8, 9, 10, 11, 12, 0x03000000, 0x606015, 1, 0, 0].map(
        (number, index) => (index < 18 ? number : (expect.anything() as unknown)),
      ),
      fds: [
        [dev, ino],
        [dev, ino],
      ],
    });
  });

  test('is answered with an error', async () => {
    const { client, server } = way();
    serve(server, { Fail: '' }, ({ serial }) => server.fail(serial, 'org.example.Error', 'not today'));
    await expect(client.call(message('Fail'))).rejects.toMatchObject({
      code: 'org.example.Error',
      message: 'not today',
    });
  });

  test('without a reply has no serial', async () => {
    const { client, server } = way();
    const calls: Call[] = [];
    serve(server, { Motion: 'ii' }, (call) => {
      calls.push(call);
      expect(numbers(2)).toEqual([-1, 2]);
    });
    client.send(message('Motion', 'ii', [-1, 2]));
    await until(() => calls.length > 0);
    expect(calls).toEqual([{ member: 'Motion', serial: 0, values: null }]);
    expect(server.reply(0)).toBe(-errno.ENOENT);
  });

  test('of 500 brings its own file descriptors', async () => {
    const { client, server } = way();
    const files = [fs.openSync(__filename, 'r'), openNull()];
    const inodes = files.map((file) => fs.fstatSync(file).ino);
    serve(server, { Take: 'hu' }, ({ serial }) => {
      const [{ fd } = { fd: -1 }] = receivedFds();
      const [index = 0] = numbers(1);
      server.reply(serial, 'uu', [index, inodes.indexOf(fs.fstatSync(fd).ino)]);
      fs.closeSync(fd);
    });
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_value, index) =>
        client.call(message('Take', 'hu', [files[index % 2] ?? -1, index])),
      ),
    );
    expect(replies).toEqual(replies.map((_value, index) => [index, index % 2]));
    for (const file of files) fs.closeSync(file);
    await until(() => openFds().length === before + 2);
  });
});

/** Nobody would close them. */
describe.each(ways)('file descriptors, %s, are not taken', (_, way) => {
  // A struct with a variant of a dictionary, an array and a plain one.
  const SIGNATURE = '(sv)ahh';
  const sent = (fd: number): BusValue[] => [
    ['in a variant', { signature: 'a{sv}', value: new Map([['fd', { signature: 'h', value: fd }]]) }],
    [fd, fd],
    fd,
  ];
  /** As Jest compares them: Maps of the addon are of another realm. */
  const plain = (value: unknown): unknown =>
    Object.prototype.toString.call(value) === '[object Map]' ? [...(value as Map<unknown, unknown>)] : value;
  const received = (values: unknown): unknown =>
    JSON.parse(JSON.stringify(values, (_key, value: unknown) => plain(value))) as unknown;
  let fd: number;
  let open: string[];
  beforeEach(async () => {
    await ends.client.call(PING);
    fd = openNull();
    open = openFds();
  });
  afterEach(async () => {
    await until(() => openFds().length <= open.length);
    expect(openFds()).toEqual(open);
    fs.closeSync(fd);
  });

  test('from a reply', async () => {
    const { client, server } = way();
    serve(server, { Flat: '', Generic: '' }, ({ member, serial }) => {
      if (member === 'Flat') server.reply(serial, 'hah', [fd, [fd, fd]]);
      else server.reply(serial, SIGNATURE, sent(fd));
    });
    for (let i = 0; i < 10; i++) {
      expect(await client.call(message('Flat'))).toEqual([-1, [-1, -1]]);
      expect(received(await client.call(message('Generic')))).toEqual(received(sent(-1)));
    }
  });

  test('from a signal', async () => {
    const { client, server } = way();
    const heard: unknown[] = [];
    client.onSignal(`type='signal'`, ({ values }) => heard.push(received(values)));
    for (let i = 0; i < 10; i++) {
      server.emit(message('Flat', 'h', [fd]));
      server.emit(message('Generic', SIGNATURE, sent(fd)));
    }
    await until(() => heard.length === 20);
    expect(heard).toEqual(Array.from({ length: 20 }, (_v, at) => (at % 2 === 0 ? [-1] : received(sent(-1)))));
  });

  test('from a call whose values are no numbers only', async () => {
    const { client, server } = way();
    serve(server, { Take: SIGNATURE }, ({ serial, values }) => {
      expect(received(values)).toEqual(received(sent(-1)));
      expect(fds.count).toBe(0);
      server.reply(serial);
    });
    for (let i = 0; i < 10; i++) await client.call(message('Take', SIGNATURE, sent(fd)));
  });

  test('from an error, or a call that is refused', async () => {
    const { client, server } = way();
    serve(server, { Take: 's' }, () => undefined);
    for (let i = 0; i < 10; i++) {
      await expect(client.call(message('Take', 'h', [fd]))).rejects.toEqual(busError('InvalidArgs'));
      await expect(client.call(message('Other', 'h', [fd]))).rejects.toEqual(busError('UnknownMethod'));
      await client.call({ ...PING, signature: 'h', values: [fd] }).catch(() => undefined);
    }
  });
});

describe('values', () => {
  const echo = async (signature: string, values: readonly BusValue[]): Promise<BusValue[]> => {
    // An empty string makes it a call whose values are no numbers only.
    serve(ends.server, { Echo: `s${signature}` }, (call) => {
      ends.server.reply(call.serial, `s${signature}`, call.values ?? []);
    });
    return (await ends.client.call(message('Echo', `s${signature}`, ['', ...values]))).slice(1);
  };

  test.each<[string, BusValue[]]>([
    ['y', [255]],
    ['b', [true]],
    ['nq', [-32768, 65535]],
    ['iu', [-2147483648, 4294967295]],
    ['xt', [-(2n ** 63n), 2n ** 64n - 1n]],
    ['d', [-0.1]],
    ['sog', ['ä', '/a/b', 'a{sv}']],
    ['as', [['a', '', 'c']]],
    ['as', [[]]],
    ['aai', [[[1], [], [2, 3]]]],
    ['(i(sb))u', [[1, ['x', false]], 2]],
    ['a(ys)', [[[1, 'a'], [2, 'b']]]], // prettier-ignore
    ['v', [{ signature: 'v', value: { signature: 'au', value: [1, 2] } }]],
    ['adu', [[0.5, 1e300], 3]],
  ])('of %s come as they went', async (signature, values) => {
    expect(await echo(signature, values)).toEqual(values);
  });

  test('of ay are bytes, and a copy', async () => {
    const bytes = Uint8Array.from({ length: 10_000_000 }, (_, index) => index * 7);
    const [empty, large] = (await echo('ayay', [new Uint8Array(), bytes])) as [Uint8Array, Uint8Array];
    expect(empty.byteLength).toBe(0);
    expect(Buffer.compare(large, bytes)).toBe(0);
  });

  test('of a dictionary are a Map', async () => {
    const map = new Map<BusValue, BusValue>([
      ['Width', { signature: 'u', value: 640 }],
      ['Interfaces', { signature: 'as', value: ['a', 'b'] }],
    ]);
    const [read] = (await echo('a{sv}', [map])) as [Map<BusValue, BusValue>];
    expect(read.constructor.name).toBe('Map');
    expect([...read]).toEqual([...map]);
    expect([...((await echo('a{us}', [new Map([[1, 'x']])]))[0] as Map<number, string>)]).toEqual([[1, 'x']]);
  });

  test('that are no values of their types are refused before anything is sent', async () => {
    const loose = ends.client as unknown as {
      call(message: unknown): Promise<unknown>;
      send(message: unknown): void;
    };
    const refused: [string, unknown, string][] = [
      ['u', [-1], 'values must be an integer from 0 to 4294967295'],
      ['y', [256], 'values must be an integer from 0 to 255'],
      ['n', ['1'], 'values must be a number'],
      ['t', [1], 'values must be a bigint'],
      ['x', [2n ** 63n], 'values must be a bigint of 64 bits'],
      ['d', ['1'], 'values must be a number'],
      ['b', [1], 'values must be a boolean'],
      ['s', [1], 'values must be a string'],
      ['s', ['\0'], 'values must not contain null characters'],
      ['o', ['not/a/path'], 'values must be an object path'],
      ['h', [999999], 'EBADF: bad file descriptor, fcntl(F_DUPFD_CLOEXEC)'],
      ['h', [-1], 'values must be an integer from 0 to 2147483647'],
      ['as', ['a'], 'values must be an array'],
      ['ay', [[1]], 'values must be a Uint8Array'],
      ['a{sv}', [{}], 'values must be a Map'],
      ['v', [1], 'values must be an object with a signature and a value'],
      ['g', ['a'], 'values must be a signature of D-Bus'],
      ['v', [{ signature: 'uu', value: 1 }], 'values.signature must be one type of D-Bus'],
      ['(u)', [[]], 'values are fewer than the signature says'],
      ['uu', [1], 'values are fewer than the signature says'],
      ['u', [1, 2], 'values are more than the signature says'],
      ['a', [[]], 'signature is none of D-Bus'],
      ['(u', [[1]], 'signature is none of D-Bus'],
      ['z', [1], 'signature is none of D-Bus'],
      ['u', undefined, 'values must be an array'],
    ];
    for (const [signature, values, text] of refused) {
      const wrong = { ...message('Any', signature), values };
      await expect(loose.call(wrong)).rejects.toMatchObject({ message: text });
      expect(() => {
        loose.send(wrong);
      }).toThrow(text);
    }
    const named: [Partial<BusMessage>, string][] = [
      [{ path: 'x' }, 'message.path must be an object path of D-Bus'],
      [{ interface: 'x' }, 'message.interface must be a name of D-Bus'],
      [{ member: 'a.b' }, 'message.member must be a name of D-Bus'],
      [{ destination: 'x' }, 'message.destination must be a name on a bus'],
    ];
    for (const [change, text] of named) {
      await expect(loose.call({ ...message('Any'), ...change })).rejects.toMatchObject({ message: text });
    }
  });
});

describe('what is served', () => {
  test('is told by interface, name and signature', async () => {
    const seen: string[] = [];
    serve(ends.server, { One: 'u', Two: '' }, ({ member, serial }) => {
      seen.push(member);
      ends.server.reply(serial);
    });
    const call = (change: Partial<BusMessage>): Promise<unknown> =>
      ends.client.call({ ...message('One', 'u', [1]), ...change });
    await call({});
    await call({ member: 'Two', signature: '', values: [] });
    await expect(call({ member: 'Three' })).rejects.toEqual(busError('UnknownMethod'));
    await expect(call({ interface: 'org.example.Other' })).rejects.toEqual(busError('UnknownMethod'));
    await expect(call({ path: '/other' })).rejects.toEqual(busError('UnknownObject'));
    await expect(call({ signature: 'i' })).rejects.toEqual(busError('InvalidArgs', "expected 'u'"));
    await expect(call({ signature: '', values: [] })).rejects.toEqual(busError('InvalidArgs'));
    await expect(call({ signature: 'h', values: [0] })).rejects.toEqual(busError('InvalidArgs'));
    expect(seen).toEqual(['One', 'Two']);
    await until(() => openFds().length === before + 2);
  });

  test('may be Properties and more at one path', async () => {
    const properties = 'org.freedesktop.DBus.Properties';
    ends.server.serve(
      PATH,
      [{ interface: properties, member: 'GetAll', signature: 's' }],
      (_method, serial, values) => {
        expect(values).toEqual(['org.example.A']);
        ends.server.reply(serial, 'a{sv}', [new Map([['P', { signature: 's', value: 'v' }]])]);
      },
    );
    serve(ends.server, { One: '' }, ({ serial }) => ends.server.reply(serial));
    const all = { ...message('GetAll', 's', ['org.example.A']), interface: properties };
    const [map] = (await ends.client.call(all)) as [Map<string, unknown>];
    expect([...map]).toEqual([['P', { signature: 's', value: 'v' }]]);
    expect(await ends.client.call(message('One'))).toEqual([]);
  });

  test('takes every kind of number', async () => {
    serve(ends.server, { All: 'ybnqiuxtdahax' }, ({ serial }) =>
      ends.server.reply(serial, 'ad', [numbers(15)]),
    );
    const values = [200, false, -2, 65535, -3, 4294967295, -5n, 2n ** 63n + 1n, 0.25, [], [-1n]];
    expect(await ends.client.call(message('All', 'ybnqiuxtdahax', values))).toEqual([
      [200, 0, -2, 65535, -3, 4294967295, -1, 4294967291, 2147483648, 1, 0.25, 0, 1, -1, 4294967295],
    ]);
  });

  test('tells of no file descriptors that an earlier call had', async () => {
    const counts: number[] = [];
    serve(ends.server, { Map: 'hub', Update: 'iiii' }, ({ serial }) => {
      counts.push(fds.count);
      for (const { fd } of receivedFds()) fs.closeSync(fd);
      ends.server.reply(serial);
    });
    await ends.client.call(message('Map', 'hub', [0, 1, true]));
    await ends.client.call(message('Update', 'iiii', [1, 2, 3, 4]));
    expect(counts).toEqual([1, 0]);
  });

  test(`takes ${MAX_FDS} file descriptors, and ends it with who sends more`, async () => {
    serve(ends.server, { Flat: 'ah' }, ({ serial }) => {
      const fds = receivedFds();
      for (const { fd } of fds) fs.closeSync(fd);
      ends.server.reply(serial, 'u', [fds.length]);
    });
    const many = (count: number): number[] => Array<number>(count).fill(0);
    expect(await ends.client.call(message('Flat', 'ah', [many(MAX_FDS)]))).toEqual([MAX_FDS]);
    const told = new Promise((resolve) => {
      ends.server.onClosed((code, reason) => {
        resolve({ code, reason });
      });
    });
    const refused = ends.client.call(message('Flat', 'ah', [many(MAX_FDS + 1)]));
    await expect(refused).rejects.toEqual(nativeError('ECONNRESET'));
    expect(await told).toEqual({ code: errno.EPROTO, reason: 'more than 8 file descriptors came at once' });
    await until(() => openFds().length === before);
  });

  test('takes 64 elements of an array and no more', async () => {
    serve(ends.server, { Flat: 'auau' }, ({ serial }) => ends.server.reply(serial, 'u', numbers(1)));
    const many = (count: number): number[] => Array<number>(count).fill(7);
    expect(await ends.client.call(message('Flat', 'auau', [many(64), many(64)]))).toEqual([64]);
    await expect(ends.client.call(message('Flat', 'auau', [[], many(65)]))).rejects.toEqual(
      busError('LimitsExceeded'),
    );
  });

  test('takes 65536 values and no more', async () => {
    serve(ends.server, { Names: 'as' }, ({ serial }) =>
      ends.server.reply(serial, 'au', [Array(65535).fill(1)]),
    );
    expect(await ends.client.call(message('Names', 'as', [Array(65535).fill('')]))).toEqual([
      Array(65535).fill(1),
    ]);
    await expect(ends.client.call(message('Names', 'as', [Array(65536).fill('')]))).rejects.toEqual(
      busError('LimitsExceeded'),
    );
    serve(ends.server, { More: '' }, ({ serial }) => ends.server.reply(serial, 'au', [Array(65536).fill(1)]));
    await expect(ends.client.call(message('More'))).rejects.toMatchObject({ code: 'EMSGSIZE' });
  });

  test('is answered once, with what fits', async () => {
    const call = new Promise<Call>((resolve) => {
      serve(ends.server, { Once: '' }, resolve);
    });
    const reply = ends.client.call(message('Once'));
    const { serial } = await call;
    expect(() => ends.server.reply(serial, 'u', ['x'])).toThrow('values must be a number');
    expect(() => ends.server.reply(serial, 'u')).toThrow('values are fewer than the signature says');
    expect(ends.server.fail(serial, 'no name', '')).toBe(-errno.EINVAL);
    expect(ends.server.reply(serial, 'u', [5])).toBe(0);
    expect(ends.server.reply(serial)).toBe(-errno.ENOENT);
    expect(ends.server.fail(serial, 'org.example.Error', '')).toBe(-errno.ENOENT);
    expect(await reply).toEqual([5]);
  });

  test('leaves no more than 1024 calls unanswered', async () => {
    const serials: number[] = [];
    serve(ends.server, { Wait: '' }, ({ serial }) => serials.push(serial));
    const calls = Array.from({ length: 1024 }, () => ends.client.call(message('Wait')));
    await expect(ends.client.call(message('Wait'))).rejects.toEqual(busError('LimitsExceeded'));
    for (const serial of serials) ends.server.reply(serial);
    await Promise.all(calls);
    expect(new Set(serials).size).toBe(1024);
  });
});

describe('signals', () => {
  test('are told to those that listen to them', async () => {
    const seen: unknown[] = [];
    const listen = (match: string): void => {
      ends.client.onSignal(match, ({ values, ...signal }) => seen.push({ ...signal, values: [...values] }));
    };
    listen(`type='signal',member='Changed'`);
    listen(`type='signal',member='Other'`);
    await ends.client.call(PING);
    ends.server.emit(message('Changed', 'su', ['a', 1]));
    ends.server.emit(message('Unheard'));
    await until(() => seen.length > 0);
    await turn(5);
    expect(seen).toEqual([
      { path: PATH, interface: INTERFACE, member: 'Changed', signature: 'su', values: ['a', 1] },
    ]);
    expect(() => {
      listen('nonsense');
    }).toThrow(nativeError('EINVAL'));
  });

  test('are no calls', async () => {
    const heard = jest.fn();
    ends.server.onSignal(`member='Call'`, heard);
    await expect(ends.client.call(message('Call'))).rejects.toEqual(busError('UnknownObject'));
    expect(heard).not.toHaveBeenCalled();
  });
});

describe('a bus', () => {
  test('sends what was said before it was ready, in order', async () => {
    const seen: string[] = [];
    serve(ends.server, { Say: 's' }, ({ serial, values }) => {
      seen.push(...(values as string[]));
      ends.server.reply(serial);
    });
    ends.client.send(message('Say', 's', ['1']));
    const call = ends.client.call(message('Say', 's', ['2']));
    ends.client.send(message('Say', 's', ['3']));
    await call;
    await until(() => seen.length === 3);
    expect(seen).toEqual(['1', '2', '3']);
    expect(ends.client.name).toBe('');
  });

  test('pauses and resumes', async () => {
    let calls = 0;
    serve(ends.server, { Count: '' }, () => calls++);
    await ends.client.call(PING);
    ends.server.pause();
    ends.client.send(message('Count'));
    await turn(20);
    expect(calls).toBe(0);
    ends.server.resume();
    await until(() => calls === 1);
  });

  test('pauses in the middle of what it has read', async () => {
    let calls = 0;
    serve(ends.server, { Count: '' }, () => {
      calls++;
      ends.server.pause();
    });
    await ends.client.call(PING);
    for (let i = 0; i < 5; i++) ends.client.send(message('Count'));
    for (let i = 1; i <= 5; i++) {
      await turn(5);
      expect(calls).toBe(i);
      ends.server.resume();
    }
  });

  test('leaves the loop its turns while a peer floods it', async () => {
    let calls = 0;
    let most = 0;
    let last = 0;
    serve(ends.server, { Flood: 'u' }, () => calls++);
    await ends.client.call(PING);
    for (let i = 0; i < 3000; i++) ends.client.send(message('Flood', 'u', [i]));
    while (calls < 3000) {
      await new Promise(setImmediate);
      most = Math.max(most, calls - last);
      last = calls;
    }
    // What was left of the last turn, and the next.
    expect(most).toBeLessThanOrEqual(64);
  });

  test('queues for a peer that does not read, but not for ever', async () => {
    await ends.client.call(PING);
    ends.server.pause();
    const bytes = new Uint8Array(65536);
    expect(() => {
      for (let i = 0; i < 10000; i++) ends.client.send(message('More', 'ay', [bytes]));
    }).toThrow(nativeError('ENOBUFS'));
    await expect(ends.client.call(message('More'))).rejects.toEqual(nativeError('ENOBUFS'));
  });
});

describe('the end of a connection', () => {
  test('rejects what is under way and is told once', async () => {
    const told: number[] = [];
    ends.client.onClosed((error) => told.push(error));
    const server = closed(ends.server);
    serve(ends.server, { Wait: '' }, () => {
      ends.server.close();
    });
    const calls = [ends.client.call(message('Wait')), ends.client.call(message('Wait'))];
    for (const call of calls) await expect(call).rejects.toEqual(nativeError('ECONNRESET'));
    await turn(20);
    expect(told).toEqual([errno.ECONNRESET]);
    await expect(ends.client.call(message('Wait'))).rejects.toEqual(nativeError('ENOTCONN'));
    expect(() => {
      ends.client.send(message('Wait'));
    }).toThrow(nativeError('ENOTCONN'));
    expect(ends.client.reply(1)).toBe(-errno.ENOENT);
    expect(await Promise.race([server, turn(5)])).toBeUndefined(); // not after close
  });

  test('comes after what was said before it', async () => {
    const events: string[] = [];
    serve(ends.client, { Last: '' }, () => events.push('call'));
    ends.client.onClosed(() => events.push('closed'));
    await ends.client.call(PING);
    ends.client.pause();
    ends.server.send(message('Last'));
    ends.server.close();
    ends.client.resume();
    await until(() => events.length === 2);
    expect(events).toEqual(['call', 'closed']);
  });

  test('rejects what is under way when it is ours', async () => {
    serve(ends.server, { Wait: '' }, () => undefined);
    const waiting = ends.client.call(message('Wait'));
    await turn(5);
    ends.client.onClosed(() => {
      throw new Error('told of a close that was asked for');
    });
    const unsent = ends.client.call(message('Wait'));
    ends.client.close();
    ends.client.close();
    for (const call of [waiting, unsent]) await expect(call).rejects.toEqual(nativeError('ECANCELED'));
    const calls = [
      () => ends.client.call(message('Any')),
      () => {
        ends.client.send(message('Any'));
      },
      () => {
        ends.client.emit(message('Any'));
      },
      () => {
        serve(ends.client, {}, () => undefined);
      },
      () => {
        ends.client.onSignal(`type='signal'`, () => undefined);
      },
      () => ends.client.reply(1),
      () => ends.client.fail(1, 'a.b', ''),
      () => {
        ends.client.onClosed(() => undefined);
      },
      () => {
        ends.client.pause();
      },
      () => {
        ends.client.resume();
      },
    ];
    for (const call of calls) expect(call).toThrow(nativeError('EBADF'));
    expect(ends.client.name).toBe('');
  });

  test.each(['a call', 'a signal', 'a reply', 'its own end'])('may be made inside %s', async (where) => {
    const { client, server } = ends;
    const done = new Promise<void>((resolve) => {
      const end = (): void => {
        client.close();
        resolve();
      };
      serve(client, { Close: 'h' }, ({ serial }) => {
        for (const { fd } of receivedFds()) fs.closeSync(fd);
        end();
        expect(() => client.reply(serial)).toThrow(nativeError('EBADF'));
      });
      client.onSignal(`type='signal'`, end);
      const ping = client.call(PING);
      if (where === 'a reply') void ping.then(end);
      if (where === 'its own end') client.onClosed(end);
      void ping.then(() => {
        if (where === 'a call') for (let i = 0; i < 3; i++) server.send(message('Close', 'h', [0]));
        if (where === 'a signal') for (let i = 0; i < 3; i++) server.emit(message('Close'));
        if (where === 'its own end') server.close();
      });
    });
    await done;
    expect(() => client.call(message('Any'))).toThrow(nativeError('EBADF'));
  });

  test('takes file descriptors that nobody has read with it', async () => {
    serve(ends.server, { Take: 'h' }, () => undefined);
    await ends.client.call(PING);
    ends.server.pause();
    for (let i = 0; i < 50; i++) ends.client.send(message('Take', 'h', [0]));
    ends.server.close();
    ends.client.close();
    await until(() => openFds().length <= before);
  });

  test('leaves a process that throws in its callbacks alone', () => {
    const printed = run(`
      const { Bus } = require(${JSON.stringify(built('dbus/bus.js'))});
      process.on('uncaughtException', (error) => console.log(error.message));
      const [left, right] = native.fdPair();
      const client = new Bus({ fd: left, side: 'client' });
      const server = new Bus({ fd: right, side: 'server' });
      const method = { interface: 'a.b', member: 'C', signature: '' };
      server.serve('/', [method], (index, serial) => { server.reply(serial); throw new Error('in a call'); });
      server.onClosed(() => { throw new Error('in onClosed'); });
      client.call({ ...method, path: '/', values: [] }).then(() => { client.close(); throw new Error('in then'); });
      process.on('unhandledRejection', (error) => console.log(error.message));
    `);
    expect(printed.trim().split('\n').sort()).toEqual(['in a call', 'in onClosed', 'in then']);
  });

  test('that is paused is nothing that a process waits for', () => {
    const printed = run(`
      const { Bus } = require(${JSON.stringify(built('dbus/bus.js'))});
      const [left, right] = native.fdPair();
      new Bus({ fd: left, side: 'client' }).pause();
      new Bus({ fd: right, side: 'server' }).pause();
      console.log('paused');
    `);
    expect(printed).toBe('paused\n');
  });
});
