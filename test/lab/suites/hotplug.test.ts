import { crtcOf, Daemon, eventually, Panels, PictureGuest, shows, moves } from '../harness';

const { lab } = Panels;
const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];

let daemon: Daemon;
let alpha: PictureGuest;
let beta: PictureGuest;
let alphas: Set<number>;
let betas: Set<number>;

async function start(): Promise<void> {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta'],
    outputs: { [FIRST]: { show: 'alpha' }, [SECOND]: { show: 'beta' } },
  });
}

function guests(): void {
  alpha = new PictureGuest(daemon.socket('alpha'), 'alpha');
  beta = new PictureGuest(daemon.socket('beta'), 'beta');
}

async function framesOf(guest: string): Promise<number> {
  return (await daemon.guest(guest)).heads[0]?.frames ?? 0;
}

describe('monitors that come and go', () => {
  beforeAll(async () => {
    await start();
    guests();
    [alphas, betas] = [await alpha.pictures(), await beta.pictures()];
    await shows(FIRST, alphas);
    await shows(SECOND, betas);
  });
  afterAll(async () => {
    await lab.plug(0, 1, 2);
    for (const guest of [alpha, beta]) await guest.stop();
    await daemon.stop();
  });

  test('one is unplugged: its guest is acknowledged on, the others are undisturbed', async () => {
    const { modesets } = await daemon.output(SECOND);
    await lab.unplug(0);
    await daemon.outputIs(FIRST, { connected: false, lit: false, mode: null, crtc: null, guest: 'alpha' });
    expect(crtcOf(FIRST)).toBeUndefined();
    const seen = await framesOf('alpha');
    await moves(SECOND, betas);
    await eventually(async () => {
      expect(await framesOf('alpha')).toBeGreaterThan(seen + 20);
    });
    expect(await daemon.output(SECOND)).toMatchObject({ modesets, path: 'direct' });
    expect(await daemon.guest('alpha')).toMatchObject({ connected: true });
  });

  test('it is plugged in again: its guest is back', async () => {
    const { modesets } = await daemon.output(SECOND);
    await lab.plug(0);
    await daemon.outputIs(FIRST, { connected: true, lit: true, guest: 'alpha', path: 'direct' });
    await shows(FIRST, alphas);
    await moves(FIRST, alphas);
    await moves(SECOND, betas);
    expect(await daemon.output(SECOND)).toMatchObject({ modesets });
  });

  test('and is photographed by the display engine as before, while its guest moves', async () => {
    for (const name of [FIRST, FIRST, SECOND, FIRST]) {
      const { method, reason, png } = await daemon.screenshot(name);
      expect({ method, reason }).toEqual({ method: 'writeback' });
      expect(name === FIRST ? alphas : betas).toContain(png.image.crc);
    }
  });

  test('one goes in the middle of switches, again and again', async () => {
    for (let round = 0; round < 4; round++) {
      const [here, there] = round % 2 === 0 ? [SECOND, FIRST] : [FIRST, SECOND];
      const pulled = lab.unplug(1);
      for (let time = 0; time < 5; time++) {
        await daemon.show('alpha', time % 2 === 0 ? SECOND : FIRST);
        await daemon.show('beta', time % 2 === 0 ? SECOND : FIRST);
      }
      await daemon.show('alpha', here);
      await daemon.show('beta', there);
      await pulled;
      if (round < 2) await daemon.outputIs(SECOND, { lit: false });
      await lab.plug(1);
      await daemon.outputIs(SECOND, { lit: true, path: 'direct' });
      await shows(here, alphas);
      await shows(there, betas);
    }
  });

  test('a guest is given to a monitor that is away: it is there when the monitor is', async () => {
    await lab.unplug(2);
    await daemon.outputIs(THIRD, { lit: false });
    await daemon.show('beta', THIRD);
    await lab.plug(2);
    await shows(THIRD, betas);
    await daemon.show('beta', SECOND);
    await daemon.show('alpha', FIRST);
    await shows(SECOND, betas);
  });

  test('all go: the daemon says so and waits; all come back', async () => {
    await lab.unplug(0, 1, 2);
    await daemon.said(/warning: no monitor is connected to card\d+: waiting for one$/);
    for (const name of [FIRST, SECOND]) await daemon.outputIs(name, { lit: false });
    const seen = await framesOf('beta');
    await eventually(async () => {
      expect(await framesOf('beta')).toBeGreaterThan(seen + 20);
    });
    await lab.plug(0, 1, 2);
    await shows(FIRST, alphas);
    await shows(SECOND, betas);
    await moves(FIRST, alphas);
    for (const name of [FIRST, SECOND]) expect(await daemon.output(name)).toMatchObject({ path: 'direct' });
  });
});

describe('without any monitor at start', () => {
  beforeAll(async () => {
    await lab.unplug(0, 1, 2);
    await start();
    guests();
  });
  afterAll(async () => {
    await lab.plug(0, 1, 2);
    for (const guest of [alpha, beta]) await guest.stop();
    await daemon.stop();
  });

  test('the daemon waits, with one line that says so', async () => {
    await eventually(async () => {
      expect(await framesOf('alpha')).toBeGreaterThan(10);
    });
    expect(daemon.log.filter((line) => line.includes('no monitor is connected'))).toHaveLength(1);
    expect((await daemon.status()).outputs.map(({ lit }) => lit)).toEqual([false, false, false]);
  });

  test('the first that is plugged in shows its guest', async () => {
    await lab.plug(1);
    await shows(SECOND, await beta.pictures());
    await lab.plug(0);
    await shows(FIRST, await alpha.pictures());
  });
});
