import { Daemon, FlippingGuest, look, PictureGuest, shows, WireGuest } from '../harness';

const [FIRST, SECOND] = ['Virtual-1', 'Virtual-2'];
const [WIDTH, HEIGHT] = [1024, 768];
const FLIPS = 100;

test.each(['atomic', 'legacy'] as const)('%s commits: no frame ever mixes two', async (engine) => {
  const daemon = await Daemon.start({
    legacy: engine === 'legacy',
    guests: ['flips', 'other'],
    outputs: { [FIRST]: { show: 'flips' }, [SECOND]: { show: 'other' } },
  });
  const guest = new FlippingGuest(await WireGuest.join(daemon.socket('flips')), WIDTH, HEIGHT);
  const crcs = guest.crcs();
  // What another guest does on another panel meanwhile is no matter.
  const other = new PictureGuest(daemon.socket('other'), 'other');
  await guest.start();
  await shows(FIRST, crcs);
  const seen = new Set<number>();
  await look(FIRST, async (next) => {
    await next(); // On its way when we came.
    for (const from = guest.flips; guest.flips < from + FLIPS;) seen.add(await next());
  });
  expect([...seen].filter((crc) => !crcs.has(crc))).toEqual([]);
  // It was moving.
  expect(seen.size).toBeGreaterThan(5);
  expect(await daemon.output(FIRST)).toMatchObject({ path: 'direct' });
  await guest.stop();
  await other.stop();
  await daemon.stop();
});
