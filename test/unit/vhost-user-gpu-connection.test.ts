import type { BufferLayout, CursorImage, PixelMemory, Viewport } from '../../src/buffers';
import * as fs from 'node:fs';
import type { Display, GuestHost, GuestLink, HeadSink } from '../../src/guest/sink';
import { Connection } from '../../src/guest/vhost-user-gpu/connection';
import { native, type NativeSocket } from '../../src/native';
import { Random } from './support/random';
import { isOpen, openFds, openNull, raw, request, turn, until, update, words } from './support/wire';

const XR24 = 0x34325258;

/** A head that writes down what it is told. */
class Head implements HeadSink {
  readonly events: string[] = [];
  image: Uint8Array | undefined;
  canvasBytes: Uint8Array = new Uint8Array(0);
  /** Called at every update, with its frame. */
  onUpdate: (frame: number) => void = () => undefined;
  refusal: string | undefined;

  readonly visible = true;

  scanout(layout: BufferLayout, screen: Viewport): void {
    const { fd, inode, pitch } = layout.planes[0]!;
    const known = fs.fstatSync(fd).ino === inode;
    fs.closeSync(fd);
    if (this.refusal !== undefined) throw new Error(this.refusal);
    const { width, height, format, modifierHigh, modifierLow, bottomUp } = layout;
    const at = `${screen.width}x${screen.height}+${screen.x}+${screen.y}`;
    this.events.push(
      `scanout ${at} of ${width}x${height} ${pitch} ${format} ${modifierHigh}:${modifierLow}${bottomUp ? ' bottom up' : ''}${known ? '' : ' unknown'}`,
    );
  }
  canvas({ width, height, source }: PixelMemory): void {
    this.canvasBytes = source as Uint8Array;
    this.events.push(`canvas ${width}x${height} ${this.canvasBytes.length}`);
  }
  update(frame: number, x: number, y: number, width: number, height: number): void {
    this.events.push(`update ${frame} ${width}x${height}+${x}+${y}`);
    this.onUpdate(frame);
  }
  off(): void {
    this.events.push('off');
  }
  cursorImage({ pixels }: CursorImage, hotX: number, hotY: number): void {
    this.image = pixels;
    this.events.push(`image ${hotX},${hotY}`);
  }
  cursorMove(x: number, y: number, visible: boolean): void {
    this.events.push(`pointer ${x},${y} ${visible ? 'visible' : 'hidden'}`);
  }
}

/** A connection over a real socket pair: the guest's end, and what the host was told. */
class Session implements GuestHost, GuestLink {
  readonly guest = 'sensors';
  readonly kind = 'vhost-user-gpu';
  readonly address = '';
  readonly heads = new Map<number, Head>();
  readonly displays = new Map<number, Display>();
  readonly #end: NativeSocket;
  readonly connection: Connection;
  received = Buffer.alloc(0);
  closed: string | undefined;
  floods = 0;

  constructor() {
    const [guest, daemon] = native.socketPair();
    this.#end = guest;
    this.connection = new Connection(
      this,
      daemon,
      this,
      (reason) => {
        expect(this.closed).toBeUndefined();
        this.closed = reason;
      },
      () => this.floods++,
    );
  }

  /** Reads replies from now on. */
  read(): this {
    this.#end.onData((length) => {
      if (length > 0)
        this.received = Buffer.concat([this.received, new Uint8Array(native.exchange, 0, length)]);
    });
    return this;
  }

  /** Sends as much as the socket takes; returns the bytes that were left. */
  send(bytes: Uint8Array, fds: readonly number[] = []): number {
    const sent = this.#end.send(bytes, fds);
    for (const fd of fds) fs.closeSync(fd);
    return bytes.length - Math.max(0, sent);
  }

  leave(): void {
    this.#end.close();
  }
  events(head = 0): string[] {
    return this.heads.get(head)?.events ?? [];
  }
  /** Replies so far, by the request they answer. */
  replies(): number[] {
    const found: number[] = [];
    for (let at = 0; at + 12 <= this.received.length; at += 12 + this.received.readUInt32LE(at + 8)) {
      expect(this.received.readUInt32LE(at + 4)).toBe(4);
      found.push(this.received.readUInt32LE(at));
    }
    return found;
  }

  connected(): void {
    throw new Error('the connection does not say so');
  }
  disconnected(): void {
    throw new Error('the connection does not say so');
  }
  condition(): void {
    throw new Error('the protocol does not know');
  }
  troubled(): void {
    throw new Error('there is none');
  }
  displaysChanged(): void {
    throw new Error('asked of the link');
  }
  wanted(): void {
    throw new Error('asked of the link');
  }
  head(_link: GuestLink, index: number): Head {
    const head = new Head();
    expect(this.heads.has(index)).toBe(false);
    this.heads.set(index, head);
    return head;
  }
  display(_link: GuestLink, index: number): Display | undefined {
    return this.displays.get(index);
  }
  shown(): void {
    throw new Error('asked of the link');
  }
  refuse(): void {
    throw new Error('asked of the link');
  }
  close(): void {
    this.connection.close('the test is over');
    this.#end.close();
  }
}

const scanout = (head: number, width = 64, height = 32): Buffer =>
  request(12, head, 0, 0, width, height, width, height, width * 4, 0, XR24, 7, 0x01000000);
const flip = (head: number): Buffer => request(10, head, 0, 0, 64, 32);
const many = (count: number, message: Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => message));

let session: Session;
let before: string[];
beforeEach(() => {
  before = openFds();
  session = new Session();
});
afterEach(async () => {
  session.close();
  await until(() => openFds().length <= before.length);
});

describe('a guest', () => {
  test('asks what there is, and is answered at once and in order', async () => {
    session.displays.set(0, {
      width: 1920,
      height: 1080,
      refresh: 60_000,
      mmWidth: 1,
      mmHeight: 1,
      edid: Buffer.alloc(128, 1),
    });
    session
      .read()
      .send(Buffer.concat([request(1), request(2, 3, 0), request(3), request(11, 0), request(11, 15)]));
    await until(() => session.replies().length === 4);
    expect(session.replies()).toEqual([1, 3, 11, 11]);
    const edid = session.received.subarray(20 + 420 + 12);
    expect(session.received.readUInt32LE(20 + 12 + 24 + 8)).toBe(1920);
    expect(edid.subarray(32, 160).equals(Buffer.alloc(128, 1))).toBe(true);
    // A head that no monitor is for has one made for it: a valid one, by its sum.
    const made = session.received.subarray(20 + 420 + 1068 + 12 + 32).subarray(0, 128);
    expect(made.readUInt32LE(0)).toBe(0xffffff00);
    expect(made.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
  });

  test('shows a buffer, and is answered when it was shown and not before', async () => {
    session.read().send(scanout(0), [openNull()]);
    session.send(Buffer.concat([flip(0), request(1)]));
    await until(() => session.replies().length === 1);
    expect(session.replies()).toEqual([1]);
    expect(session.events()).toEqual([
      `scanout 64x32+0+0 of 64x32 256 ${XR24} 16777216:7`,
      'update 1 64x32+0+0',
    ]);
    session.connection.shown(0, 1);
    await until(() => session.replies().length === 2);
    expect(session.received.subarray(-12).toString('hex')).toBe('0a0000000400000000000000');
  });

  test('gets one answer for each update, also when only the last of several is shown', async () => {
    session.read().send(scanout(0), [openNull()]);
    session.send(many(5, flip(0)));
    await until(() => session.events().length === 6);
    session.connection.shown(0, 2);
    session.connection.shown(0, 2);
    session.connection.shown(0, 1);
    await until(() => session.replies().length === 2);
    session.connection.shown(0, 5);
    await until(() => session.replies().length === 5);
    await turn(5);
    expect(session.replies()).toEqual([10, 10, 10, 10, 10]);
  });

  test('is answered at once for a head without a buffer', async () => {
    session.read().send(Buffer.concat([flip(3), request(9, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0), flip(3)]));
    await until(() => session.replies().length === 2);
    expect(session.events(3)).toEqual(['update 1 64x32+0+0', 'off', 'update 2 64x32+0+0']);
  });

  test('with the older request has linear buffers', async () => {
    session.send(request(9, 0, 4, 8, 16, 16, 64, 32, 256, 0, XR24), [openNull()]);
    await until(() => session.events().length === 1);
    expect(session.events()).toEqual([`scanout 16x16+4+8 of 64x32 256 ${XR24} 0:0`]);
  });

  test('moves its pointer, over the edges too', async () => {
    const image = Buffer.from(Uint8Array.from({ length: 64 * 64 * 4 }, (_, index) => index * 3));
    session.send(raw(6, 0, 16404, Buffer.concat([words(0, 5, 6, 63, 0), image])));
    session.send(Buffer.concat([request(4, 0, 0xfffffff0, 7), request(5, 0, 1, 0xffffffff)]));
    await until(() => session.events().length === 4);
    expect(session.events()).toEqual([
      'image 63,0',
      'pointer 5,6 visible',
      'pointer -16,7 visible',
      'pointer 1,-1 hidden',
    ]);
    expect(image.equals(session.heads.get(0)!.image!)).toBe(true);
  });

  test('sends pixels that land where they belong, without an answer', async () => {
    session
      .read()
      .send(
        Buffer.concat([
          request(7, 0, 4, 3),
          update(0, 1, 1, 2, 2, 10),
          update(0, 3, 0, 1, 3, 20),
          request(1),
        ]),
      );
    await until(() => session.replies().length === 1);
    expect(session.events()).toEqual(['canvas 4x3 48', 'update 1 2x2+1+1', 'update 2 1x3+3+0']);
    const canvas = new Uint32Array(session.heads.get(0)!.canvasBytes.buffer);
    expect([...canvas]).toEqual([0, 0, 0, 20, 0, 10, 11, 21, 0, 12, 13, 22]);
    session.connection.shown(0, 2);
    await turn(5);
    expect(session.replies()).toEqual([1]);
  });

  test('goes from pixels to buffers and off', async () => {
    session.send(request(7, 0, 4, 3));
    session.send(scanout(0), [openNull()]);
    session.send(Buffer.concat([request(7, 0, 8, 8), request(7, 0, 0, 8)]));
    await until(() => session.events().length === 4);
    expect(session.events().map((event) => event.split(' ')[0])).toEqual([
      'canvas',
      'scanout',
      'canvas',
      'off',
    ]);
  });
});

describe('a guest is disconnected, and its files closed, when it', () => {
  const huge = 0xffffffff;
  test.each<[string, Buffer, string]>([
    ['names a head that is not there', request(4, 16, 0, 0), 'scanout 16: there are 0 to 15'],
    ['asks for the EDID of one', request(11, huge), 'scanout 4294967295: there are 0 to 15'],
    [
      'has a hot spot outside its pointer',
      raw(6, 0, 16404, Buffer.concat([words(0, 0, 0, 64, 0), Buffer.alloc(16384)])),
      'cursor hot spot 64,0 outside its 64x64 image',
    ],
    [
      'has one far below it',
      raw(6, 0, 16404, Buffer.concat([words(0, 0, 0, 0, huge), Buffer.alloc(16384)])),
      'cursor hot spot 0,4294967295 outside its 64x64 image',
    ],
    [
      'asks for a scanout beyond the limits',
      request(7, 0, 16385, 1),
      'SCANOUT of 16385x1: more than 256 MiB of pixels',
    ],
    [
      'asks for an absurd one',
      request(7, 0, huge, huge),
      'SCANOUT of 4294967295x4294967295: more than 256 MiB of pixels',
    ],
    [
      'asks for more pixels than there may be',
      request(7, 0, 16384, 4097),
      'SCANOUT of 16384x4097: more than 256 MiB of pixels',
    ],
    [
      'asks for them in two heads',
      Buffer.concat([request(7, 0, 8192, 4096), request(7, 1, 8192, 4097)]),
      'SCANOUT of 8192x4097: more than 256 MiB of pixels',
    ],
    ['updates without a scanout', update(0, 0, 0, 1, 1), 'UPDATE before SCANOUT'],
    [
      'leaves its scanout to the right',
      Buffer.concat([request(7, 0, 4, 4), update(0, 3, 0, 2, 1)]),
      'UPDATE of 2x1 at 3,0 in a 4x4 scanout',
    ],
    [
      'leaves its scanout far to the right',
      Buffer.concat([request(7, 0, 4, 4), update(0, huge, 0, 1, 1)]),
      'UPDATE of 1x1 at 4294967295,0 in a 4x4 scanout',
    ],
    [
      'updates nothing',
      Buffer.concat([request(7, 0, 4, 4), raw(8, 0, 24, words(0, 0, 0, 0, 1, 0))]),
      'UPDATE of 0x1 at 0,0 in a 4x4 scanout',
    ],
    [
      'has more pixels than it says',
      Buffer.concat([request(7, 0, 4, 4), raw(8, 0, 28, words(0, 0, 0, 1, 1, 0, 0))]),
      'UPDATE of 1x1 with 8 bytes of pixels instead of 4',
    ],
    [
      'has fewer',
      Buffer.concat([request(7, 0, 4, 4), raw(8, 0, 24, words(0, 0, 0, 2, 2, 0))]),
      'UPDATE of 2x2 with 4 bytes of pixels instead of 16',
    ],
    ['sends no file descriptor with a buffer', scanout(0), 'DMABUF_SCANOUT without a file descriptor'],
    ['sends what is no request', raw(99, 0, 0), 'unknown request 99'],
  ])('%s', async (_what, bytes, reason) => {
    session.send(bytes);
    await until(() => session.closed !== undefined);
    expect(session.closed).toBe(reason);
  });

  test.each<[string, Buffer, string]>([
    [
      'has a buffer beyond the limits',
      request(12, 0, 0, 0, 8, 8, 16385, 8, 32, 0, XR24, 0, 0),
      'scanout of 8x8 at 0,0 in a buffer of 16385x8',
    ],
    [
      'has a picture that leaves its buffer',
      request(12, 0, 1, 0, 8, 8, 8, 8, 32, 0, XR24, 0, 0),
      'scanout of 8x8 at 1,0 in a buffer of 8x8',
    ],
    [
      'has one that is far away',
      request(12, 0, 0, huge, 8, 8, 8, 8, 32, 0, XR24, 0, 0),
      'scanout of 8x8 at 0,4294967295 in a buffer of 8x8',
    ],
    ['names no such head', scanout(77), 'scanout 77: there are 0 to 15'],
    [
      'switches off with a file descriptor',
      scanout(0, 0, 0),
      '1 file descriptor(s) came with a message that takes none',
    ],
    [
      'sends one with any other request',
      request(1),
      '1 file descriptor(s) came with a message that takes none',
    ],
  ])('%s, file descriptor and all', async (_what, bytes, reason) => {
    session.send(bytes, [openNull()]);
    await until(() => session.closed !== undefined);
    expect(session.closed).toBe(reason);
  });

  test('sends a buffer that cannot be shown', async () => {
    session.send(request(4, 0, 0, 0));
    await until(() => session.heads.has(0));
    session.heads.get(0)!.refusal = 'pixel format 0x00000001 is not supported';
    session.send(scanout(0), [openNull()]);
    await until(() => session.closed !== undefined);
    expect(session.closed).toBe('pixel format 0x00000001 is not supported');
  });

  test('sends too many file descriptors', async () => {
    session.send(scanout(0), Array.from({ length: 9 }, openNull));
    await until(() => session.closed !== undefined);
    expect(session.closed).toBe('the guest sent too many file descriptors at once');
  });

  test('leaves, in the middle of a message too', async () => {
    session.send(scanout(0).subarray(0, 20), [openNull()]);
    await turn(5);
    session.leave();
    await until(() => session.closed !== undefined);
    expect(session.closed).toBe('the guest closed the connection');
  });
});

describe('a guest that is refused in the middle of a batch', () => {
  test('is told no more, and makes no new heads', async () => {
    const rest = [
      flip(0),
      request(7, 0, 4, 4),
      request(4, 5, 0, 0),
      update(6, 0, 0, 1, 1),
      request(1),
      request(4, 99, 0, 0),
    ];
    session.read().send(scanout(0), [openNull()]);
    await until(() => session.events().length === 1);
    session.heads.get(0)!.onUpdate = () => {
      session.connection.close('head 0 cannot be shown: because');
    };
    session.send(Buffer.concat([flip(0), ...rest]));
    await until(() => session.closed !== undefined);
    await turn(5);
    expect(session.closed).toBe('head 0 cannot be shown: because');
    expect(session.events()).toHaveLength(2);
    expect([...session.heads.keys()]).toEqual([0]);
    expect(session.replies()).toEqual([]);
  });

  test('by its own pixels is told no more either', async () => {
    session.send(request(7, 0, 4, 4));
    await until(() => session.events().length === 1);
    session.heads.get(0)!.onUpdate = () => {
      session.connection.close('refused');
    };
    session.send(many(3, update(0, 0, 0, 4, 4)));
    await until(() => session.closed !== undefined);
    expect(session.events()).toEqual(['canvas 4x4 64', 'update 1 4x4+0+0']);
    session.connection.shown(0, 1);
    session.connection.close('again');
    expect(session.closed).toBe('refused');
  });
});

describe('a guest that is too fast', () => {
  test('is not read while 64 frames are unshown, and read on when one is', async () => {
    session.read().send(scanout(0), [openNull()]);
    session.send(many(64, flip(0)));
    await until(() => session.events().length === 65);
    session.send(many(3, flip(0)));
    await turn(30);
    expect(session.events()).toHaveLength(65);
    expect(session.floods).toBe(1);
    session.connection.shown(0, 1);
    await until(() => session.events().length === 68);
    session.send(flip(0));
    await turn(20);
    expect(session.events()).toHaveLength(68);
    session.connection.shown(0, 67);
    await until(() => session.events().length === 69);
    session.connection.shown(0, 68);
    await until(() => session.replies().length === 68);
    expect(session.floods).toBe(1);
  });

  test('counts all heads together, pixels too', async () => {
    session.send(Buffer.concat([request(7, 0, 1, 1), request(7, 1, 1, 1)]));
    session.send(Buffer.concat([many(32, update(0, 0, 0, 1, 1)), many(32, update(1, 0, 0, 1, 1))]));
    await until(() => session.events(1).length === 33);
    session.send(request(4, 1, 0, 0));
    await turn(20);
    expect(session.events(1)).toHaveLength(33);
    session.connection.shown(1, 1);
    await until(() => session.events(1).length === 34);
  });

  test('is read at ten messages a millisecond after a burst, and nothing is lost', async () => {
    const started = performance.now();
    const moves = 4000;
    session.send(many(moves, request(4, 0, 1, 2)));
    await until(() => session.events().length >= 2000);
    await until(() => session.events().length === moves, 5000);
    expect(session.floods).toBe(1);
    // The last read may take as much at once as the exchange holds: 2730.
    expect(performance.now() - started).toBeGreaterThan(50);
  });

  test('pays five messages for a buffer', async () => {
    // Fewer messages than the burst, but worth more.
    for (let sent = 0; sent < 1500 && session.floods === 0;) {
      const fd = openNull();
      if (session.send(scanout(0), [fd]) === 0) sent++;
      else await turn();
    }
    await until(() => session.floods === 1);
    expect(session.events().length).toBeLessThan(1500);
  });
});

describe('a guest that does not read replies', () => {
  /** Asks for EDIDs until the daemon stops reading; how many were asked for. */
  async function clog(): Promise<number> {
    let asked = 0;
    for (let round = 0; round < 200 && session.floods === 0; round++) {
      if (session.send(many(10, request(11, 0))) > 0) break;
      asked += 10;
      await turn(1);
    }
    expect(session.floods).toBe(1);
    return asked;
  }

  test('is not read any more, and gets every reply once it reads', async () => {
    const asked = await clog();
    session.send(request(4, 2, 0, 0));
    await turn(20);
    expect(session.heads.has(2)).toBe(false);
    session.read();
    await until(() => session.heads.has(2));
    await until(() => session.received.length === asked * 1068);
    expect(session.replies()).toEqual(Array<number>(asked).fill(11));
  });

  test('is noticed when it leaves', async () => {
    await clog();
    session.leave();
    await until(() => session.closed !== undefined);
    expect(session.closed).toMatch(/^the (guest closed the connection|connection broke)/);
  });
});

test('hostile guests are disconnected or served, never more: 300 random sessions', async () => {
  const random = new Random(6);
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const hostile = new Session().read();
    for (let count = 1 + random.below(6); count > 0; count--) {
      const number = (): number => random.pick([0, 1, 2, 8, 15, 16, 64, 4096, 0x7fffffff, 0xffffffff]);
      const sizes = [0, 0, 2, 0, 3, 3, 4101, 3, 6, 10, 5, 1, 12];
      const id = random.below(13);
      const bytes = request(id, ...Array.from({ length: sizes[id]! }, number));
      hostile.send(bytes, random.chance(0.3) ? [openNull()] : []);
    }
    await turn();
    if (hostile.closed !== undefined) refused++;
    hostile.close();
  }
  expect(refused).toBeGreaterThan(100);
  await until(() => openFds().length <= before.length + 2);
  expect(isOpen(0)).toBe(true);
}, 20_000);
