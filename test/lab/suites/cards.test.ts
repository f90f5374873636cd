import { native, type NativeCard, type NativeDumb } from '../../../src/native';
import {
  atTestEnd,
  cli,
  crtcStates,
  Daemon,
  eventually,
  FlippingGuest,
  framebufferCount,
  Image,
  Keyboard,
  leastHeld,
  look,
  modesetsDuring,
  Panels,
  PictureGuest,
  shows,
  WireGuest,
  XR24,
} from '../harness';

const { lab } = Panels;
const FIRST = 'Virtual-1';
const [WIDTH, HEIGHT] = [1024, 768];
const FLIPS = 8;
const SHAPE = { connectors: 2, crtcs: 2 };

/** All that a panel shows while a guest flips on: its pictures, and not one alone. */
async function flipsOn(connector: string, guest: FlippingGuest, panels: Panels): Promise<void> {
  const pictures = guest.crcs();
  const seen = new Set<number>();
  await look(
    connector,
    async (next) => {
      await next(); // On its way when we came.
      for (const from = guest.flips; guest.flips < from + FLIPS || seen.size < 3;) seen.add(await next());
    },
    panels,
  );
  expect([...seen].filter((crc) => !pictures.has(crc))).toEqual([]);
}

async function goesOn(guest: FlippingGuest): Promise<void> {
  const from = guest.flips;
  await eventually(() => {
    expect(guest.flips).toBeGreaterThan(from + FLIPS);
  });
}

describe('two cards', () => {
  let second: Panels;
  let daemon: Daemon;
  let keyboard: Keyboard;
  let guests: PictureGuest[];
  let pictures: Set<number>[];
  let fourth: string;
  let fifth: string;
  /** Had the second card before: a console, or a display manager. */
  let other: NativeCard;
  let dumb: NativeDumb;
  const its = Image.pattern(800, 600, 2);
  let before: object;
  const states = (): object => [lab, second].map((panels) => crtcStates(panels));

  beforeAll(async () => {
    second = await Panels.create('second', SHAPE);
    [fourth = '', fifth = ''] = second.connectors;
    other = native.openCard(second.device);
    const { crtcs, connectors } = other.resources();
    for (const crtc of crtcs) await other.setCrtc(crtc, 0, 0, 0, [], null);
    const mode = other.connector(connectors[0]!).modes.find(({ name }) => name === '800x600')!;
    dumb = await other.createDumb({ width: 800, height: 600, format: XR24, fill: 0, framebuffer: true });
    new Uint32Array(dumb.pixels).set(its.pixels);
    await other.setCrtc(crtcs[1]!, dumb.framebuffer, 0, 0, [connectors[0]!], mode);
    other.dropMaster();
    await shows(fourth, its.crc, { panels: second });
    before = states();
    daemon = await Daemon.start({
      guests: ['alpha', 'beta', 'gamma'],
      outputs: {
        [FIRST]: { show: 'alpha' },
        [`card${second.minor}/${fourth}`]: { show: 'beta' },
        [fifth]: { show: 'gamma' },
      },
      hotkeys: { F1: { show: 'alpha', on: fourth }, F2: { show: 'alpha', on: FIRST } },
    });
    guests = ['alpha', 'beta', 'gamma'].map(
      (name) => new PictureGuest(daemon.socket(name), name, '--static'),
    );
    pictures = await Promise.all(guests.map((guest) => guest.pictures()));
    keyboard = await Keyboard.plug(daemon);
  });
  afterAll(async () => {
    dumb.close();
    other.close();
    await second.remove();
  });

  test('show a guest each on outputs of both, and say which card is whose', async () => {
    await shows(FIRST, pictures[0]!);
    await shows(fourth, pictures[1]!, { panels: second });
    await shows(fifth, pictures[2]!, { panels: second });
    const status = await daemon.status();
    expect(status).toMatchObject({ card: lab.device, state: 'shown' });
    expect(status.cards.map(({ card, driver }) => [card, driver])).toEqual([
      [lab.device, 'vkms'],
      [second.device, 'vkms'],
    ]);
    expect(
      status.outputs.filter(({ guest }) => guest).map(({ output, card, path }) => [output, card, path]),
    ).toEqual([
      [FIRST, `card${lab.minor}`, 'direct'],
      [fourth, `card${second.minor}`, 'direct'],
      [fifth, `card${second.minor}`, 'direct'],
    ]);
  });

  test('a hotkey moves a guest from one to the other, and back, without a modeset', async () => {
    const modesets = await modesetsDuring(async () => {
      keyboard.tap('F1');
      await daemon.outputIs(fourth, { guest: 'alpha', path: 'direct' });
      await daemon.outputIs(FIRST, { guest: 'beta', path: 'direct' });
    });
    expect(modesets).toEqual([]);
    await shows(fourth, pictures[0]!, { panels: second });
    await shows(FIRST, pictures[1]!);
    keyboard.tap('F2');
    await shows(FIRST, pictures[0]!);
    await shows(fourth, pictures[1]!, { panels: second });
  });

  test('are photographed and planned for, each by its own commits', async () => {
    const { png, method } = await daemon.screenshot(fourth);
    expect(method).toBe('writeback');
    expect(pictures[1]!.has(png.image.crc)).toBe(true);
    const { code, stdout } = await cli('plan', '--json', '--control', daemon.control);
    expect(code).toBe(0);
    const plan = JSON.parse(stdout) as { cards: object[]; outputs: Record<string, unknown>[] };
    expect(plan.cards).toMatchObject(
      [lab, second].map(({ device }) => ({ card: device, by: 'test commits' })),
    );
    expect(plan.outputs.find(({ output }) => output === fifth)).toMatchObject({
      ...{ card: second.device, change: 'none', path: 'direct', guest: 'gamma' },
    });
    expect((await cli('status', '--control', daemon.control)).stdout).toContain(second.device);
  });

  test('are given back at the end, both as they were', async () => {
    keyboard.unplug();
    for (const guest of guests) await guest.stop();
    await daemon.stop();
    await shows(fourth, its.crc, { panels: second });
    expect(states()).toEqual(before);
  });
});

describe('a guest on both cards, and one on the second, which goes and comes back', () => {
  let second: Panels;
  let daemon: Daemon;
  let mirrored: FlippingGuest;
  let alone: FlippingGuest;
  let fourth: string;
  let fifth: string;
  let before: number;

  beforeAll(async () => {
    before = framebufferCount();
    second = await Panels.create('second', SHAPE);
    [fourth = '', fifth = ''] = second.connectors;
    daemon = await Daemon.start({
      guests: ['mirrored', 'alone'],
      outputs: {
        [FIRST]: { show: 'mirrored' },
        [fourth]: { show: 'mirrored' },
        [fifth]: { show: 'alone' },
      },
    });
    mirrored = new FlippingGuest(await WireGuest.join(daemon.socket('mirrored')), WIDTH, HEIGHT);
    alone = new FlippingGuest(await WireGuest.join(daemon.socket('alone')), WIDTH, HEIGHT);
    for (const guest of [mirrored, alone]) await guest.start();
  });
  afterAll(async () => {
    for (const guest of [mirrored, alone]) await guest.stop();
    await daemon.stop();
    expect(framebufferCount()).toBe(before);
    await second.remove();
  });

  test('both show it, and no frame mixes two', async () => {
    await daemon.outputIs(fourth, { path: 'direct', mirrors: FIRST });
    await flipsOn(FIRST, mirrored, lab);
    await flipsOn(fourth, mirrored, second);
    await flipsOn(fifth, alone, second);
  });

  test('the second goes: the first is undisturbed, and guests go on', async () => {
    const held: Awaited<ReturnType<typeof leastHeld>>[] = [];
    const { modesets } = await daemon.output(FIRST);
    for (let round = 0; round < 2; round++) {
      const watcher = await daemon.watch();
      const gone = `card${second.minor}`;
      await second.remove();
      await eventually(async () => {
        const { cards, outputs } = await daemon.status();
        expect(cards.map(({ card }) => card)).toEqual([lab.device]);
        expect(outputs.map(({ output }) => output)).toEqual(lab.connectors);
      });
      watcher.close();
      expect(watcher.events).toContainEqual({ event: 'card', card: gone, there: false });
      await flipsOn(FIRST, mirrored, lab);
      await goesOn(alone);
      expect(await daemon.guest('alone')).toMatchObject({ connected: true });
      expect(await daemon.output(FIRST)).toMatchObject({ modesets, path: 'direct' });
      held.push(await leastHeld(daemon, { during: 1500 }));

      second = await Panels.create('second', SHAPE);
      expect(second.connectors).toEqual([fourth, fifth]);
      await daemon.outputIs(fifth, { guest: 'alone', path: 'direct', card: `card${second.minor}` });
      await daemon.outputIs(fourth, { guest: 'mirrored', path: 'direct' });
      await flipsOn(fifth, alone, second);
      await flipsOn(fourth, mirrored, second);
    }
    expect(held[1]).toEqual(held[0]);
    expect(await daemon.output(FIRST)).toMatchObject({ modesets, path: 'direct' });
  });
});

test('all cards: those that come later, and the one that was first may go', async () => {
  const first = await Panels.create('first', { connectors: 1, crtcs: 1 });
  const daemon = await Daemon.start({ guests: ['alpha'], card: 'all' });
  const alpha = new PictureGuest(daemon.socket('alpha'), 'alpha', '--static');
  atTestEnd(() => alpha.kill());
  const pictures = await alpha.pictures();
  await shows(FIRST, pictures);
  await first.remove();
  await eventually(async () => {
    expect((await daemon.status()).cards).toHaveLength(1);
  });
  const late = await Panels.create('late', { connectors: 1, crtcs: 1 });
  atTestEnd(() => late.remove());
  // The number of the first one's connector is free only when its file is closed.
  const [name = ''] = late.connectors;
  await daemon.outputIs(name, { lit: true, card: `card${late.minor}` });
  await daemon.show('alpha', name);
  await shows(name, pictures, { panels: late });
  await daemon.stop();
});
