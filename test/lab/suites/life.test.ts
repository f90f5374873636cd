import * as fs from 'node:fs';
import { native, type NativeCard } from '../../../src/native';
import {
  atTestEnd, crtcOf, crtcStates, Daemon, DMABUF_SCANOUT2, eventually, fdCount, framebufferCount, Image, Panels, pause,
  PictureGuest, PixelBuffer, shows, WireGuest, words, XR24,
} from '../harness'; // prettier-ignore

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const setup = {
  guests: ['alpha', 'beta'],
  outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' } },
};
const image = Image.pattern(1024, 768, 1);

async function showing(daemon: Daemon): Promise<WireGuest> {
  const guest = await WireGuest.join(daemon.socket('alpha'));
  const buffer = await PixelBuffer.of(image);
  await guest.present(buffer);
  buffer.close();
  await shows(FIRST, image.crc);
  return guest;
}

/**
 * Another client of the card: a console, or a display manager that has let go of the card. It leaves all panels dark, and
 * as long as it is there the kernel's own console does not come back.
 */
async function otherClient(
  light: (card: NativeCard) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const card = native.openCard(Panels.lab.device);
  atTestEnd(() => {
    card.close();
  });
  for (const crtc of card.resources().crtcs) await card.setCrtc(crtc, 0, 0, 0, [], null);
  await light(card);
  card.dropMaster();
}

test('SIGTERM gives the panels back: another client’s picture in its mode, and dark ones dark', async () => {
  const before = Image.pattern(800, 600, 2);
  await otherClient(async (card) => {
    const { crtcs, connectors } = card.resources();
    const connector = card.connector(connectors[0]!);
    const mode = connector.modes.find(({ name }) => name === '800x600')!;
    const dumb = await card.createDumb({ width: 800, height: 600, format: XR24, fill: 0, framebuffer: true });
    // Held until the end: collected as garbage it would take its framebuffer along.
    atTestEnd(() => {
      dumb.close();
    });
    new Uint32Array(dumb.pixels).set(before.pixels);
    await card.setCrtc(crtcs[2]!, dumb.framebuffer, 0, 0, [connector.id], mode);
  });
  await shows(FIRST, before.crc);
  const states = crtcStates();
  expect(states.map(({ active }) => active)).toEqual([false, false, true]);

  const daemon = await Daemon.start(setup);
  const guest = await showing(daemon);
  await eventually(() => {
    expect(crtcStates().map(({ active }) => active)).toEqual([true, true, true]);
  });
  await daemon.stop('SIGTERM');
  expect(daemon.exit).toEqual({ code: 0, signal: null });
  await guest.closed();
  await shows(FIRST, before.crc);
  expect(crtcOf(FIRST)?.index).toBe(2);
  expect(crtcStates()).toEqual(states);
});

test('SIGINT ends it too: dark panels are dark again, sockets and framebuffers are gone', async () => {
  await otherClient();
  const framebuffers = framebufferCount();
  const daemon = await Daemon.start(setup);
  const guest = await showing(daemon);
  const sockets = [daemon.control, daemon.socket('alpha'), daemon.socket('beta')];
  for (const socket of sockets) expect(fs.existsSync(socket)).toBe(true);
  const { code } = await daemon.kill('SIGINT');
  expect(code).toBe(0);
  expect(daemon.log.at(-1)).toMatch(/info: stopped: the displays are as they were before$/);
  for (const socket of sockets) expect(fs.existsSync(socket)).toBe(false);
  expect(crtcStates().filter(({ active }) => active)).toEqual([]);
  expect(framebufferCount()).toBe(framebuffers);
  await guest.closed();
});

test('a daemon that was killed is started again over its stale sockets, and guests come back', async () => {
  const first = await Daemon.start(setup);
  const alpha = new PictureGuest(first.socket('alpha'), 'alpha', '--reconnect');
  const pictures = await alpha.pictures();
  await shows(FIRST, pictures);
  await first.kill('SIGKILL');
  for (const socket of [first.control, first.socket('alpha')]) expect(fs.existsSync(socket)).toBe(true);

  const second = await Daemon.start(setup, first.directory);
  await shows(FIRST, pictures);
  expect(await second.output(FIRST)).toMatchObject({ guest: 'alpha', path: 'direct' });
  expect((await alpha.stop()).connections).toBe(2);
  await second.stop();
});

test('a card that goes away ends the daemon with 69, and one line says why', async () => {
  const panels = await Panels.create('brief', { connectors: 1, crtcs: 1 });
  const daemon = await Daemon.start({ guests: ['alpha'], card: panels.device });
  await panels.remove();
  expect(await daemon.ended()).toEqual({ code: 69, signal: null });
  expect(daemon.log.some((line) => /error: .*card\d+.*(gone|removed)/.test(line))).toBe(true);
});

describe('guests that come and go', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start(setup);
  });
  afterAll(() => daemon.stop());

  test('leave no file descriptor and no framebuffer behind, whenever they go', async () => {
    const buffers = [await PixelBuffer.of(image), await PixelBuffer.of(image)];
    const visit = async (round: number): Promise<void> => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      await guest.present(buffers[0]!);
      await guest.present(buffers[1]!, { head: 1 });
      // Goes with nothing, a scanout, an update, or half a message with its fd under way.
      if (round % 4 >= 1) await guest.scanout(buffers[round % 2]!);
      if (round % 4 === 2) await guest.update();
      if (round % 4 === 3) await guest.sendBytes(words(DMABUF_SCANOUT2, 0, 48, 0, 0), [buffers[0]!.fd]);
      guest.close();
      await eventually(async () => {
        expect(await daemon.guest('alpha')).toMatchObject({ connected: false });
      });
    };
    // Pictures that have left the panel are freed some time later: counts that have not changed for a while.
    const settled = async (): Promise<{ fds: number; framebuffers: number }> => {
      await daemon.outputIs(FIRST, { path: 'picture' });
      for (let last = { fds: 0, framebuffers: 0 }; ;) {
        const now = { fds: fdCount(daemon.pid), framebuffers: framebufferCount() };
        if (now.fds === last.fds && now.framebuffers === last.framebuffers) return now;
        last = now;
        await pause(2000);
      }
    };
    // The first rounds make what is made once: pictures, worker threads.
    for (let round = 0; round < 4; round++) await visit(round);
    const before = await settled();
    for (let round = 0; round < 30; round++) await visit(round);
    expect(await settled()).toEqual(before);
    expect((await daemon.status()).framebuffers).toBe(0);
  });
});
