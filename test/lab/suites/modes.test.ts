import type { Plan } from '../../../src/plan/plan';
import { atTestEnd, cli, crtcOf, Daemon, Image, pause, PixelBuffer, shows, WireGuest } from '../harness';

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

describe.each([
  ['atomic', false],
  ['legacy', true],
])('the mode of what is shown, %s', (_, legacy) => {
  const [OWN, PREFERRED] = ['800x600@60.32', '1024x768@60'];
  const own = Image.pattern(800, 600, 5);
  const preferred = Image.pattern(1024, 768, 6);
  let daemon: Daemon;
  let alpha: WireGuest;
  let beta: WireGuest;
  beforeAll(async () => {
    daemon = await Daemon.start({
      guests: ['alpha', 'beta'],
      outputs: {
        [FIRST]: { show: 'alpha', mode: 'guest' },
        [SECOND]: { show: 'beta', mode: 'guest', rotate: 90 },
      },
      legacy,
    });
    alpha = await WireGuest.join(daemon.socket('alpha'));
    beta = await WireGuest.join(daemon.socket('beta'));
  });
  afterAll(async () => {
    alpha.close();
    beta.close();
    await daemon.stop();
  });

  const present = async (guest: WireGuest, image: Image): Promise<void> =>
    guest.present(await PixelBuffer.of(image));
  const modesets = async (): Promise<number> => (await daemon.output(FIRST)).modesets;

  test('a guest gets the mode of its own size, pixel by pixel, and is told the preferred one', async () => {
    await present(alpha, own);
    await daemon.outputIs(FIRST, {
      mode: OWN,
      path: 'direct',
      frame: { width: 800, height: 600, fits: true },
    });
    await shows(FIRST, own.crc);
    expect(crtcOf(FIRST)?.mode).toMatch(/: 60 40000 800 /);
    expect(await alpha.toldSize()).toEqual([1024, 768]);
  });

  test('by the size as its user sees it, where the panel is turned', async () => {
    expect(await beta.toldSize()).toEqual([768, 1024]);
    const tall = Image.pattern(600, 800, 7);
    await present(beta, tall);
    await daemon.outputIs(SECOND, { mode: OWN, frame: { width: 600, height: 800, fits: true } });
    await shows(SECOND, tall.turned(1).crc);
  });

  test('plan says the mode of the switch that follows, which is one modeset and the next picture', async () => {
    await present(beta, preferred);
    await daemon.outputIs(SECOND, { mode: PREFERRED });
    const { stdout } = await cli(
      'plan',
      '--show',
      'beta',
      '--on',
      FIRST,
      '--json',
      '--control',
      daemon.control,
    );
    const planned = (JSON.parse(stdout) as Plan).outputs.find(({ output }) => output === FIRST);
    expect(planned).toMatchObject({
      mode: PREFERRED,
      change: 'modeset',
      buffer: { width: 1024, height: 768 },
    });
    const before = await modesets();
    await daemon.show('beta', FIRST);
    await daemon.outputIs(FIRST, { mode: PREFERRED, path: 'direct', modesets: before + 1 });
    await shows(FIRST, preferred.crc);
    await daemon.show('alpha', FIRST);
    await daemon.outputIs(FIRST, { mode: OWN, path: 'direct', modesets: before + 2 });
    await shows(FIRST, own.crc);
  });

  test('a size that no mode has is shown in the preferred one, and status says so', async () => {
    const odd = Image.pattern(1000, 700, 8);
    await present(alpha, odd);
    await daemon.outputIs(FIRST, {
      mode: PREFERRED,
      modeNote: `the monitor has no mode for its guest's 1000x700: using ${PREFERRED}`,
      frame: { width: 1000, height: 700, fits: false },
    });
    await shows(FIRST, odd.centredOn(1024, 768).crc);
  });

  test('a guest that resizes as fast as it is answered gets a mode when it stops, and no storm of them', async () => {
    const sizes = [own, Image.pattern(640, 480, 9)];
    const buffers = await Promise.all(sizes.map((image) => PixelBuffer.of(image)));
    await present(alpha, preferred);
    await daemon.outputIs(FIRST, { mode: PREFERRED });
    const before = await modesets();
    const from = performance.now();
    let frames = 0;
    for (; performance.now() - from < 3000; frames++) await alpha.present(buffers[frames % 2]!);
    // One that was stable long enough between two answers of a slow machine may be among them.
    const seconds = Math.ceil((performance.now() - from) / 1000);
    expect((await modesets()) - before).toBeLessThanOrEqual(seconds);
    await alpha.present(buffers[0]!);
    await daemon.outputIs(FIRST, { mode: OWN, path: 'direct' });
    await shows(FIRST, own.crc);
    expect(frames).toBeGreaterThan(5);
  });

  test('one that rests just long enough between sizes changes the mode once a second at most', async () => {
    const sizes = [Image.pattern(640, 480, 9), own];
    const buffers = await Promise.all(sizes.map((image) => PixelBuffer.of(image)));
    const [before, from] = [await modesets(), performance.now()];
    for (let change = 0; change < 12; change++) {
      await alpha.present(buffers[change % 2]!);
      await pause(300);
    }
    const made = (await modesets()) - before;
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(Math.ceil((performance.now() - from) / 1000));
    await daemon.outputIs(FIRST, { mode: OWN });
  });

  test('a guest that goes leaves the preferred mode', async () => {
    await alpha.off();
    await daemon.outputIs(FIRST, { mode: PREFERRED, path: 'picture' });
  });
});
