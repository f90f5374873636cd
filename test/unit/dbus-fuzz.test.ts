import * as os from 'node:os';
import { Bus } from '../../src/dbus/bus';
import type { BusValue } from '../../src/dbus/values';
import { native, type NativeSocket } from '../../src/native';
import { CLIENT, message, receivedFds, serve } from './support/dbus';
import { Random } from './support/random';
import { openFds, openNull, until } from './support/wire';
import * as fs from 'node:fs';

const { errno } = os.constants;
const SEED = 20260;
const CONNECTIONS = 600;
const SERVER = `DATA\r\nOK ${'0123456789abcdef'.repeat(2)}\r\nAGREE_UNIX_FD\r\n`;

/** What a bus sends, message by message. */
async function recorded(
  ...calls: readonly (readonly [string, string, readonly BusValue[]])[]
): Promise<Buffer[]> {
  const [own, far] = native.fdPair();
  const bus = new Bus({ fd: own, side: 'client' });
  fs.writeSync(far, SERVER);
  const bytes = Buffer.alloc(65536);
  const read = (): Buffer => {
    try {
      return Buffer.from(bytes.subarray(0, fs.readSync(far, bytes)));
    } catch {
      return Buffer.alloc(0);
    }
  };
  await new Promise((resolve) => setTimeout(resolve, 20));
  read();
  const messages: Buffer[] = [];
  for (const [member, signature, values] of calls) {
    bus.send(message(member, signature, values));
    messages.push(read());
    bus.emit(message(member, signature, values));
    messages.push(read());
  }
  bus.close();
  fs.closeSync(far);
  expect(messages.every(({ length }) => length > 0)).toBe(true);
  return messages;
}

/** A message with a few things wrong, or none. */
function mutated(bytes: Buffer, random: Random): Buffer {
  const broken = Buffer.from(bytes);
  for (let changes = random.below(4); changes > 0; changes--) {
    const at = random.below(broken.length);
    switch (random.below(5)) {
      case 0:
        broken[at] = random.below(256);
        break;
      case 1:
        broken[at]! ^= 1 << random.below(8);
        break;
      case 2:
        broken.writeUInt32LE(
          random.pick([0, 1, 7, 255, 65536, 0x7fffffff, 0xffffffff]),
          Math.min(at & ~3, broken.length - 4),
        );
        break;
      case 3:
        return Buffer.concat([broken.subarray(0, at), broken.subarray(random.below(broken.length))]);
      default:
        broken[0] = 0x42;
    }
  }
  return broken;
}

test('whatever a peer sends is a message or ends the connection, and leaves nothing behind', async () => {
  const null_ = openNull();
  const before = openFds().length;
  const random = new Random(SEED);
  const messages = await recorded(
    ['Call', 'sauva{su}', ['text', [1, 2], { signature: 'as', value: ['a', 'b'] }, new Map([['k', 1]])]],
    ['Flat', 'auuxtbdyqn', [[1, 2, 3], 2, -1n, 3n, true, 0.5, 1, 2, -3]],
    ['Take', 'hah', [null_, [null_]]],
    [
      'Nested',
      '(ya(oga{tv}))',
      [[1, [['/a', 'ay', new Map([[1n, { signature: 'v', value: { signature: 'd', value: 1 } }]])]]]],
    ],
    ['Bytes', 'uay', [1, new Uint8Array(5000)]],
  );
  const errors: unknown[] = [];
  const note = (error: unknown): number => errors.push(error);
  process.on('uncaughtException', note);
  const ends = new Map<number, number>();
  let calls = 0;

  for (let count = 0; count < CONNECTIONS; count++) {
    const [own, far] = native.fdPair();
    const bus = new Bus({ fd: own, side: 'server' }, 65536);
    const peer: NativeSocket = native.adopt(far);
    let end = 0;
    bus.onClosed((code) => {
      end = code;
    });
    const answer = ({ serial }: { serial: number }): void => {
      calls++;
      if (random.chance(0.5))
        receivedFds().forEach(({ fd }) => {
          fs.closeSync(fd);
        });
      if (serial !== 0) bus.reply(serial);
    };
    serve(
      bus,
      { Call: 'sauva{su}', Flat: 'auuxtbdyqn', Take: 'hah', Nested: '(ya(oga{tv}))', Bytes: 'uay' },
      answer,
    );
    bus.onSignal(`type='signal'`, () => calls++);
    peer.send(
      Buffer.from(
        random.chance(0.95) ? CLIENT : mutated(Buffer.from(CLIENT), random).toString('latin1'),
        'latin1',
      ),
    );
    for (let left = random.below(8); left > 0 && end === 0; left--) {
      const whole = random.pick(messages);
      const bytes = random.chance(0.1)
        ? Buffer.from(Array.from({ length: 1 + random.below(200) }, () => random.below(256)))
        : random.chance(0.5)
          ? whole
          : mutated(whole, random);
      const fds = whole.includes('Take') === random.chance(0.95) ? [null_, null_] : [];
      const cut = random.chance(0.3) ? 1 + random.below(bytes.length) : bytes.length;
      peer.send(bytes.subarray(0, cut), fds);
      if (random.chance(0.5)) await new Promise(setImmediate);
      if (cut < bytes.length) peer.send(bytes.subarray(cut));
    }
    peer.close();
    await until(() => end !== 0);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    bus.close();
  }

  await until(() => openFds().length <= before);
  process.off('uncaughtException', note);
  fs.closeSync(null_);
  expect(errors).toEqual([]);
  expect(calls).toBeGreaterThan(CONNECTIONS / 4);
  // A peer that went before it was answered, one that went, one that broke the protocol, and a message too large.
  const known = [errno.EPIPE, errno.ECONNRESET, errno.EPROTO, errno.EPERM, errno.ENOBUFS, errno.EIO];
  expect(known).toEqual(expect.arrayContaining([...ends.keys()]));
  expect(ends.get(errno.EPROTO)).toBeGreaterThan(CONNECTIONS / 10);
});
