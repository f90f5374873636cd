import { atTestEnd, crtcOf, Daemon, Image, PixelBuffer, shows, WireGuest } from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const MODELINE = 'modeline 85.25 1368 1440 1576 1784 768 771 781 798 -hsync +vsync';

describe.each([
  ['atomic', false],
  ['legacy', true],
])('modes that the monitor does not list, %s', (_, legacy) => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start({
      guests: ['alpha', 'beta'],
      outputs: {
        [FIRST]: { show: 'alpha', mode: '1600x900@75' },
        [SECOND]: { show: 'beta', mode: MODELINE },
        [THIRD]: { mode: '9000x1000@60' },
      },
      legacy,
    });
  });
  afterAll(() => daemon.stop());

  /** A guest fills the panel; its very pixels are there. */
  async function fills(guest: string, output: string, width: number, height: number): Promise<void> {
    const image = Image.pattern(width, height, 3);
    const sender = await WireGuest.join(daemon.socket(guest));
    atTestEnd(() => {
      sender.close();
    });
    const buffer = await PixelBuffer.of(image);
    await sender.present(buffer);
    await shows(output, image.crc);
    expect(await daemon.output(output)).toMatchObject({
      path: 'direct',
      frame: { width, height, fits: true },
    });
  }

  test('a size and rate is made by CVT', async () => {
    await daemon.outputIs(FIRST, {
      mode: '1600x900@74.91',
      modeNote: "not in the monitor's list: made by CVT, reduced blanking",
    });
    expect(crtcOf(FIRST)?.mode).toMatch(/: 75 123000 1600 1648 1680 1760 900 903 908 933 /);
    await fills('alpha', FIRST, 1600, 900);
  });

  test('a modeline is set as it stands', async () => {
    await daemon.outputIs(SECOND, { mode: '1368x768@59.88' });
    expect(crtcOf(SECOND)?.mode).toMatch(/: 60 85250 1368 1440 1576 1784 768 771 781 798 /);
    await fills('beta', SECOND, 1368, 768);
  });

  test('what the card cannot drive is left for the preferred mode, and status says why', async () => {
    await daemon.outputIs(THIRD, {
      lit: true,
      mode: '1024x768@60',
      modeNote:
        'the monitor has no mode 9000x1000@60, and the card drives 8192x8192 at most, not 9000x1000@59.94: ' +
        'using 1024x768@60',
    });
    await daemon.said(/warning: Virtual-3: the monitor has no mode 9000x1000@60/);
  });
});
