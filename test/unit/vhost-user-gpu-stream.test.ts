import * as fs from 'node:fs';
import { MessageStream, ProtocolError, type MessageHandler } from '../../src/guest/vhost-user-gpu/stream';
import { MAX_FDS } from '../../src/native';
import { Random } from './support/random';
import {
  arrive,
  isOpen,
  openFds,
  openNull,
  raw,
  request,
  until,
  update,
  words as payload,
} from './support/wire';

const SIZES = [0, 0, 8, 0, 12, 12, 16404, 12, 20, 40, 20, 4, 48];
const takesFd = (id: number): boolean => id === 9 || id === 12;

/** Writes down what the stream calls for, and takes an fd with every scanout, as a connection does. */
class Recorder implements MessageHandler {
  readonly stream = new MessageStream(this);
  readonly messages: string[] = [];
  readonly files: string[] = [];
  handled = 0;
  #pixels: Buffer[] = [];
  #rectangle = '';

  /** Handles what came in one read. */
  take(data: Uint8Array, fds: readonly number[] = []): void {
    this.handled += this.stream.take(arrive(data, fds));
  }

  message(id: number, words: Uint32Array, bytes: Uint8Array, at: number): void {
    const size = SIZES[id]!;
    expect(Buffer.from(words.buffer, at * 4, size).equals(bytes.subarray(at * 4, at * 4 + size))).toBe(true);
    this.messages.push(`${id} ${Buffer.from(bytes.subarray(at * 4, at * 4 + size)).toString('hex')}`);
    if (!takesFd(id)) return;
    const fd = this.stream.takeFd();
    this.files.push(fd < 0 ? 'none' : `${this.stream.identity.device}:${this.stream.identity.inode}`);
    if (fd >= 0) fs.closeSync(fd);
  }

  pixelsBegin(words: Uint32Array, at: number, bytes: number): void {
    this.#rectangle = [...words.subarray(at, at + 5)].join(',');
    this.#pixels = [];
    if (bytes !== words[at + 3]! * words[at + 4]! * 4) throw new ProtocolError('wrong size');
  }

  pixels(bytes: Uint8Array, from: number, to: number): void {
    expect(to).toBeGreaterThanOrEqual(from);
    this.#pixels.push(Buffer.from(bytes.slice(from, to)));
  }

  pixelsEnd(): void {
    this.messages.push(`8 ${this.#rectangle} ${Buffer.concat(this.#pixels).toString('hex')}`);
  }
}

function played(pieces: readonly Uint8Array[]): Recorder {
  const recorder = new Recorder();
  for (const piece of pieces) recorder.take(piece);
  return recorder;
}

function cut(session: Buffer, ...at: readonly number[]): Buffer[] {
  const ends = [...at.filter((end) => end > 0 && end < session.length), session.length];
  return ends.map((end, index) => session.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const pointer = Buffer.from(Uint8Array.from({ length: 64 * 64 * 4 }, (_, index) => index * 7));
const session = Buffer.concat([
  request(1),
  request(2, 3, 0),
  request(3),
  request(7, 0, 640, 480),
  update(0, 1, 2, 3, 5, 1000),
  request(4, 0, 10, 20),
  update(0, 0, 0, 1, 1, 77),
  update(1, 9, 9, 7, 1, 5),
  request(10, 0, 0, 0, 640, 480),
  request(11, 2),
]);
const told = [
  '1 ',
  '2 0300000000000000',
  '3 ',
  `7 ${payload(0, 640, 480).toString('hex')}`,
  `8 0,1,2,3,5 ${payload(...Array.from({ length: 15 }, (_, index) => 1000 + index)).toString('hex')}`,
  `4 ${payload(0, 10, 20).toString('hex')}`,
  `8 0,0,0,1,1 ${payload(77).toString('hex')}`,
  `8 1,9,9,7,1 ${payload(5, 6, 7, 8, 9, 10, 11).toString('hex')}`,
  `10 ${payload(0, 0, 0, 640, 480).toString('hex')}`,
  `11 ${payload(2).toString('hex')}`,
];

describe('a session', () => {
  test('is told message by message', () => {
    const { messages, handled } = played([session]);
    expect(messages).toEqual(told);
    expect(handled).toBe(told.length);
  });

  test('is the same wherever it is cut in two', () => {
    for (let at = 1; at < session.length; at++) {
      const { messages, handled } = played(cut(session, at));
      expect({ at, messages, handled }).toEqual({ at, messages: told, handled: told.length });
    }
  });

  test('is the same cut in pieces of any one size, single bytes too', () => {
    for (let size = 1; size < 70; size++) {
      const pieces = cut(session, ...Array.from({ length: session.length }, (_, index) => index * size));
      expect({ size, messages: played(pieces).messages }).toEqual({ size, messages: told });
    }
  });

  test('is the same cut at random, with large messages', () => {
    const random = new Random(4);
    const large = Buffer.concat([
      raw(6, 0, 16404, Buffer.concat([payload(0, 1, 2, 3, 4), pointer])),
      session,
      update(0, 0, 0, 100, 200),
      raw(6, 0, 16404, Buffer.concat([payload(1, 5, 6, 7, 8), pointer])),
      session,
    ]);
    const whole = played(cut(large, 60_000)).messages;
    expect(whole).toHaveLength(2 * told.length + 3);
    for (let round = 0; round < 60; round++) {
      const cuts = Array.from({ length: 1 + random.below(12) }, () => 1 + random.below(large.length - 1));
      // Never more at once than the exchange holds.
      const pieces = cut(large, ...[...new Set([...cuts, 40_000, 80_000])].sort((a, b) => a - b));
      expect(played(pieces).messages).toEqual(whole);
    }
  });

  test('goes on after pixels that end at an odd byte of a read', () => {
    const after = Buffer.concat([request(4, 0, 1, 2), update(0, 0, 0, 1, 1, 9), request(5, 0, 3, 4)]);
    const start = update(0, 0, 0, 4, 4);
    for (let left = 1; left < 30; left++) {
      const { messages } = played([
        start.subarray(0, start.length - left),
        Buffer.concat([start.subarray(-left), after]),
      ]);
      expect(messages.slice(1)).toEqual([
        `4 ${payload(0, 1, 2).toString('hex')}`,
        `8 0,0,0,1,1 ${payload(9).toString('hex')}`,
        `5 ${payload(0, 3, 4).toString('hex')}`,
      ]);
    }
  });

  test('fills the exchange to the last byte', () => {
    const moves = Buffer.concat(Array.from({ length: 2731 }, (_, index) => request(4, 0, index, index)));
    const recorder = new Recorder();
    recorder.take(moves.subarray(0, 65536));
    recorder.take(moves.subarray(65536));
    expect(recorder.handled).toBe(2731);
    expect(new Set(recorder.messages).size).toBe(2731);
  });
});

describe('file descriptors', () => {
  const scanout = (head: number): Buffer => request(12, head, 0, 0, 8, 8, 8, 8, 32, 0, 0x34325258, 0, 0);
  const identity = (fd: number): string => {
    const { dev, ino } = fs.fstatSync(fd);
    return `${dev}:${ino}`;
  };
  const files = (): number[] => ['/dev/null', '/dev/zero', '/dev/full'].map((file) => fs.openSync(file, 'r'));

  test('belong to the message they came with', () => {
    const [first, second, third] = files() as [number, number, number];
    const names = [first, second, third].map(identity);
    const recorder = new Recorder();
    recorder.take(scanout(0), [first]);
    recorder.take(Buffer.concat([scanout(1), request(4, 0, 0, 0)]), [second]);
    recorder.take(scanout(2), [third]);
    expect(recorder.files).toEqual(names);
    expect([first, second, third].map(isOpen)).toEqual([false, false, false]);
  });

  test('come with the first byte, wherever the message is cut', () => {
    const whole = scanout(0);
    for (let at = 1; at < whole.length; at++) {
      const [fd, , ...rest] = files() as [number, number, number];
      const name = identity(fd);
      const recorder = new Recorder();
      recorder.take(whole.subarray(0, at), [fd]);
      expect(recorder.files).toEqual([]);
      recorder.take(whole.subarray(at));
      expect(recorder.files).toEqual([name]);
      for (const other of [fd + 1, ...rest]) if (isOpen(other)) fs.closeSync(other);
    }
  });

  test('are taken in order when several messages are read at once', () => {
    const fds = files();
    const names = fds.map(identity);
    const recorder = new Recorder();
    recorder.take(Buffer.concat([scanout(0), scanout(1), scanout(2)]), fds);
    expect(recorder.files).toEqual(names);
  });

  test('are waited for no longer than their own message', () => {
    const recorder = new Recorder();
    recorder.take(scanout(0));
    expect(recorder.files).toEqual(['none']);
  });

  test('that came with a message that takes none are refused, and closed', async () => {
    const fds = [openNull(), openNull()];
    const recorder = new Recorder();
    expect(() => {
      recorder.take(request(4, 0, 1, 2), fds);
    }).toThrow(new ProtocolError('2 file descriptor(s) came with a message that takes none'));
    recorder.stream.close();
    await until(() => !fds.some(isOpen));
  });

  test(`of which more than ${MAX_FDS} wait are refused, and all closed`, async () => {
    const recorder = new Recorder();
    const part = request(4, 0, 1, 2).subarray(0, 5);
    const first = Array.from({ length: MAX_FDS - 2 }, openNull);
    const second = Array.from({ length: 5 }, openNull);
    recorder.take(part, first);
    expect(() => {
      recorder.take(part.subarray(0, 1), second);
    }).toThrow(new ProtocolError('too many file descriptors'));
    recorder.stream.close();
    await until(() => ![...first, ...second].some(isOpen));
  });

  test('of a stream that ends in the middle of a message are closed', async () => {
    const fd = openNull();
    const recorder = new Recorder();
    recorder.take(scanout(0).subarray(0, 13), [fd]);
    expect(isOpen(fd)).toBe(true);
    recorder.stream.close();
    await until(() => !isOpen(fd));
    recorder.stream.close();
  });
});

describe('refused are', () => {
  test.each<[string, Buffer, string]>([
    ['an unknown request', raw(13, 0, 0), 'unknown request 13'],
    ['request 0', raw(0, 0, 0), 'unknown request 0'],
    ['garbage', Buffer.alloc(12, 0xff), 'unknown request 4294967295'],
    ['a reply', raw(1, 4, 0), 'request 1 is marked as a reply'],
    ['a reply among other flags', raw(4, 0xffffffff, 12), 'request 4 is marked as a reply'],
    ['a payload that is too long', raw(1, 0, 4), 'request 1 has 4 bytes of payload instead of 0'],
    ['a payload that is too short', raw(4, 0, 8), 'request 4 has 8 bytes of payload instead of 12'],
    ['a huge payload', raw(4, 0, 0xffffffff), 'request 4 has 4294967295 bytes of payload instead of 12'],
    [
      'an UPDATE without pixels',
      raw(8, 0, 20),
      'request 8 has 20 bytes of payload instead of 20 and whole pixels',
    ],
    [
      'an UPDATE with half a pixel',
      raw(8, 0, 26),
      'request 8 has 26 bytes of payload instead of 20 and whole pixels',
    ],
  ])('%s', async (_what, bytes, message) => {
    const fd = openNull();
    const recorder = new Recorder();
    expect(() => {
      recorder.take(Buffer.concat([request(3), bytes]), [fd]);
    }).toThrow(new ProtocolError(message));
    expect(recorder.messages).toEqual(['3 ']);
    recorder.stream.close();
    await until(() => !isOpen(fd));
  });

  test('every size but the right one, as soon as the header is there', () => {
    for (const [id, size] of SIZES.entries()) {
      if (id === 0 || id === 8) continue;
      for (const wrong of [size + 1, size - 1, size + 4, size * 2 + 1]) {
        if (wrong >= 0) expect(() => played([raw(id, 0, wrong)])).toThrow(ProtocolError);
      }
      expect(() => played([raw(id, 0, size)])).not.toThrow();
    }
  });

  test('other flags are not', () => {
    expect(played([raw(3, 0xfffffffb, 0)]).messages).toEqual(['3 ']);
  });
});

test('20,000 hostile streams neither crash, nor loop, nor leak a file descriptor', async () => {
  const random = new Random(5);
  const before = openFds().length;
  const requests = [
    ...[request(1), request(3), request(4, 0, 1, 2), request(10, 0, 0, 0, 4, 4), update(0, 0, 0, 3, 3)],
    request(12, 0, 0, 0, 8, 8, 8, 8, 32, 0, 1, 0, 0),
    request(9, 1, 0, 0, 8, 8, 8, 8, 32, 0, 1),
    raw(6, 0, 16404, Buffer.alloc(16404)),
  ];
  let refused = 0;
  let handled = 0;
  const started = performance.now();
  for (let round = 0; round < 20_000; round++) {
    const recorder = new Recorder();
    const stream = Buffer.concat(
      Array.from({ length: 1 + random.below(5) }, () =>
        random.chance(0.1)
          ? Buffer.from(Uint8Array.from({ length: random.below(60) }, () => random.below(256)))
          : random.pick(requests),
      ),
    );
    for (let flips = random.below(3); flips > 0; flips--) {
      stream[random.below(Math.min(stream.length, 200))] = random.pick([
        0,
        1,
        4,
        8,
        12,
        20,
        255,
        random.below(256),
      ]);
    }
    try {
      for (let at = 0; at < stream.length;) {
        const end = at + 1 + random.below(random.chance(0.5) ? 30 : 20_000);
        const fds = random.chance(0.15) ? Array.from({ length: 1 + random.below(3) }, openNull) : [];
        recorder.take(stream.subarray(at, end), fds);
        at = end;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused++;
    }
    handled += recorder.handled;
    recorder.stream.close();
  }
  // Both kinds were among them, in numbers.
  expect(refused).toBeGreaterThan(4000);
  expect(handled).toBeGreaterThan(10_000);
  expect(performance.now() - started).toBeLessThan(25_000);
  await until(() => openFds().length <= before);
}, 30_000);
