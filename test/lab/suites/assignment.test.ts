import { crtcOf, Daemon, Panels, PictureGuest, shows } from '../harness';

let panels: Panels;
let daemon: Daemon;
const guests: PictureGuest[] = [];

async function start(outputs: Readonly<Record<string, string | null>>): Promise<void> {
  daemon = await Daemon.start({
    guests: ['alpha', 'beta', 'gamma'],
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, show]) => [name, show === null ? {} : { show }]),
    ),
    card: panels.device,
  });
}

async function guestShows(name: string, connector: string): Promise<void> {
  const guest = new PictureGuest(daemon.socket(name), name, '--static');
  guests.push(guest);
  await shows(connector, await guest.pictures(), { panels });
}

afterEach(async () => {
  for (const guest of guests.splice(0)) await guest.stop();
  await daemon.stop();
  await panels.remove();
});

test('CRTCs are found for all connectors where taking the first free one leaves some dark', async () => {
  // Taken in order, the first two connectors use up what the third, and the last, can use.
  panels = await Panels.create('knot', {
    connectors: 4,
    crtcs: 4,
    reach: ['0:0,1,2,3', '1:0,1,2', '2:0,1', '3:0'],
  });
  const names = panels.connectors;
  await start({ [names[0]!]: 'alpha', [names[1]!]: 'beta', [names[3]!]: 'gamma' });
  const crtcs = names.map((name) => crtcOf(name, panels)?.index);
  expect(crtcs).toEqual([3, 2, 1, 0]);
  await guestShows('alpha', names[0]!);
  await guestShows('beta', names[1]!);
  await guestShows('gamma', names[3]!);
});

test('where CRTCs are too few, outputs with a guest come first; a line names the dark one', async () => {
  panels = await Panels.create('poor', { connectors: 3, crtcs: 2 });
  const [first, second, third] = panels.connectors as [string, string, string];
  await start({ [first]: null, [second]: 'alpha', [third]: 'beta' });
  await daemon.said(
    new RegExp(`warning: ${first}: stays dark: card\\d+ has 2 CRTCs and none is left for it`),
  );
  expect(await daemon.output(first)).toMatchObject({ connected: true, lit: false });
  await guestShows('alpha', second);
  await guestShows('beta', third);

  // One that goes leaves its CRTC to the dark one, and gets one again when it is back.
  await panels.unplug(2);
  await daemon.outputIs(first, { lit: true });
  await panels.plug(2);
  await daemon.outputIs(third, { lit: true, path: 'direct' });
  await daemon.outputIs(first, { lit: false });
  await shows(third, await guests[1]!.pictures(), { panels });
  await shows(second, await guests[0]!.pictures(), { panels });
});

test('with two cards the one that is named is used', async () => {
  panels = await Panels.create('other', { connectors: 1, crtcs: 1 });
  const [name] = panels.connectors as [string];
  await start({ [name]: 'alpha' });
  expect(await daemon.status()).toMatchObject({ card: panels.device, driver: 'vkms' });
  await guestShows('alpha', name);
});
