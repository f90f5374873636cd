import {
  cliAll,
  Daemon,
  eventually,
  EvdevReader,
  FlippingGuest,
  framebufferCount,
  Image,
  Keyboard,
  look,
  Panels,
  PictureGuest,
  PixelBuffer,
  shows,
  Tablet,
  WireGuest,
} from '../harness';

const { lab } = Panels;
const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];
const [WIDTH, HEIGHT] = [1024, 768];
const FLIPS = 20;

describe('a guest that flips, on two panels of different modes', () => {
  let daemon: Daemon;
  let guest: FlippingGuest;
  let other: PictureGuest;
  let others: Set<number>;
  let before: number;
  let full: Set<number>;
  let small: Set<number>;

  beforeAll(async () => {
    before = framebufferCount();
    daemon = await Daemon.start({
      guests: ['flips', 'other'],
      outputs: {
        [FIRST]: { show: 'flips' },
        // Its middle: made smaller it would be copied, which takes this machine longer than the guest is kept waiting.
        [SECOND]: { show: 'flips', mode: '800x600', fit: 'none' },
        [THIRD]: { show: 'other' },
      },
    });
    guest = new FlippingGuest(await WireGuest.join(daemon.socket('flips')), WIDTH, HEIGHT);
    [full, small] = [guest.crcs(), guest.crcs(800, 600)];
    other = new PictureGuest(daemon.socket('other'), 'other');
    others = await other.pictures();
    await guest.start();
  });
  afterAll(async () => {
    await lab.plug(0, 1, 2);
    await guest.stop();
    await other.stop();
    await eventually(async () => {
      expect((await daemon.status()).framebuffers).toBe(0);
    });
    await daemon.stop();
    expect(framebufferCount()).toBe(before);
  });

  /** All of what a panel shows while the guest flips on: one of the pictures, and not the same. */
  async function flipsOn(connector: string, pictures: ReadonlySet<number>): Promise<void> {
    const seen = new Set<number>();
    await look(connector, async (next) => {
      await next(); // On its way when we came.
      for (const from = guest.flips; guest.flips < from + FLIPS || seen.size < 3;) seen.add(await next());
    });
    expect([...seen].filter((crc) => !pictures.has(crc))).toEqual([]);
  }

  test('is on both, all of it and its middle, and no frame on either mixes two', async () => {
    await shows(FIRST, full);
    await shows(SECOND, small);
    await flipsOn(FIRST, full);
    await flipsOn(SECOND, small);
    expect(await daemon.output(FIRST)).toMatchObject({ path: 'direct', guest: 'flips', head: 0 });
    expect(await daemon.output(SECOND)).toMatchObject({ path: 'direct', guest: 'flips', mirrors: FIRST });
    const { heads } = await daemon.guest('flips');
    expect(heads[0]).toMatchObject({ output: FIRST, outputs: [FIRST, SECOND], path: 'direct' });
  });

  test('the second is unplugged and comes back: the first is undisturbed, and the guest goes on', async () => {
    const { modesets } = await daemon.output(FIRST);
    await lab.unplug(1);
    await daemon.outputIs(SECOND, { lit: false, guest: 'flips' });
    await flipsOn(FIRST, full);
    await lab.plug(1);
    await daemon.outputIs(SECOND, { lit: true, path: 'direct' });
    await flipsOn(SECOND, small);
    expect(await daemon.output(FIRST)).toMatchObject({ modesets, path: 'direct' });
  });

  test('the first is unplugged and comes back: so is the second', async () => {
    const { modesets } = await daemon.output(SECOND);
    await lab.unplug(0);
    await daemon.outputIs(FIRST, { lit: false });
    await flipsOn(SECOND, small);
    expect((await daemon.output(SECOND)).mirrors).toBeUndefined();
    await lab.plug(0);
    await daemon.outputIs(FIRST, { lit: true, path: 'direct' });
    await flipsOn(FIRST, full);
    expect(await daemon.output(SECOND)).toMatchObject({ modesets, mirrors: FIRST });
  });

  test('the second shows something else, and this again: the first is undisturbed', async () => {
    const { modesets } = await daemon.output(FIRST);
    await daemon.show('other', SECOND);
    // It came from there, and this guest is on several anyway.
    await daemon.outputIs(THIRD, { guest: 'flips', path: 'direct' });
    await daemon.outputIs(SECOND, { guest: 'other', path: 'direct' });
    await flipsOn(FIRST, full);
    await daemon.show('flips', SECOND);
    await flipsOn(SECOND, small);
    expect((await daemon.guest('flips')).heads[0]?.outputs).toEqual([FIRST, SECOND, THIRD]);
    await daemon.show('other', THIRD);
    await shows(THIRD, others);
    expect(await daemon.output(FIRST)).toMatchObject({ modesets, path: 'direct' });
  });
});

test('each panel by its own rotation, with the pointer; places count on the panel that has the focus', async () => {
  const daemon = await Daemon.start({
    guests: [{ name: 'still', input: 'uinput' }],
    outputs: {
      [SECOND]: { show: 'still', rotate: 180 },
      [FIRST]: { show: 'still' },
      [THIRD]: { show: 'still', rotate: 90 },
    },
    hotkeys: { 'Ctrl+Alt+1': { focus: FIRST }, 'Ctrl+Alt+2': { focus: SECOND } },
  });
  const guest = await WireGuest.join(daemon.socket('still'));
  expect(await guest.toldSize()).toEqual([WIDTH, HEIGHT]);
  const image = Image.pattern(WIDTH, HEIGHT, 21);
  await guest.present(await PixelBuffer.of(image));
  const side = 64;
  const pointer = new Uint32Array(side * side).map((_, at) =>
    at % side <= at / side ? (0xff000000 | (at * 37)) >>> 0 : 0,
  );
  await guest.cursorImage(pointer, 100, 200);
  await guest.moveCursor(300, 150);
  const pointed = Image.pattern(WIDTH, HEIGHT, 21).blend(pointer, side, 300, 150);
  await shows(FIRST, pointed.crc);
  await shows(SECOND, pointed.turned(2).crc);
  expect(await daemon.output(SECOND)).toMatchObject({ path: 'direct' });
  await guest.moveCursor(0, 0, { visible: false });
  await shows(FIRST, image.crc);
  await shows(SECOND, image.turned(2).crc);
  const upright = image.scaled(HEIGHT, (HEIGHT * HEIGHT) / WIDTH).centredOn(HEIGHT, WIDTH);
  await shows(THIRD, upright.turned(1).crc);
  expect(await daemon.output(THIRD)).toMatchObject({ path: 'copy', mirrors: SECOND });

  const [checked, planned, status] = await cliAll([
    ['check', '-c', daemon.config],
    ['plan', daemon.config, '--control', daemon.control],
    ['status', '--control', daemon.control],
  ]);
  expect(checked!.stdout).toContain(
    `output ${FIRST}: still, mirrors ${SECOND}, whose size the guest is told`,
  );
  for (const { stdout } of [planned!, status!])
    expect(stdout).toContain(`${FIRST}: mirrors ${SECOND}, whose size its guest is told`);

  const { devices } = await daemon.guest('still');
  const reader = await EvdevReader.grab(devices!.find((device) => device.includes('tablet'))!);
  const tablet = await Tablet.plug(daemon);
  const keyboard = await Keyboard.plug(daemon);
  const [ABS, X, MOST] = [3, 0, 0x7fff];
  const last = (): number => reader.events.findLast(([type, code]) => type === ABS && code === X)?.[2] ?? -1;
  for (const [output, digit, expected] of [
    [FIRST, 'Digit1', 0.25],
    [SECOND, 'Digit2', 0.75],
  ] as const) {
    keyboard.chord('LeftCtrl', 'LeftAlt', digit);
    await daemon.outputIs(output, { focused: true });
    tablet.place(0.9, 0.9);
    tablet.place(0.25, 0.4);
    await eventually(() => {
      expect(last() / MOST).toBeCloseTo(expected, 2);
    });
  }
  keyboard.unplug();
  tablet.unplug();
  guest.close();
  await daemon.stop();
});
