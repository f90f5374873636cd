import * as fs from 'node:fs';
import * as os from 'node:os';
import { Broken } from '../../src/dbus/broken';
import { FIXED_BYTES } from '../../src/dbus/header';
import { Transport, type TransportOwner } from '../../src/dbus/transport';
import { native } from '../../src/native';
import { CLIENT } from './support/dbus';
import { openFds, openNull, turn, until } from './support/wire';

const { errno } = os.constants;
const MOST_BYTES = 1024 * 1024;
const WITHOUT_FDS = `DATA\r\nOK ${'0123456789abcdef'.repeat(2)}\r\nERROR\r\n`;

/** The least that is cut as a message: no fields, no body. */
function message(serial: number): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES);
  bytes.write('l\x04\0\x01', 'latin1');
  bytes.writeUInt32LE(serial, 8);
  return bytes;
}

const messages = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => message(index + 1)));

/** Writes down what it is given: serials, and how many messages in one go. */
class Owner implements TransportOwner {
  readonly serials: number[] = [];
  readonly rounds: number[] = [];
  readonly refused: number[] = [];
  readonly ends: [number, string][] = [];
  drains = 0;
  #round = 0;

  constructor(private readonly handle: (serial: number) => boolean = () => true) {}

  readonly message: TransportOwner['message'] = ({ view }, at) => {
    const serial = view.getUint32(at + 8, true);
    this.serials.push(serial);
    if (this.#round++ === 0) {
      queueMicrotask(() => {
        this.rounds.push(this.#round);
        this.#round = 0;
      });
    }
    return this.handle(serial);
  };

  drained(): void {
    this.drains++;
  }

  undelivered(serial: number): void {
    this.refused.push(serial);
  }

  lost(error: number, reason: string): void {
    this.ends.push([error, reason]);
  }
}

let before: number;
let far: number;
let transport: Transport;
beforeEach(() => {
  before = openFds().length;
});
afterEach(async () => {
  transport.close();
  if (far >= 0) fs.closeSync(far);
  await until(() => openFds().length <= before);
});

function start(owner: Owner, side: 'client' | 'server' = 'server'): void {
  const [near, other] = native.fdPair();
  far = other;
  transport = new Transport({ fd: near, side }, MOST_BYTES, owner);
}

/** What the far end is told next. */
async function heard(): Promise<string> {
  const bytes = Buffer.alloc(65536);
  let length = 0;
  await until(() => {
    try {
      length = fs.readSync(far, bytes);
    } catch {
      // Nothing yet.
    }
    return length > 0;
  });
  return bytes.toString('latin1', 0, length);
}

describe('what comes', () => {
  test('is handled in order, so much in a turn of the loop, though it came at once', async () => {
    const owner = new Owner();
    start(owner);
    fs.writeSync(far, Buffer.concat([Buffer.from(CLIENT), messages(100)]));
    await until(() => owner.serials.length === 100);
    expect(owner.serials).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    await turn();
    expect(owner.rounds).toEqual([32, 32, 32, 4]);
  });

  test('waits a turn for an owner that wants one', async () => {
    const owner = new Owner((serial) => serial !== 2);
    start(owner);
    fs.writeSync(far, Buffer.concat([Buffer.from(CLIENT), messages(4)]));
    await until(() => owner.serials.length === 4);
    await turn();
    expect(owner.rounds).toEqual([2, 2]);
  });

  test('waits while it is paused, also by the owner in the middle of it', async () => {
    const owner = new Owner((serial) => {
      if (serial === 3) transport.pause();
      return true;
    });
    start(owner);
    fs.writeSync(far, Buffer.concat([Buffer.from(CLIENT), messages(5)]));
    await until(() => owner.serials.length === 3);
    fs.writeSync(far, message(6));
    await turn(20);
    expect(owner.serials).toEqual([1, 2, 3]);
    transport.resume();
    await until(() => owner.serials.length === 6);
  });

  test('is not handled after the owner has closed it, who is told nothing', async () => {
    const owner = new Owner(() => {
      transport.close();
      return true;
    });
    start(owner);
    fs.writeSync(far, Buffer.concat([Buffer.from(CLIENT), messages(5)]));
    await until(() => owner.serials.length > 0);
    await turn(5);
    expect([owner.serials, owner.ends]).toEqual([[1], []]);
  });
});

describe('what goes', () => {
  test('waits for the authentication', async () => {
    start(new Owner());
    expect(transport.post(message(1), 1)).toBe(0);
    fs.writeSync(far, '\0');
    fs.writeSync(far, 'AUTH EXTERNAL\r\n');
    expect(await heard()).toBe('DATA\r\n');
    fs.writeSync(far, 'DATA\r\nBEGIN\r\n');
    const [line, rest] = (await heard()).split('\r\n');
    expect(line).toMatch(/^OK [0-9a-f]{32}$/);
    expect(rest).toBe(message(1).toString('latin1'));
  });

  test('has no file descriptors where the peer takes none, before it says so or after', async () => {
    const owner = new Owner();
    start(owner, 'client');
    const fd = openNull();
    expect(transport.post(message(1), 1, [fd])).toBe(0);
    expect(transport.post(message(2), 2)).toBe(0);
    await heard();
    fs.writeSync(far, WITHOUT_FDS);
    expect(await heard()).toBe(message(2).toString('latin1'));
    expect(owner.refused).toEqual([1]);
    expect(transport.post(message(3), 3, [fd])).toBe(-errno.ENOTSUP);
    fs.closeSync(fd);
    expect(owner.ends).toEqual([]);
  });
});

describe('the end', () => {
  test('is told once, with what the owner found wrong', async () => {
    const owner = new Owner(() => {
      throw new Broken('it is no good', errno.EPERM);
    });
    start(owner);
    fs.writeSync(far, Buffer.concat([Buffer.from(CLIENT), messages(5)]));
    await until(() => owner.ends.length > 0);
    await turn(5);
    expect([owner.serials, owner.ends]).toEqual([[1], [[errno.EPERM, 'it is no good']]]);
    expect(transport.usable).toBe(false);
  });

  test('is told later, where there was no beginning', async () => {
    far = -1;
    const owner = new Owner();
    transport = new Transport({ address: 'tcp:host=localhost' }, MOST_BYTES, owner);
    expect([transport.usable, owner.ends]).toEqual([false, []]);
    expect(transport.post(message(1), 1)).toBe(0);
    await until(() => owner.ends.length > 0);
    expect(owner.ends).toEqual([[errno.EPROTONOSUPPORT, '']]);
  });

  test('is told later, when nobody takes what is sent', async () => {
    const owner = new Owner();
    start(owner);
    fs.writeSync(far, CLIENT);
    await heard();
    fs.closeSync(far);
    far = -1;
    expect(transport.post(message(1), 1)).toBe(0);
    expect([transport.usable, owner.ends]).toEqual([false, []]);
    await until(() => owner.ends.length > 0);
    expect(owner.ends).toEqual([[errno.EPIPE, '']]);
  });
});
