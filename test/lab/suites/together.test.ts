/** Several outputs that are to be lit at the same time are, in one commit; where the card refuses that, each alone. */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import {
  atTestEnd, commitsDuring, crtcOf, Daemon, eventually, Keyboard, moves, Panels, PictureGuest, repository, Seatd, shows,
  type Setup,
} from '../harness'; // prettier-ignore

const OUTPUTS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
const GUESTS = ['alpha', 'beta', 'gamma'] as const;
const NOBODY = 65534;
const setup: Setup = {
  guests: GUESTS,
  outputs: Object.fromEntries(OUTPUTS.map((output, index) => [output, { show: GUESTS[index]! }])),
};

let daemon: Daemon;
let guests: PictureGuest[] = [];
let pictures: Set<number>[];

async function guestsCome(): Promise<void> {
  guests = GUESTS.map((name) => new PictureGuest(daemon.socket(name), name));
  pictures = await Promise.all(guests.map((guest) => guest.pictures()));
  await allShow();
}

async function allShow(): Promise<void> {
  for (const [index, output] of OUTPUTS.entries()) await shows(output, pictures[index]!);
}

async function stop(): Promise<void> {
  for (const guest of guests.splice(0)) await guest.stop();
  await daemon.stop();
}

async function modesets(): Promise<number[]> {
  const { outputs } = await daemon.status();
  return outputs.map((output) => output.modesets);
}

describe('three panels', () => {
  let commits: number;
  beforeAll(async () => {
    commits = await commitsDuring(async () => {
      daemon = await Daemon.start(setup);
      await guestsCome();
    });
  });
  afterAll(stop);

  test('are lit in one commit when the daemon starts, and show their guests', () => {
    expect(commits).toBe(1);
  });

  test('that are plugged in one after another disturb no other', async () => {
    const before = await modesets();
    atTestEnd(() => Panels.lab.plug(1, 2));
    await Panels.lab.unplug(1, 2);
    for (const output of OUTPUTS.slice(1)) await daemon.outputIs(output, { lit: false });
    await Panels.lab.plug(1, 2);
    await allShow();
    for (const [index, output] of OUTPUTS.entries()) await moves(output, pictures[index]!);
    expect((await modesets())[0]).toBe(before[0]);
  });
});

describe('on a virtual terminal', () => {
  let seatd: Seatd;
  beforeAll(async () => {
    seatd = await Seatd.start('nogroup', true);
    daemon = await Daemon.start({ ...setup, user: NOBODY });
    await guestsCome();
  });
  afterAll(async () => {
    await stop();
    await seatd.stop();
  });

  test('three panels are taken back in one commit', async () => {
    for (let round = 0; round < 3; round++) {
      execFileSync('busybox', ['chvt', '2']);
      await eventually(async () => {
        expect((await daemon.status()).cards).toMatchObject([{ state: 'paused' }]);
      });
      const commits = await commitsDuring(async () => {
        execFileSync('busybox', ['chvt', '1']);
        await allShow();
      });
      expect(commits).toBe(1);
    }
  });
});

describe('asleep', () => {
  let keyboard: Keyboard;
  beforeAll(async () => {
    daemon = await Daemon.start({ ...setup, power: { 'blank-after': '10s' } });
    await guestsCome();
    keyboard = await Keyboard.plug(daemon);
  });
  afterAll(async () => {
    keyboard.unplug();
    await stop();
  });

  test('three panels wake up in one commit', async () => {
    await eventually(() => {
      expect(OUTPUTS.map((output) => crtcOf(output)?.active)).toEqual([undefined, undefined, undefined]);
    });
    const commits = await commitsDuring(async () => {
      keyboard.tap('A');
      await allShow();
    });
    expect(commits).toBe(1);
  });
});

describe('a mode that the card refuses', () => {
  beforeAll(async () => {
    daemon = await Daemon.start({
      ...setup,
      outputs: { ...setup.outputs, [OUTPUTS[1]]: { show: GUESTS[1], mode: '1280x720' } },
      env: { LD_PRELOAD: path.join(repository, 'build/guests/narrow-card.so'), NARROW_CARD: '1280' },
    });
    // Guests draw in the size that they are told first.
    await daemon.outputIs(OUTPUTS[1], { lit: true, mode: '1024x768@60' });
    await guestsCome();
  });
  afterAll(stop);

  test('leaves the others lit, and its own panel with another mode', async () => {
    await daemon.outputIs(OUTPUTS[1], {
      modeNote: expect.stringMatching(/1280x720.*ENOSPC/) as string,
    });
    const said = daemon.log.filter((line) => / (warning|error): /.test(line));
    expect(said).toEqual([expect.stringContaining(`${OUTPUTS[1]}: the card refuses 1280x720@60`)]);
  });
});

describe('a CRTC', () => {
  test('goes from one connector to another in one commit', async () => {
    const short = await Panels.create('short', { connectors: 2, crtcs: 1 });
    atTestEnd(() => short.remove());
    const [first = '', second = ''] = short.connectors;
    daemon = await Daemon.start({
      guests: ['alpha', 'beta'],
      card: short.device,
      outputs: { [first]: { show: 'alpha' }, [second]: { show: 'beta' } },
    });
    guests = ['alpha', 'beta'].map((name) => new PictureGuest(daemon.socket(name), name));
    const [alphas, betas] = await Promise.all(guests.map((guest) => guest.pictures()));
    await shows(first, alphas!, { panels: short });
    const commits = await commitsDuring(async () => {
      await short.unplug(0);
      await shows(second, betas!, { panels: short });
    });
    expect(commits).toBe(1);
    await daemon.outputIs(first, { lit: false });
    await stop();
  });
});

describe('the legacy way', () => {
  let commits: number;
  beforeAll(async () => {
    commits = await commitsDuring(async () => {
      daemon = await Daemon.start({ ...setup, legacy: true });
      await guestsCome();
    });
  });
  afterAll(stop);

  test('three panels are lit one after another', async () => {
    expect(commits).toBe(0);
    for (const [index, output] of OUTPUTS.entries()) await moves(output, pictures[index]!);
  });
});
