import { Daemon, Image, look, PictureGuest, PixelBuffer, shows, WireGuest } from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const [WIDTH, HEIGHT] = [1024, 768];
/** A buffer is drawn anew this many flips after it has left the panel: the witness takes several vblanks to look. */
const BUFFERS = 16;
const FLIPS = 100;
const colours = Array.from({ length: 24 }, (_, index) => (index * 0x0b1d2f + 0x102030) & 0xffffff);

/** Flips one buffer of one colour after another, as fast as it is answered, and draws only what has left the panel. */
class FlippingGuest {
  readonly crcs = new Set(colours.map((colour) => new Image(WIDTH, HEIGHT, colour).crc));
  #flips = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly wire: WireGuest) {}

  get flips(): number {
    return this.#flips;
  }

  async start(): Promise<void> {
    const images = colours.map((colour) => new Image(WIDTH, HEIGHT, colour));
    const buffers = await Promise.all(images.slice(0, BUFFERS).map((image) => PixelBuffer.of(image)));
    this.#running = (async () => {
      for (; !this.#stopped; this.#flips++) {
        const buffer = buffers[this.#flips % BUFFERS]!;
        if (this.#flips >= BUFFERS) await buffer.write(images[this.#flips % images.length]!);
        await this.wire.present(buffer);
      }
      for (const buffer of buffers) buffer.close();
    })();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.wire.close();
  }
}

test.each(['atomic', 'legacy'] as const)('%s commits: no frame ever mixes two', async (engine) => {
  const daemon = await Daemon.start({
    legacy: engine === 'legacy',
    guests: ['flips', 'other'],
    outputs: { [FIRST]: { show: 'flips' }, [SECOND]: { show: 'other' } },
  });
  const guest = new FlippingGuest(await WireGuest.join(daemon.socket('flips')));
  // What another guest does on another panel meanwhile is no matter.
  const other = new PictureGuest(daemon.socket('other'), 'other');
  await guest.start();
  await shows(FIRST, guest.crcs);
  const seen = new Set<number>();
  await look(FIRST, async (next) => {
    await next(); // On its way when we came.
    for (const from = guest.flips; guest.flips < from + FLIPS;) seen.add(await next());
  });
  expect([...seen].filter((crc) => !guest.crcs.has(crc))).toEqual([]);
  // It was moving.
  expect(seen.size).toBeGreaterThan(5);
  expect(await daemon.output(FIRST)).toMatchObject({ path: 'direct' });
  await guest.stop();
  await other.stop();
  await daemon.stop();
});
