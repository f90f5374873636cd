import {
  Daemon, DMABUF_UPDATE, eventually, GET_DISPLAY_INFO, GET_EDID, GET_PROTOCOL_FEATURES, Image, PictureGuest, PixelBuffer, shows,
  WireGuest, words,
} from '../harness'; // prettier-ignore

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const [WIDTH, HEIGHT] = [1024, 768];

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta'],
    outputs: {
      [FIRST]: { show: 'alpha' },
      [SECOND]: { show: 'alpha:2', mode: '800x600' },
      [THIRD]: { show: 'beta' },
    },
  });
});
afterAll(() => daemon.stop());

let guest: WireGuest;

describe('replies, byte by byte', () => {
  beforeEach(async () => {
    guest = await WireGuest.connect(daemon.socket('alpha'));
  });

  test('GET_PROTOCOL_FEATURES offers EDID and DMABUF2', async () => {
    await guest.send(GET_PROTOCOL_FEATURES);
    expect(await guest.reply()).toEqual({ request: 1, flags: 4, payload: words(3, 0) });
  });

  test('GET_DISPLAY_INFO has the modes of the outputs, side by side', async () => {
    await guest.send(GET_DISPLAY_INFO);
    const none = words(0, 0, 0, 0, 0, 0);
    const payload = Buffer.concat([
      words(0x1101, 0, 0, 0, 0, 0),
      words(0, 0, WIDTH, HEIGHT, 1, 0),
      none,
      words(WIDTH, 0, 800, 600, 1, 0),
      ...Array<Buffer>(13).fill(none),
    ]);
    expect(await guest.reply()).toEqual({ request: 3, flags: 4, payload });
  });

  test('GET_EDID: a valid one that prefers the mode of the output', async () => {
    for (const [head, width, height] of [
      [0, WIDTH, HEIGHT],
      [2, 800, 600],
      [9, 1024, 768],
    ] as const) {
      // prettier-ignore
      await guest.send(GET_EDID, words(head));
      const { request, flags, payload } = await guest.reply();
      expect({ request, flags, length: payload.length }).toEqual({ request: 11, flags: 4, length: 1056 });
      expect(payload.subarray(0, 32)).toEqual(words(0x1104, 0, 0, 0, 0, 0, 128, 0));
      const edid = payload.subarray(32, 160);
      expect(edid.subarray(0, 8).toString('hex')).toBe('00ffffffffffff00');
      expect(edid.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
      // The first detailed timing, which is the preferred one.
      expect(edid[56]! | ((edid[58]! & 0xf0) << 4)).toBe(width);
      expect(edid[59]! | ((edid[61]! & 0xf0) << 4)).toBe(height);
      expect(payload.subarray(160)).toEqual(Buffer.alloc(1056 - 160));
    }
  });

  test('requests that come cut in pieces, and several at once', async () => {
    const request = Buffer.concat([words(GET_PROTOCOL_FEATURES, 0, 0), words(GET_EDID, 0, 4, 0)]);
    for (const byte of request) await guest.sendBytes(Uint8Array.of(byte));
    expect(await guest.reply()).toMatchObject({ request: GET_PROTOCOL_FEATURES });
    expect(await guest.reply()).toMatchObject({ request: GET_EDID });
    await guest.sendBytes(Buffer.concat(Array<Buffer>(20).fill(request)));
    for (let count = 0; count < 20; count++) {
      expect(await guest.reply()).toMatchObject({ request: GET_PROTOCOL_FEATURES });
      expect(await guest.reply()).toMatchObject({ request: GET_EDID });
    }
  });
});

test('an EDID stays the same for a guest and head, and is another for any other', async () => {
  const edid = async (name: string, head: number): Promise<string> => {
    guest = await WireGuest.join(daemon.socket(name));
    const payload = await guest.ask(GET_EDID, words(head));
    guest.close();
    return payload.subarray(32).toString('hex');
  };
  const first = await edid('alpha', 0);
  expect(await edid('alpha', 0)).toBe(first);
  const others = [
    await edid('alpha', 1),
    await edid('alpha', 2),
    await edid('beta', 0),
    await edid('beta', 1),
  ];
  expect(new Set([first, ...others]).size).toBe(5);

  // On a monitor of another size it prefers that, but is the same monitor: maker, product, serial number, dates.
  await daemon.show('alpha:0', SECOND);
  const moved = await edid('alpha', 0);
  expect(moved).not.toBe(first);
  expect(moved.slice(0, 36)).toBe(first.slice(0, 36));
  await daemon.show('alpha:0', FIRST);
  expect(await edid('alpha', 0)).toBe(first);
});

describe('DMABUF_UPDATE', () => {
  beforeEach(async () => {
    guest = await WireGuest.join(daemon.socket('beta'));
  });

  test('is answered at the vblank that shows it: one by one, no faster than the panel', async () => {
    const buffers = [
      await PixelBuffer.of(new Image(WIDTH, HEIGHT, 1)),
      await PixelBuffer.of(new Image(WIDTH, HEIGHT, 2)),
    ];
    await guest.present(buffers[0]!);
    const { frames } = await daemon.output(THIRD);
    const started = performance.now();
    for (let round = 1; round <= 30; round++) await guest.present(buffers[round % 2]!);
    expect(performance.now() - started).toBeGreaterThan((29 * 1000) / 60.1);
    expect((await daemon.output(THIRD)).frames).toBe(frames + 30);
    // Whoever has the answer finds the frame counted as shown: never before its vblank.
    for (let round = 31; round <= 50; round++) {
      await guest.present(buffers[round % 2]!);
      expect((await daemon.output(THIRD)).frames).toBe(frames + round);
    }
  });

  test('is answered once each when many are sent at once, though only the newest is shown', async () => {
    const last = Image.pattern(WIDTH, HEIGHT, 1);
    const buffers = [await PixelBuffer.of(new Image(WIDTH, HEIGHT, 0xff0000)), await PixelBuffer.of(last)];
    await guest.present(buffers[0]!);
    const { frames } = await daemon.output(THIRD);
    for (let count = 1; count <= 20; count++) {
      await guest.scanout(buffers[count === 20 ? 1 : 0]!);
      await guest.update();
    }
    for (let count = 0; count < 20; count++)
      expect(await guest.reply()).toMatchObject({ request: DMABUF_UPDATE, flags: 4 });
    await shows(THIRD, last.crc);
    expect((await daemon.output(THIRD)).frames - frames).toBeLessThanOrEqual(20);
    expect(guest.waiting).toBe(0);
  });

  test('of a head without a buffer is answered at once', async () => {
    await guest.update(5);
    expect(await guest.reply()).toMatchObject({ request: DMABUF_UPDATE, flags: 4 });
  });

  test('names a buffer the guest has closed: the daemon has its own hold of it', async () => {
    const image = Image.pattern(WIDTH, HEIGHT, 2);
    const buffer = await PixelBuffer.of(image);
    await guest.scanout(buffer);
    buffer.close();
    await guest.update();
    await guest.reply();
    await shows(THIRD, image.crc);
  });
});

describe('the cursor', () => {
  const SIDE = 64;
  const screen = Image.pattern(WIDTH, HEIGHT, 3);
  const withCursor = (cursor: Uint32Array, x: number, y: number): number =>
    Image.pattern(WIDTH, HEIGHT, 3).blend(cursor, SIDE, x, y).crc;
  let buffer: PixelBuffer;
  beforeEach(async () => {
    guest = await WireGuest.join(daemon.socket('beta'));
    buffer = await PixelBuffer.of(screen);
    await guest.present(buffer);
  });

  /** An arrow: opaque in one triangle, clear elsewhere. */
  function arrow(colour: number): Uint32Array {
    const at = (x: number, y: number): boolean => x <= y && x + y < SIDE;
    return Uint32Array.from({ length: SIDE * SIDE }, (_, n) =>
      at(n % SIDE, n >> 6) ? 0xff000000 + colour + n : 0,
    );
  }

  test('stands where the guest puts it, over every edge, and goes when it is hidden', async () => {
    const image = arrow(0x400000);
    await guest.cursorImage(image, 100, 200);
    await shows(THIRD, withCursor(image, 100, 200));
    for (const [x, y] of [
      [511, 383],
      [-20, 300],
      [300, -33],
      [WIDTH - 10, HEIGHT - 7],
      [0, 0],
    ] as const) {
      // prettier-ignore
      await guest.moveCursor(x, y);
      await shows(THIRD, withCursor(image, x, y));
    }
    await guest.moveCursor(0, 0, { visible: false });
    await shows(THIRD, screen.crc);
    await guest.moveCursor(40, 50);
    await shows(THIRD, withCursor(image, 40, 50));
  });

  test('changes its image', async () => {
    const [one, two] = [arrow(0x001000), arrow(0xff0000)];
    await guest.cursorImage(one, 10, 20, { hotX: 3, hotY: 4 });
    await shows(THIRD, withCursor(one, 10, 20));
    await guest.cursorImage(two, 30, 20, { hotX: 63, hotY: 63 });
    await shows(THIRD, withCursor(two, 30, 20));
  });

  test('is on a screenshot', async () => {
    const image = arrow(0x008000);
    await guest.cursorImage(image, 500, 400);
    await shows(THIRD, withCursor(image, 500, 400));
    expect((await daemon.screenshot(THIRD)).png.image.crc).toBe(withCursor(image, 500, 400));
  });

  test('moves with a screen that is centred', async () => {
    const image = arrow(0x123456);
    const small = Image.pattern(400, 300, 5);
    const centred = await PixelBuffer.of(small);
    await guest.present(centred);
    await guest.cursorImage(image, 20, 30);
    const x = (WIDTH - 400) / 2 + 20;
    const y = (HEIGHT - 300) / 2 + 30;
    await shows(THIRD, small.centredOn(WIDTH, HEIGHT).blend(image, SIDE, x, y).crc);
  });

  test('is each guest’s own: another guest’s panel has none of it, and it is back with its guest', async () => {
    const image = arrow(0x204060);
    await guest.cursorImage(image, 600, 100);
    await shows(THIRD, withCursor(image, 600, 100));
    const other = new PictureGuest(daemon.socket('alpha'), 'alpha', '--static');
    const pictures = await other.pictures();
    await shows(FIRST, pictures);
    await daemon.show('alpha', THIRD);
    await shows(THIRD, pictures);
    await shows(FIRST, withCursor(image, 600, 100));
    // Moved while nobody sees it.
    await daemon.show('beta', SECOND);
    await daemon.show('alpha:5', SECOND);
    await guest.moveCursor(50, 60);
    await guest.update();
    await guest.reply();
    await daemon.show('beta', THIRD);
    await shows(THIRD, withCursor(image, 50, 60));
    await other.stop();
    await daemon.show('alpha:2', SECOND);
    await daemon.show('alpha:0', FIRST);
  });
});

test('a second process on a guest’s socket is turned away, and the first does not notice', async () => {
  guest = await WireGuest.join(daemon.socket('beta'));
  const image = Image.pattern(WIDTH, HEIGHT, 6);
  const buffer = await PixelBuffer.of(image);
  await guest.present(buffer);
  const second = await WireGuest.connect(daemon.socket('beta'));
  await second.closed();
  await daemon.said(/warning: guest beta: process \d+ of user 0 turned away: another process is connected/);
  await guest.update();
  await guest.reply();
  await shows(THIRD, image.crc);
  buffer.close();
  guest.close();
  await eventually(async () => {
    expect(await daemon.guest('beta')).toMatchObject({ connected: false });
  });
});
