import { native, type NativeCard } from '../../../src/native';
import { Daemon, eventually, Image, OuterDisplay, PictureGuest, PixelBuffer, WireGuest } from '../harness';

interface Driver {
  readonly driver: string;
  /** QEMU's device. */
  readonly id: string;
  /** Whether it scans out a stranger's dma-buf. */
  readonly direct: boolean;
  /** Whether its primary plane takes damage (FB_DAMAGE_CLIPS), and copies nothing else to its screen. */
  readonly clips?: boolean;
  /** Why it has no plane for the pointer. */
  readonly pointer?: string;
}

const NO_CURSOR_PLANE = 'the card has no cursor plane for this CRTC';
const DRIVERS: readonly Driver[] = [
  { driver: 'bochs-drm', id: 'bochs', direct: true, clips: true, pointer: NO_CURSOR_PLANE },
  { driver: 'cirrus-qemu', id: 'cirrus', direct: true, clips: true, pointer: NO_CURSOR_PLANE },
  { driver: 'virtio_gpu', id: 'virtio', direct: false },
  { driver: 'qxl', id: 'qxl', direct: false },
];
const XB24 = 0x34324258;
const AB24 = 0x34324241;
const RG16 = 0x36314752;

describe.each(DRIVERS)('$driver', ({ driver, id, direct, clips = false, pointer }) => {
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
    afterAll(async () => {
      await daemon.stop();
      // What docs/drivers.md says.
      console.log(`${driver}, ${engine}: ${JSON.stringify(Object.fromEntries(ways))}`);
    });

    /** How each kind of screen got onto the panel. */
    const ways = new Map<string, string>();
    afterEach(async () => {
      const { path, reason } = await daemon.output(output);
      const name = expect.getState().currentTestName?.split(`${engine} commits `)[1] ?? '';
      ways.set(name, path === 'copy' ? `copy: ${reason}` : `${path}`);
    });

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
      const alpha = new PictureGuest(daemon.socket('alpha'), 'alpha');
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

    test('a screen that is drawn in place: the driver is told what changed, and that is on the panel', async () => {
      const told = clips && engine === 'atomic';
      const guest = await WireGuest.join(daemon.socket('alpha'));
      const image = Image.pattern(width, height, 5);
      const buffer = await PixelBuffer.of(image);
      await guest.present(buffer);
      await display.shows(image.crc);
      for (const [x, y] of [
        [16, 24],
        [301, 203],
        [301, 203],
        [width - 65, height - 49],
      ] as const) {
        // prettier-ignore
        const area = { x, y, width: 65, height: 49 };
        image.draw(Image.pattern(area.width, area.height, x + image.pixels[0]!), x, y);
        await buffer.write(image);
        await guest.update(0, area);
        await guest.reply();
        await display.shows(image.crc);
        expect(damageClips(display.device)).toEqual(told ? [x, y, x + 65, y + 49] : undefined);
      }
      expect(await daemon.output(output)).toMatchObject(how);
      if (!told) return;
      // What was drawn and not told is not there yet: what was told is all that the driver looked at.
      const [hidden, shown] = [Image.pattern(80, 60, 1), Image.pattern(80, 60, 2)];
      const before = image.crop(0, 0, width, height).draw(shown, 200, 100);
      await buffer.write(image.draw(hidden, 50, 300).draw(shown, 200, 100));
      await guest.update(0, { x: 200, y: 100, width: 80, height: 60 });
      await guest.reply();
      await display.shows(before.crc);
      await guest.update(0, { x: 50, y: 300, width: 80, height: 60 });
      await guest.reply();
      await display.shows(image.crc);
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
  return onShownPlane(device, 2n, (values) =>
    ['CRTC_X', 'CRTC_Y', 'HOTSPOT_X', 'HOTSPOT_Y'].map((name) => Number(values.get(name))),
  );
}

/** The damage that came with the last commit: [left, top, right, bottom]; undefined: none did. */
function damageClips(device: string): number[] | undefined {
  return onShownPlane(device, 1n, (values, card) => {
    const blob = Number(values.get('FB_DAMAGE_CLIPS') ?? 0);
    if (blob === 0) return undefined;
    const bytes = Buffer.from(card.blob(blob));
    return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(at * 4));
  });
}

/** Reads from the properties of the plane of a type that shows something. */
function onShownPlane(
  device: string,
  type: bigint,
  read: (values: ReadonlyMap<string, bigint>, card: NativeCard) => number[] | undefined,
): number[] | undefined {
  const [UNIVERSAL_PLANES, ATOMIC, CURSOR_PLANE_HOTSPOT] = [2, 3, 6];
  const card = native.openCard(device);
  try {
    for (const capability of [UNIVERSAL_PLANES, ATOMIC, CURSOR_PLANE_HOTSPOT])
      card.setClientCapability(capability, 1);
    for (const plane of card.planes()) {
      const values = new Map(card.properties(plane, 0xeeeeeeee).map(({ name, value }) => [name, value]));
      if (values.get('type') === type && values.get('FB_ID') !== 0n) return read(values, card);
    }
    return undefined;
  } finally {
    card.close();
  }
}

/** The bytes of a picture in another format. */
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
