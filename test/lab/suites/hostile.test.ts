/** Guests that send nonsense: each is disconnected with one line that says why, and nobody else notices. */
import * as fs from 'node:fs';
import { native } from '../../../src/native';
import {
  CURSOR_UPDATE,
  Daemon,
  DMABUF_SCANOUT,
  DMABUF_SCANOUT2,
  DMABUF_UPDATE,
  eventually,
  fdCount,
  framebufferCount,
  GET_EDID,
  GET_PROTOCOL_FEATURES,
  Image,
  PictureGuest,
  PixelBuffer,
  SCANOUT,
  showsOnly,
  UPDATE,
  WireGuest,
  words,
  XR24,
} from '../harness';

const [BYSTANDER, TARGET] = ['Virtual-1', 'Virtual-2'];
const WIDTH = 1024;
const HEIGHT = 768;
const STRIDE = WIDTH * 4;
const [NV12, YV12] = [0x3231564e, 0x32315659];
/** I915_FORMAT_MOD_X_TILED, in two halves. */
const X_TILED: readonly [number, number] = [1, 0x01000000];

let daemon: Daemon;
let bystander: PictureGuest;
let buffer: PixelBuffer;
let before: { fds: number; framebuffers: number };

beforeAll(async () => {
  daemon = await Daemon.start({
    guests: ['good', 'bad'],
    outputs: { [BYSTANDER]: { show: 'good' }, [TARGET]: { show: 'bad' } },
  });
  buffer = new PixelBuffer(WIDTH, HEIGHT);
  bystander = new PictureGuest(daemon.socket('good'), 'good');
  await daemon.outputIs(BYSTANDER, { path: 'direct' });
  // One guest that comes and goes first, so that what is made once is made.
  const first = await WireGuest.join(daemon.socket('bad'));
  await first.present(buffer);
  await first.pixelScanout(64, 64);
  await first.pixels(new Image(64, 64));
  await daemon.outputIs(TARGET, { path: 'copy' });
  first.close();
  await daemon.outputIs(TARGET, { link: 'gone', path: 'picture' });
  before = await settled();
});

afterAll(async () => {
  await bystander.stop();
  await daemon.stop();
});

/** Counts once they have stopped changing: a picture that has left the panel is freed a moment later. */
async function settled(): Promise<{ fds: number; framebuffers: number }> {
  let last = '';
  return await eventually(() => {
    const now = { fds: fdCount(daemon.pid), framebuffers: framebufferCount() };
    const same = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    if (!same) throw new Error('still changing');
    return now;
  });
}

const scanout2 = (layout: {
  head?: number;
  screen?: readonly [number, number, number, number];
  size?: readonly [number, number];
  stride?: number;
  format?: number;
  modifier?: readonly [number, number];
}): Buffer => {
  const { head = 0, screen = [0, 0, WIDTH, HEIGHT], size = [WIDTH, HEIGHT], stride = STRIDE } = layout;
  const { format = XR24, modifier = [0, 0] } = layout;
  return words(head, ...screen, ...size, stride, 0, format, ...modifier);
};

type Attack = (guest: WireGuest) => Promise<void>;
const send =
  (request: number, payload?: Uint8Array, fds: () => number[] = () => []): Attack =>
  (guest) =>
    guest.send(request, payload, fds());
const own = (): number[] => [buffer.fd];

/** A file descriptor of something that is no dma-buf; ours is closed at once, the message has its own. */
async function sendFile(guest: WireGuest, fd: number): Promise<void> {
  await guest.send(DMABUF_SCANOUT2, scanout2({}), [fd]);
  fs.closeSync(fd);
}

const attacks: readonly [what: string, line: RegExp, attack: Attack][] = [
  ['an unknown request', /unknown request 99/, send(99)],
  ['request 0', /unknown request 0/, send(0)],
  [
    'a short message',
    /request 9 has 36 bytes of payload instead of 40/,
    send(DMABUF_SCANOUT, new Uint8Array(36)),
  ],
  ['an overlong message', /request 10 has 24 bytes/, send(DMABUF_UPDATE, new Uint8Array(24))],
  [
    'a message of 4 GiB',
    /request 10 has 4294967295 bytes/,
    (guest) => guest.sendBytes(words(10, 0, 0xffffffff)),
  ],
  ['a reply', /marked as a reply/, (guest) => guest.sendBytes(words(GET_PROTOCOL_FEATURES, 4, 0))],
  ['a scanout without a file descriptor', /without a file descriptor/, send(DMABUF_SCANOUT2, scanout2({}))],
  [
    'a scanout with two file descriptors',
    /1 file descriptor\(s\) came with a message that takes none/,
    send(DMABUF_SCANOUT2, scanout2({}), () => [buffer.fd, buffer.fd]),
  ],
  [
    'a file descriptor with a request that takes none',
    /that takes none/,
    send(GET_PROTOCOL_FEATURES, undefined, own),
  ],
  [
    'nine file descriptors',
    /too many file descriptors/,
    send(DMABUF_SCANOUT2, scanout2({}), () => Array<number>(9).fill(buffer.fd)),
  ],
  ['/dev/null', /not a dma-buf/, (guest) => sendFile(guest, fs.openSync('/dev/null', 'r'))],
  ['a regular file', /not a dma-buf/, (guest) => sendFile(guest, fs.openSync('/etc/hostname', 'r'))],
  ['the card itself', /not a dma-buf/, (guest) => sendFile(guest, fs.openSync('/dev/dri/renderD128', 'r'))],
  [
    'a stride that is too short',
    /stride 100 is too short/,
    send(DMABUF_SCANOUT2, scanout2({ stride: 100 }), own),
  ],
  [
    'a stride beyond the buffer',
    /takes no 1024x768 XR24 buffer|needs \d+ bytes, the buffer has/,
    send(DMABUF_SCANOUT2, scanout2({ stride: STRIDE * 64 }), own),
  ],
  [
    'stride 4294967295',
    /takes no|needs \d+ bytes/,
    send(DMABUF_SCANOUT2, scanout2({ stride: 0xffffffff }), own),
  ],
  [
    'a buffer of no width',
    /in a buffer of 0x768/,
    send(DMABUF_SCANOUT2, scanout2({ size: [0, HEIGHT] }), own),
  ],
  [
    'a buffer of absurd size',
    /in a buffer of 65536x65536/,
    send(DMABUF_SCANOUT2, scanout2({ size: [65536, 65536], stride: 262144 }), own),
  ],
  [
    'a buffer larger than its memory',
    /takes no|needs \d+ bytes, the buffer has/,
    send(DMABUF_SCANOUT2, scanout2({ size: [WIDTH, 4000], screen: [0, 0, WIDTH, HEIGHT] }), own),
  ],
  [
    'a screen outside the buffer',
    /at 8,0 in a buffer/,
    send(DMABUF_SCANOUT2, scanout2({ screen: [8, 0, WIDTH, HEIGHT] }), own),
  ],
  [
    'a screen at 4294967295',
    /at 4294967295,0 in a buffer/,
    send(DMABUF_SCANOUT2, scanout2({ screen: [0xffffffff, 0, WIDTH, HEIGHT] }), own),
  ],
  [
    'a format that is not supported',
    /pixel format YV12 is not supported/,
    send(DMABUF_SCANOUT2, scanout2({ format: YV12 }), own),
  ],
  [
    'a format of two planes, of which the message has one',
    /a NV12 buffer has 2 planes, this one came with 1/,
    send(DMABUF_SCANOUT2, scanout2({ format: NV12, stride: WIDTH }), own),
  ],
  [
    'a format of garbage',
    /pixel format 0xffffffff/,
    send(DMABUF_SCANOUT2, scanout2({ format: 0xffffffff }), own),
  ],
  ['a tiled modifier', /with modifier 0x1/, send(DMABUF_SCANOUT2, scanout2({ modifier: X_TILED }), own)],
  ['head 16', /scanout 16/, send(DMABUF_SCANOUT2, scanout2({ head: 16 }), own)],
  ['the EDID of head 4294967295', /scanout 4294967295/, send(GET_EDID, words(0xffffffff))],
  ['pixels before a scanout', /UPDATE before SCANOUT/, (guest) => guest.pixels(new Image(4, 4))],
  ['a pixel scanout of absurd size', /SCANOUT of 16385x16384/, send(SCANOUT, words(0, 16385, 16384))],
  ['a pixel scanout of 4294967295', /SCANOUT of 4294967295x1/, send(SCANOUT, words(0, 0xffffffff, 1))],
  [
    'pixels outside the scanout',
    /UPDATE of 8x8 at 60,0 in a 64x64 scanout/,
    async (guest) => {
      await guest.pixelScanout(64, 64);
      await guest.pixels(new Image(8, 8), 60, 0);
    },
  ],
  [
    'fewer pixels than announced',
    /with 252 bytes of pixels instead of 256/,
    async (guest) => {
      await guest.pixelScanout(64, 64);
      await guest.send(UPDATE, Buffer.concat([words(0, 0, 0, 8, 8), new Uint8Array(252)]));
    },
  ],
  [
    'a hot spot outside the image',
    /hot spot 64,0/,
    send(CURSOR_UPDATE, Buffer.concat([words(0, 0, 0, 64, 0), new Uint8Array(16384)])),
  ],
];

test.each(attacks)('%s', async (_, line, attack) => {
  const frames = (await daemon.output(BYSTANDER)).frames;
  const lines = daemon.log.length;
  const guest = await WireGuest.connect(daemon.socket('bad'));
  // The daemon may hang up before all of it is sent.
  await attack(guest).catch((error: unknown) => {
    expect(String(error)).toMatch(/errno 32/);
  });
  await guest.closed();
  guest.close();
  await eventually(async () => {
    const said = daemon.log.slice(lines).filter((text) => text.includes('guest bad: disconnected'));
    expect(said).toEqual([expect.stringMatching(line)]);
    expect((await daemon.guest('bad')).reason).toMatch(line);
    expect((await daemon.output(BYSTANDER)).frames).toBeGreaterThan(frames);
  });
});

test('a guest that cuts a message off is only a guest that left', async () => {
  const guest = await WireGuest.connect(daemon.socket('bad'));
  await guest.sendBytes(words(DMABUF_SCANOUT2, 0, 48, 0, 0), [buffer.fd]);
  guest.close();
  await eventually(async () => {
    expect((await daemon.guest('bad')).reason).toMatch(/closed the connection/);
  });
});

test('updates without a scanout, and for a head that is off, are answered', async () => {
  const guest = await WireGuest.join(daemon.socket('bad'));
  await guest.update(3);
  await guest.reply();
  await guest.off();
  await guest.update();
  await guest.reply();
  guest.close();
});

test('a flood slows its sender down and nobody else', async () => {
  const guest = await WireGuest.join(daemon.socket('bad'));
  await guest.scanout(buffer);
  const updates = Buffer.concat(
    Array.from({ length: 500 }, () => words(DMABUF_UPDATE, 0, 20, 0, 0, 0, 1, 1)),
  );
  let sent = 0;
  for (; sent < 4; sent++) await guest.sendBytes(updates);
  await daemon.said(/guest bad: sends more than can be shown/);
  const { frames } = await daemon.output(BYSTANDER);
  for (let reply = 0; reply < sent * 500; reply++) await guest.reply();
  await eventually(async () => {
    expect((await daemon.output(BYSTANDER)).frames).toBeGreaterThan(frames);
  });
  guest.close();
});

test('a guest that reads no answers is not listened to any more, and can be replaced', async () => {
  const mute = native.connect(daemon.socket('bad'));
  const requests = Buffer.concat(Array.from({ length: 1000 }, () => words(GET_EDID, 0, 4, 0)));
  // Until both sides' socket buffers are full.
  await eventually(() => {
    expect(mute.send(requests)).toBe(-11);
  });
  await eventually(async () => {
    expect((await daemon.guest('bad')).connected).toBe(true);
  });
  mute.close();
  await eventually(async () => {
    expect((await daemon.guest('bad')).connected).toBe(false);
  });
});

test('nothing of them is left behind, and the bystander was never disturbed', async () => {
  await eventually(async () => {
    const now = await settled();
    expect(now.fds).toBeLessThanOrEqual(before.fds);
    expect(now.framebuffers).toBeLessThanOrEqual(before.framebuffers);
  });
  await showsOnly(BYSTANDER, await bystander.pictures());
  expect(daemon.log.filter((line) => line.includes(' error: '))).toEqual([]);
  const guest = await WireGuest.join(daemon.socket('bad'));
  await guest.present(buffer);
  expect(await daemon.output(TARGET)).toMatchObject({ path: 'direct', link: 'connected' });
  guest.close();
});
