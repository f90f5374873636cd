import { Daemon, Image, PixelBuffer, shows, WireGuest } from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const [WIDTH, HEIGHT] = [1024, 768];

/** No display engine here scales; planes turn pictures where commits are atomic. */
const scaled = (from: string, to: string): object => ({
  path: 'copy',
  reason: `the display engine does not scale ${from} to ${to}`,
});

describe.each(['atomic', 'legacy'] as const)('%s commits:', (engine) => {
  const turned = (degrees: number): object =>
    engine === 'atomic'
      ? { path: 'direct' }
      : { path: 'copy', reason: `the display engine does not turn pictures by ${degrees} degrees` };
  const panel = (image: Image): number => image.centredOn(WIDTH, HEIGHT).crc;
  let daemon: Daemon;
  let guests: WireGuest[];

  async function start(...views: [object, object, object]): Promise<void> {
    const names = ['one', 'two', 'three'];
    const outputs = [FIRST, SECOND, THIRD].map((output, index) => [
      output,
      { show: names[index], ...views[index] },
    ]);
    daemon = await Daemon.start({
      legacy: engine === 'legacy',
      guests: names,
      outputs: Object.fromEntries(outputs) as Record<string, object>,
    });
    guests = await Promise.all(names.map((name) => WireGuest.join(daemon.socket(name))));
  }
  const stop = async (): Promise<void> => {
    for (const guest of guests) guest.close();
    await daemon.stop();
  };

  async function present(guest: WireGuest, image: Image, bottomUp = false): Promise<PixelBuffer> {
    const buffer = await PixelBuffer.of(bottomUp ? image.flipped() : image);
    await guest.present(buffer, { bottomUp });
    return buffer;
  }

  describe('aspect, integer and a quarter turn', () => {
    beforeAll(() => start({ fit: 'aspect' }, { rotate: 90 }, { fit: 'integer' }));
    afterAll(() => stop());

    test('a larger screen is made smaller, and what changes in it changes on the panel', async () => {
      const image = Image.pattern(1280, 800, 1);
      const buffer = await present(guests[0]!, image);
      await shows(FIRST, panel(image.scaled(1024, 640)));
      expect(await daemon.output(FIRST)).toMatchObject({
        ...scaled('1280x800', '1024x640'),
        placement: { x: 0, y: 64, width: 1024, height: 640, rotate: 0 },
        frame: { width: 1280, height: 800, fits: false },
      });
      for (const [x, y, width, height] of [
        [333, 211, 77, 55],
        [0, 0, 1, 1],
        [1279, 799, 1, 1],
      ] as const) {
        image.draw(Image.pattern(width, height, 2), x, y);
        await buffer.write(image);
        await guests[0]!.update(0, { x, y, width, height });
        await guests[0]!.reply();
        await shows(FIRST, panel(image.scaled(1024, 640)));
      }
    });

    test('a smaller one is made larger, also from pixels in messages and bottom up', async () => {
      const image = Image.pattern(640, 480, 3);
      await present(guests[0]!, image, true);
      await shows(FIRST, image.scaled(1024, 768).crc);
      expect(await daemon.output(FIRST)).toMatchObject(scaled('640x480', '1024x768'));
      const other = Image.pattern(500, 300, 4);
      await guests[0]!.pixelScanout(500, 300);
      await guests[0]!.pixels(other);
      await shows(FIRST, panel(other.scaled(1024, 614)));
    });

    test('by whole multiples, sharp; what is larger than the panel is scaled all the same', async () => {
      const image = Image.pattern(320, 200, 5);
      await present(guests[2]!, image);
      await shows(THIRD, panel(image.enlarged(3)));
      expect(await daemon.output(THIRD)).toMatchObject(scaled('320x200', '960x600'));
      const large = Image.pattern(2048, 1536, 6);
      await present(guests[2]!, large);
      await shows(THIRD, large.scaled(1024, 768).crc);
    });

    test('a panel on its side: its guest is told, and turned; so is a smaller screen, and one bottom up', async () => {
      expect(await guests[1]!.toldSize()).toEqual([HEIGHT, WIDTH]);
      const image = Image.pattern(HEIGHT, WIDTH, 7);
      await present(guests[1]!, image);
      await shows(SECOND, image.turned(1).crc);
      expect(await daemon.output(SECOND)).toMatchObject({
        ...turned(90),
        frame: { width: HEIGHT, height: WIDTH, fits: true },
        placement: { x: 0, y: 0, width: WIDTH, height: HEIGHT, rotate: 90 },
      });
      const { png } = await daemon.screenshot(SECOND);
      expect(png.image.crc).toBe(image.turned(1).crc);
      const small = Image.pattern(300, 201, 8);
      for (const bottomUp of [false, true]) {
        await present(guests[1]!, small, bottomUp);
        await shows(SECOND, small.centredOn(HEIGHT, WIDTH).turned(1).crc);
      }
    });

    test('the pointer is turned with it, and is where the guest has it', async () => {
      const image = Image.pattern(HEIGHT, WIDTH, 9);
      await present(guests[1]!, image);
      const side = 64;
      const pointer = new Uint32Array(side * side).map((_, at) =>
        at % side <= at / side ? (0xff000000 | (at * 37)) >>> 0 : 0,
      );
      await guests[1]!.cursorImage(pointer, 100, 200, { hotX: 5, hotY: 9 });
      for (const [x, y] of [
        [100, 200],
        [-20, 1000],
        [740, -7],
      ] as const) {
        await guests[1]!.moveCursor(x, y);
        const expected = Image.pattern(HEIGHT, WIDTH, 9).blend(pointer, side, x, y);
        await shows(SECOND, expected.turned(1).crc);
      }
      await guests[1]!.moveCursor(0, 0, { visible: false });
      await shows(SECOND, image.turned(1).crc);
    });
  });

  describe('fill, upside down and cropped on its side', () => {
    beforeAll(() => start({ fit: 'fill' }, { rotate: 180 }, { fit: 'none', rotate: 270 }));
    afterAll(() => stop());

    test('stretched', async () => {
      const image = Image.pattern(640, 400, 10);
      await present(guests[0]!, image);
      await shows(FIRST, image.scaled(WIDTH, HEIGHT).crc);
      expect(await daemon.output(FIRST)).toMatchObject(scaled('640x400', '1024x768'));
    });

    test('a pointer is scaled like the screen it is on, around its hot spot', async () => {
      const image = Image.pattern(512, 384, 11);
      await present(guests[0]!, image);
      await shows(FIRST, image.enlarged(2).crc);
      const pointer = new Uint32Array(64 * 64);
      for (let y = 0; y < 24; y++) pointer.fill(0xff123456, y * 64, y * 64 + y + 1);
      await guests[0]!.cursorImage(pointer, 30, 40, { hotX: 4, hotY: 6 });
      const expected = image.blend(pointer, 64, 30, 40).enlarged(2);
      await shows(FIRST, expected.crc);
    });

    test('upside down', async () => {
      const image = Image.pattern(WIDTH, HEIGHT, 12);
      await present(guests[1]!, image);
      await shows(SECOND, image.turned(2).crc);
      expect(await daemon.output(SECOND)).toMatchObject(turned(180));
    });

    test('larger and unscaled is cropped in its middle', async () => {
      const image = Image.pattern(900, 1200, 13);
      await present(guests[2]!, image);
      await shows(THIRD, image.centredOn(HEIGHT, WIDTH).turned(3).crc);
      expect(await daemon.output(THIRD)).toMatchObject(turned(270));
    });

    test('our own pictures stand upright for who looks at the panel', async () => {
      guests[2]!.close();
      await daemon.outputIs(THIRD, { link: 'gone', path: 'picture' });
      const { png } = await daemon.screenshot(THIRD);
      await shows(THIRD, png.image.crc);
      // Its headline is a line of text: rows with letters are few once it stands upright.
      const upright = png.image.turned(1);
      const background = upright.pixels[0]!;
      const rows = Array.from({ length: upright.height }, (_, y) =>
        upright.crop(0, y, upright.width, 1).pixels.some((pixel) => pixel !== background),
      ).filter(Boolean).length;
      expect(rows).toBeLessThan(upright.height / 4);
    });
  });
});
