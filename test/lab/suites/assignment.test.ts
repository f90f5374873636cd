import { atTestEnd, crtcOf, Daemon, eventually, Panels, PictureGuest, shows } from '../harness';

let panels: Panels;
let daemon: Daemon;

async function create(name: string, shape: Parameters<typeof Panels.create>[1]): Promise<string[]> {
  panels = await Panels.create(name, shape);
  atTestEnd(() => panels.remove());
  return panels.connectors;
}

async function start(outputs: Readonly<Record<string, string | null>>): Promise<void> {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta', 'gamma'],
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, show]) => [name, show === null ? {} : { show }]),
    ),
    card: panels.device,
  });
  atTestEnd(() => daemon.stop());
}

/** Starts a guest and waits until the connector shows it. Returns its pictures. */
async function guestShows(name: string, connector: string): Promise<Set<number>> {
  const guest = new PictureGuest(daemon.socket(name), name, '--static');
  const pictures = await guest.pictures();
  await shows(connector, pictures, { panels });
  return pictures;
}

test('CRTCs are found for all connectors where taking the first free one leaves some dark', async () => {
  // Taken in order, the first two connectors use up what the third, and the last, can use.
  const names = await create('knot', {
    connectors: 4,
    crtcs: 4,
    reach: ['0:0,1,2,3', '1:0,1,2', '2:0,1', '3:0'],
  });
  await start({ [names[0]!]: 'alpha', [names[1]!]: 'beta', [names[3]!]: 'gamma' });
  await eventually(() => {
    expect(names.map((name) => crtcOf(name, panels)?.index)).toEqual([3, 2, 1, 0]);
  });
  await guestShows('alpha', names[0]!);
  await guestShows('beta', names[1]!);
  await guestShows('gamma', names[3]!);
});

test('where CRTCs are too few, outputs with a guest come first; a line names the dark one', async () => {
  const [first, second, third] = (await create('poor', { connectors: 3, crtcs: 2 })) as [
    string,
    string,
    string,
  ];
  await start({ [first]: null, [second]: 'alpha', [third]: 'beta' });
  await daemon.said(
    new RegExp(`warning: ${first}: stays dark: card\\d+ has 2 CRTCs and none is left for it`),
  );
  expect(await daemon.output(first)).toMatchObject({ connected: true, lit: false });
  const alphas = await guestShows('alpha', second);
  const betas = await guestShows('beta', third);

  // One that goes leaves its CRTC to the dark one, and gets one again when it is back.
  await panels.unplug(2);
  await daemon.outputIs(first, { lit: true });
  await panels.plug(2);
  await daemon.outputIs(third, { lit: true, path: 'direct' });
  await daemon.outputIs(first, { lit: false });
  await shows(third, betas, { panels });
  await shows(second, alphas, { panels });
});

test('with two cards the one that is named is used', async () => {
  const [name] = (await create('other', { connectors: 1, crtcs: 1 })) as [string];
  await start({ [name]: 'alpha' });
  expect(await daemon.status()).toMatchObject({ card: panels.device, driver: 'vkms' });
  await guestShows('alpha', name);
});
