import { ask } from '../../../src/control/client';
import { native } from '../../../src/native';
import {
  atTestEnd, crtcOf, Daemon, eventually, frames, held, Image, Keyboard, look, modesetsDuring, Panels,
  PictureGuest, Seatd, shows, XR24,
} from '../harness'; // prettier-ignore

const OUTPUTS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
const GUESTS = ['alpha', 'beta', 'gamma'] as const;
const setup = {
  guests: GUESTS,
  outputs: Object.fromEntries(OUTPUTS.map((output, index) => [output, { show: GUESTS[index]! }])),
  supervised: true,
};

let daemon: Daemon;
let guests: PictureGuest[] = [];
let pictures: Set<number>[];

async function start(options: object): Promise<void> {
  daemon = await Daemon.start({ ...setup, ...options });
  guests = GUESTS.map((name) => new PictureGuest(daemon.socket(name), name, '--reconnect'));
  pictures = await Promise.all(guests.map((guest) => guest.pictures()));
  await allShow();
}

async function stop(): Promise<void> {
  for (const guest of guests) await guest.stop();
  guests = [];
  if (!daemon.exit) await daemon.stop();
}

async function allShow(): Promise<void> {
  for (const [index, output] of OUTPUTS.entries()) await shows(output, pictures[index]!);
}

/** All that a panel shows until `work` is done. One panel: composing three leaves a starting daemon no processor. */
async function seenDuring(output: string, work: () => Promise<void>): Promise<Set<number>> {
  let done = false;
  const watching = look(output, async (next) => {
    const seen = new Set<number>();
    await next(); // On its way when we came.
    while (!done) seen.add(await next());
    return seen;
  });
  await work();
  done = true;
  return watching;
}

/** An output keeps the daemon's words from the first time on that it needs some: what is counted is to have them. */
async function allNeedWords(): Promise<void> {
  for (const [on, path] of [
    [true, 'picture'],
    [false, 'direct'],
  ] as const) {
    await ask(daemon.control, { command: 'panic', on });
    for (const output of OUTPUTS) await daemon.outputIs(output, { path });
  }
}

async function keepsPictures(signal: NodeJS.Signals): Promise<void> {
  const index = signal === 'SIGKILL' ? 0 : 1;
  await allNeedWords();
  const before = await held(daemon);
  let modesets: string[] = [];
  const seen = await seenDuring(OUTPUTS[index], async () => {
    modesets = await modesetsDuring(async () => {
      await daemon.restart(signal);
      for (const output of OUTPUTS) await daemon.outputIs(output, { path: 'direct' });
    });
  });
  expect(seen.size).toBeGreaterThan(0);
  expect([...seen].filter((crc) => !pictures[index]!.has(crc))).toEqual([]);
  expect(modesets).toEqual([]);
  await allShow();
  await allNeedWords();
  // The old process' file is let go of, and with it all that it held.
  await eventually(async () => {
    expect(daemon.supervisor.findLast((line) => line.includes('FDSTORE'))).toMatch(
      /^FDSTOREREMOVE=1 FDNAME=card-\d+-card\d+ \(stored 1\)$/,
    );
    expect(await held(daemon)).toEqual(before);
  });
}

/** The console's pictures: its cursor blinks. */
async function consolePictures(): Promise<Set<number>> {
  return new Set(await frames(OUTPUTS[0], 8));
}

describe.each([
  ['atomic', false],
  ['legacy', true],
])('pictures are kept, %s', (_name, legacy) => {
  let before: Set<number>;
  beforeAll(async () => {
    before = await consolePictures();
    await start({ legacy });
  });
  afterAll(stop);

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'over a restart after %s: only pictures of the guests, no modeset, nothing left behind',
    keepsPictures,
  );

  test('the supervisor is told that it is ready, how it is, and that its loop turns', async () => {
    const told = (pattern: RegExp): Promise<void> =>
      eventually(() => {
        expect(daemon.supervisor).toContainEqual(expect.stringMatching(pattern));
      });
    await told(/^READY=1 /);
    await told(/^STATUS=3 outputs lit, 3 of 3 guests connected /);
    await told(/^WATCHDOG=1 /);
  });

  test('another program that becomes master has the panels, and gives them back', async () => {
    const thief = native.openCard(Panels.lab.device);
    atTestEnd(() => {
      thief.close();
    });
    await eventually(
      () => {
        daemon.signal('SIGUSR2');
        expect(thief.isMaster() || thief.setMaster() === 0).toBe(true);
      },
      10,
      1,
    );
    const picture = Image.pattern(1024, 768, 5);
    const dumb = await thief.createDumb({
      width: 1024,
      height: 768,
      format: XR24,
      fill: 0,
      framebuffer: true,
    });
    new Uint32Array(dumb.pixels).set(picture.pixels);
    const connectors = thief.resources().connectors.map((id) => thief.connector(id));
    const connector = connectors.find(({ typeId }) => OUTPUTS[0] === `Virtual-${typeId}`)!;
    const mode = connector.modes.find(({ hdisplay, vdisplay }) => hdisplay === 1024 && vdisplay === 768)!;
    await thief.setCrtc(crtcOf(OUTPUTS[0])!.id, dumb.framebuffer, 0, 0, [connector.id], mode);
    await daemon.said(/another program has become master of the card: paused/);
    await shows(OUTPUTS[0], picture.crc);
    expect((await daemon.status()).state).toBe('paused');
    dumb.close();
    thief.close();
    await daemon.said(/the card is ours again/);
    await allShow();
    expect((await daemon.status()).state).toBe('shown');
  });

  test('until it is stopped for good: then the console is there', async () => {
    for (const guest of guests) await guest.stop();
    guests = [];
    const { code } = await daemon.kill('SIGTERM');
    expect(code).toBe(0);
    await shows(OUTPUTS[0], before);
  });
});

test('with seatd, too, a seat manager takes the card from one daemon and gives it to the next', async () => {
  const seatd = await Seatd.start('root', false);
  await start({});
  await daemon.said(/session: seatd, seat0/);
  await keepsPictures('SIGKILL');
  await stop();
  await seatd.stop();
});

test('told to blank, it keeps nothing: after kill -9 the console is there', async () => {
  const before = await consolePictures();
  await start({ handover: 'blank' });
  daemon.signal('SIGSTOP'); // The supervisor: it would start another.
  process.kill(daemon.pid, 'SIGKILL');
  await shows(OUTPUTS[0], before);
  expect(daemon.supervisor.filter((line) => line.includes('FDSTORE'))).toEqual([]);
  daemon.signal('SIGCONT');
  await allShow();
  await stop();
});

test('without a supervisor, too, kill -9 brings the console back', async () => {
  const before = await consolePictures();
  await start({ supervised: false });
  await daemon.kill('SIGKILL');
  await shows(OUTPUTS[0], before);
  await stop();
});

test('the monitors sleep when nobody is there, guests go on, and a key wakes them', async () => {
  await start({ supervised: false, power: { 'blank-after': '3s' } });
  const dark = (): Promise<void> =>
    eventually(() => {
      expect(OUTPUTS.map((output) => crtcOf(output))).toEqual([undefined, undefined, undefined]);
    });
  await dark();
  expect((await daemon.status()).state).toBe('asleep');
  const drawn = async (): Promise<number> => (await daemon.guest('alpha')).heads[0]!.frames;
  const before = await drawn();
  await eventually(async () => {
    expect(await drawn()).toBeGreaterThan(before + 5);
  });
  const keyboard = await Keyboard.plug(daemon);
  await dark();
  keyboard.tap('A');
  await daemon.said(/the monitors wake up/);
  await allShow();
  keyboard.unplug();
  await stop();
});
