import { Daemon, PictureGuest, shows, showsOnly } from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const WIDTH = 1024;
const HEIGHT = 768;

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta', 'gamma'],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' }, [THIRD]: { show: 'alpha:1' } },
  });
});
afterAll(() => daemon.stop());

test('a guest that is not there yet has a picture that says so', async () => {
  const output = await daemon.outputIs(FIRST, { guest: 'alpha', link: 'waiting', path: 'picture', mode: '1024x768@60' });
  expect(output.frame).toBeNull();
  const { png } = await daemon.screenshot(FIRST);
  expect(new Set(png.image.pixels).size).toBeGreaterThan(2);
  await shows(FIRST, png.image.crc);
});

test('two guests on two panels, each exactly', async () => {
  const alpha = new PictureGuest(daemon.socket('alpha'), 'alpha');
  const beta = new PictureGuest(daemon.socket('beta'), 'beta', '--heap');
  const [alphas, betas] = [await alpha.pictures(), await beta.pictures()];
  expect(alphas.size).toBe(8);
  await shows(FIRST, alphas);
  await shows(SECOND, betas);
  expect(await showsOnly(FIRST, alphas)).toBeGreaterThan(1);
  expect(await showsOnly(SECOND, betas)).toBeGreaterThan(1);
  for (const name of [FIRST, SECOND]) {
    expect(await daemon.output(name)).toMatchObject({
      path: 'direct',
      link: 'connected',
      frame: { width: WIDTH, height: HEIGHT, fits: true },
    });
  }
  for (const stats of [await alpha.stop(), await beta.stop()]) expect(stats.acks).toBeGreaterThan(10);
});
