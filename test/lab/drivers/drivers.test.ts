import { native } from '../../../src/native';
import {
  Daemon,
  eventually,
  Image,
  OuterDisplay,
  Panels,
  PictureGuest,
  PixelBuffer,
  shows,
  WireGuest,
} from '../harness';

interface Driver {
  readonly driver: string;
  /** QEMU's device. */
  readonly id: string;
  /** Whether it scans out a stranger's dma-buf. */
  readonly direct: boolean;
  /** Why it has no plane for the pointer. */
  readonly pointer?: string;
}

const NO_CURSOR_PLANE = 'the card has no cursor plane for this CRTC';
const DRIVERS: readonly Driver[] = [
  { driver: 'bochs-drm', id: 'bochs', direct: true, pointer: NO_CURSOR_PLANE },
  { driver: 'cirrus-qemu', id: 'cirrus', direct: true, pointer: NO_CURSOR_PLANE },
  { driver: 'virtio_gpu', id: 'virtio', direct: false },
  { driver: 'qxl', id: 'qxl', direct: false },
];
const XB24 = 0x34324258;
const AB24 = 0x34324241;
const RG16 = 0x36314752;

describe.each(DRIVERS)('$driver', ({ driver, id, direct, pointer }) => {
  describe.each(['atomic', 'legacy'] as const)('%s commits', (engine) => {
    const display = OuterDisplay.of(id, driver);
    const [output = ''] = display.connectors;
    let daemon: Daemon;
    let width: number;
    let height: number;
    beforeAll(async () => {
      daemon = await Daemon.start({
        legacy: engine === 'legacy',
        card: display.device,
        guests: ['alpha', 'beta'],
        outputs: { [output]: { show: 'alpha', fit: 'none' } },
      });
      const { mode } = await daemon.output(output);
      [width = 0, height = 0] = (mode ?? '').split(/[x@]/).map(Number);
    });
    afterAll(() => daemon.stop());

    const how = direct
      ? { path: 'direct' }
      : {
          path: 'copy',
          reason: expect.stringMatching(
            /^the file descriptor is not a dma-buf this card can import/,
          ) as string,
        };

    test('the daemon’s own picture, exactly', async () => {
      const { png } = await daemon.screenshot(output);
      await display.shows(png.image.crc);
    });

    test('a guest’s buffers, and status says how they get there', async () => {
      const guest = new PictureGuest(daemon.socket('alpha'), 'alpha', '--static');
      await display.shows(await guest.pictures());
      expect(await daemon.output(output)).toMatchObject(how);
      await guest.stop();
    });

    test('a guest that moves, and one that takes its place and gives it back', async () => {
      const alpha = new PictureGuest(daemon.socket('alpha'), 'alpha', '--damage');
      const beta = new PictureGuest(daemon.socket('beta'), 'beta', '--static');
      const [alphas, betas] = [await alpha.pictures(), await beta.pictures()];
      await display.shows(alphas);
      await daemon.show('beta', output);
      await display.shows(betas);
      await daemon.show('alpha', output);
      await display.shows(alphas);
      // Photographs are taken from outside at any time: a frame that is half of two would be none of its pictures.
      for (let time = 0; time < 5; time++) expect(alphas).toContain((await display.photograph()).crc);
      const { frames } = await daemon.output(output);
      await eventually(async () => {
        expect((await daemon.output(output)).frames).toBeGreaterThan(frames + 10);
      });
      await alpha.stop();
      await beta.stop();
    });

    test.each([
      ['smaller', 320, 200],
      ['of odd size', 641, 479],
      ['larger', 1500, 900],
    ])('a screen that is %s', async (_, wide, high) => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      const image = Image.pattern(wide, high, 6);
      await guest.present(await PixelBuffer.of(image));
      await display.shows(image.centredOn(width, height).crc);
    });

    test('rows that lie bottom up', async () => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      const image = Image.pattern(width, height, 7);
      await guest.present(await PixelBuffer.of(image.flipped()), { bottomUp: true });
      await display.shows(image.crc);
    });

    test('pixels in messages', async () => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      await guest.pixelScanout(width, height);
      const pixels = Image.pattern(width, height, 8);
      await guest.pixels(pixels);
      await display.shows(pixels.crc);
      const part = Image.pattern(33, 21, 9);
      await guest.pixels(part, 13, 17);
      await display.shows(pixels.draw(part, 13, 17).crc);
    });

    test.each([
      ['XB24', XB24],
      ['AB24', AB24],
      ['RG16', RG16],
    ])('pixels in %s', async (_, format) => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      const image = Image.pattern(width, height, 10);
      const buffer = new PixelBuffer(width, height, format === RG16 ? { stride: width * 2 } : {});
      await native.writeDmabuf(buffer.fd, 0, encode(image, format));
      await guest.present(buffer, { format });
      await display.shows((format === RG16 ? reduced(image) : image).crc);
      const { png } = await daemon.screenshot(output);
      expect(png.image.crc).toBe((await display.photograph()).crc);
    });

    test('the pointer: on a plane of its own, with its hot spot, or status says why not', async () => {
      const guest = await WireGuest.join(daemon.socket('alpha'));
      const screen = Image.pattern(width, height, 11);
      await guest.present(await PixelBuffer.of(screen));
      await guest.cursorImage(new Uint32Array(64 * 64).fill(0xff00ff00), 40, 50, { hotX: 3, hotY: 4 });
      await eventually(async () => {
        expect((await daemon.output(output)).cursor).toBe(pointer);
        expect(cursorPlane(display.device)).toEqual(pointer ? undefined : [40, 50, 3, 4]);
      });
      if (pointer !== undefined) return;
      for (let move = 1; move <= 100; move++) await guest.moveCursor(40 + move, 50 + move);
      await guest.cursorImage(new Uint32Array(64 * 64).fill(0xffff0000), 200, 220, { hotX: 5, hotY: 6 });
      await eventually(() => {
        expect(cursorPlane(display.device)).toEqual([200, 220, 5, 6]);
      });
      await guest.moveCursor(0, 0, { visible: false });
      await eventually(() => {
        expect(cursorPlane(display.device)).toBeUndefined();
      });
      await display.shows(screen.crc);
    });
  });
});

/** Where a card's kernel has the pointer, and its hot spot: [x, y, hotX, hotY]; undefined: it shows none. */
function cursorPlane(device: string): number[] | undefined {
  const [UNIVERSAL_PLANES, ATOMIC, CURSOR_PLANE_HOTSPOT] = [2, 3, 6];
  const card = native.openCard(device);
  try {
    for (const capability of [UNIVERSAL_PLANES, ATOMIC, CURSOR_PLANE_HOTSPOT])
      card.setClientCapability(capability, 1);
    for (const plane of card.planes()) {
      const values = new Map(card.properties(plane, 0xeeeeeeee).map(({ name, value }) => [name, value]));
      if (values.get('type') !== 2n || values.get('FB_ID') === 0n) continue;
      const names = ['CRTC_X', 'CRTC_Y', 'HOTSPOT_X', 'HOTSPOT_Y'];
      return names.map((name) => Number(values.get(name)));
    }
    return undefined;
  } finally {
    card.close();
  }
}

/** The bytes of a picture in another format. */
test('a guest on two cards at once: direct on the one that takes its buffers, copied for the other', async () => {
  const display = OuterDisplay.of('virtio', 'virtio_gpu');
  const [first = ''] = Panels.lab.connectors;
  const [second = ''] = display.connectors;
  const mode = '1024x768';
  const daemon = await Daemon.start({
    guests: ['alpha'],
    outputs: { [first]: { show: 'alpha', mode }, [second]: { show: 'alpha', mode } },
  });
  const guest = new PictureGuest(daemon.socket('alpha'), 'alpha');
  const pictures = await guest.pictures();
  await shows(first, pictures);
  await display.shows(pictures);
  expect(await daemon.output(first)).toMatchObject({ path: 'direct' });
  expect(await daemon.output(second)).toMatchObject({
    path: 'copy',
    reason: expect.stringMatching(/^the file descriptor is not a dma-buf this card can import/) as string,
    mirrors: first,
  });
  await guest.stop();
  await daemon.stop();
});

function encode(image: Image, format: number): Uint8Array {
  if (format === RG16)
    return new Uint8Array(
      Uint16Array.from(image.pixels, (p) => ((p >> 8) & 0xf800) | ((p >> 5) & 0x07e0) | ((p >> 3) & 0x1f))
        .buffer,
    );
  return new Uint8Array(
    Uint32Array.from(image.pixels, (p) => (p & 0xff00ff00) | ((p >> 16) & 0xff) | ((p & 0xff) << 16)).buffer,
  );
}

/** What is left of a picture in 16 bits a pixel. */
function reduced(image: Image): Image {
  const result = new Image(image.width, image.height);
  const wide = (value: number, bits: number): number => (value << (8 - bits)) | (value >> (2 * bits - 8));
  image.pixels.forEach((p, at) => {
    const [r, g, b] = [wide((p >> 19) & 31, 5), wide((p >> 10) & 63, 6), wide((p >> 3) & 31, 5)];
    result.pixels[at] = (0xff000000 | (r << 16) | (g << 8) | b) >>> 0;
  });
  return result;
}
