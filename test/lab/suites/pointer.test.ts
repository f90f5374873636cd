import { Daemon, frames, Image, ioctlsDuring, look, pause, PixelBuffer, shows, WireGuest } from '../harness';

const PANEL = 'Virtual-1';
const [WIDTH, HEIGHT] = [1024, 768];
const SIDE = 64;
const PERIOD_MS = 1000 / 60;
/** A pointer alone goes so late in the refresh; what is told in calls has no event to wait for. */
const SHORTEST_MS = PERIOD_MS - 4;
const MOVES = 1000;

/** Opaque in one triangle, clear elsewhere. */
const arrow = Uint32Array.from({ length: SIDE * SIDE }, (_, at) =>
  at % SIDE <= at >> 6 ? 0xff400000 + at : 0,
);
const pointed = (image: Image, x: number, y: number): number => image.blend(arrow, SIDE, x, y).crc;

describe.each([
  ['atomic', /DRM_IOCTL_MODE_ATOMIC/],
  ['legacy', /DRM_IOCTL_MODE_CURSOR/],
] as const)('%s commits:', (engine, ioctl) => {
  let daemon: Daemon;
  let guest: WireGuest;
  beforeAll(async () => {
    daemon = await Daemon.start({
      legacy: engine === 'legacy',
      guests: ['alpha'],
      outputs: { [PANEL]: { show: 'alpha' } },
    });
    guest = await WireGuest.join(daemon.socket('alpha'));
  });
  afterAll(() => daemon.stop());

  test('the pointer is whole and in its place while the guest flips', async () => {
    const colours = [0x102030, 0x405060, 0x708090, 0xa0b0c0];
    const places = [
      [100, 200],
      [-20, 300],
      [WIDTH - 10, HEIGHT - 7],
    ] as const; // prettier-ignore
    const crcs = new Set(
      colours.flatMap((colour) => places.map(([x, y]) => pointed(new Image(WIDTH, HEIGHT, colour), x, y))),
    );
    const buffers = await Promise.all(
      colours.map((colour) => PixelBuffer.of(new Image(WIDTH, HEIGHT, colour))),
    );
    await guest.cursorImage(arrow, ...places[0], { hotX: 3, hotY: 4 });
    await guest.present(buffers[0]!);
    await shows(PANEL, crcs);
    const before = (await daemon.output(PANEL)).frames;
    const run = { flips: 0, stopped: false };
    const flipping = (async () => {
      for (; !run.stopped; run.flips++) {
        const { flips } = run;
        const [x, y] = places[Math.floor(flips / 5) % places.length]!;
        if (flips % 5 === 0) await guest.moveCursor(x, y);
        await guest.present(buffers[flips % buffers.length]!);
      }
    })();
    const seen = new Set<number>();
    await look(PANEL, async (next) => {
      await next(); // On its way when we came.
      for (const from = run.flips; run.flips < from + 60;) seen.add(await next());
    });
    run.stopped = true;
    await flipping;
    expect([...seen].filter((crc) => !crcs.has(crc))).toEqual([]);
    // It was moving, and no move was counted, or answered, as a frame.
    expect(seen.size).toBeGreaterThan(3);
    expect((await daemon.output(PANEL)).frames - before).toBe(run.flips);
    expect(guest.waiting).toBe(0);
    for (const buffer of buffers) buffer.close();
  });

  test(`${MOVES} moves of a 1000 Hz mouse go once a refresh at most; one that rests costs nothing`, async () => {
    const still = Image.pattern(WIDTH, HEIGHT, 1);
    await guest.cursorImage(arrow, 0, 0);
    await guest.present(await PixelBuffer.of(still));
    await shows(PANEL, pointed(still, 0, 0));
    const { frames: before } = await daemon.output(PANEL);
    let elapsed = 0;
    const moving = await ioctlsDuring(daemon.pid, async () => {
      const started = performance.now();
      for (let move = 1; move <= MOVES; move++) {
        await guest.moveCursor(move, 5 + (move >> 1));
        while (performance.now() < started + move) await new Promise((resolve) => setImmediate(resolve));
      }
      elapsed = performance.now() - started;
      await pause(100);
    });
    const told = moving.filter((line) => ioctl.test(line));
    expect(told.filter((line) => !line.endsWith(' = 0'))).toEqual([]);
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThanOrEqual((elapsed + 100) / SHORTEST_MS + 1);
    await shows(PANEL, pointed(Image.pattern(WIDTH, HEIGHT, 1), MOVES, 5 + (MOVES >> 1)));
    const resting = await ioctlsDuring(daemon.pid, () => pause(500));
    expect(resting.filter((line) => ioctl.test(line))).toEqual([]);
    expect((await daemon.output(PANEL)).frames).toBe(before);
    expect(new Set(await frames(PANEL, 3)).size).toBe(1);
  });
});
