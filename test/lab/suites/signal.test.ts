import { OBJECT_CRTC } from '../../../src/kms/connector';
import { native } from '../../../src/native';
import {
  atTestEnd, cli, Daemon, frames, Image, openOther, paint, Panels, PixelBuffer, shows, spoil, spoilt, WireGuest,
} from '../harness'; // prettier-ignore

const FIRST = 'Virtual-1';

describe.each(['atomic', 'legacy'] as const)('%s commits:', (engine) => {
  test('what the driver does not have is told once, and the panel lit without', async () => {
    const daemon = await Daemon.start({
      legacy: engine === 'legacy',
      guests: ['still'],
      outputs: { [FIRST]: { show: 'still', vrr: true, 'max-bpc': 10, 'broadcast-rgb': 'full' } },
    });
    const guest = await WireGuest.join(daemon.socket('still'));
    const image = Image.pattern(1024, 768, 31);
    await guest.present(await PixelBuffer.of(image));
    await shows(FIRST, image.crc);
    await Panels.lab.unplug(0);
    await daemon.outputIs(FIRST, { lit: false });
    await Panels.lab.plug(0);
    await shows(FIRST, image.crc);
    const wanted = [
      ['vrr', 'on', 'vrr_capable'],
      ['max-bpc', '10', 'max bpc'],
      ['broadcast-rgb', 'full', 'Broadcast RGB'],
    ].map(([name, value, property]) => ({
      ...{ name, value },
      trouble: `this output has no such setting (the driver, vkms, gives it no "${property}")`,
    }));
    const { signal } = await daemon.output(FIRST);
    expect(signal).toEqual(wanted);
    const told = daemon.log.filter((line) => line.includes('stays as it is'));
    expect(told.map((line) => /warning: (.*)$/.exec(line)?.[1])).toEqual(
      wanted.map(({ name, trouble }) => `${FIRST}: ${name} stays as it is: ${trouble}`),
    );
    const { stdout } = await cli('plan', daemon.config, '--control', daemon.control);
    expect(stdout).toContain(`${FIRST}: max-bpc stays as it is: ${wanted[1]!.trouble}`);
    guest.close();
    await daemon.stop();
  });
});

test('a property is set on a card, and one that is not there is refused', async () => {
  const panels = await Panels.create('properties', { connectors: 1, crtcs: 1 });
  const card = native.openCard(panels.device);
  const [crtc] = card.resources().crtcs;
  const read = () => card.properties(crtc!, OBJECT_CRTC).find(({ name }) => name === 'VRR_ENABLED');
  const property = read()!;
  expect(property).toMatchObject({ value: 0n, range: [0n, 1n] });
  for (const value of [1, 0]) {
    await card.setProperty(crtc!, OBJECT_CRTC, property.id, value);
    expect(read()?.value).toBe(BigInt(value));
  }
  await expect(card.setProperty(crtc!, OBJECT_CRTC, property.id, 2)).rejects.toMatchObject({
    code: 'EINVAL',
  });
  await expect(card.setProperty(crtc!, OBJECT_CRTC, 999_999, 1)).rejects.toMatchObject({ code: 'EINVAL' });
  expect(() => card.setProperty(crtc!, OBJECT_CRTC, -1, 1)).toThrow('property must be');
  card.close();
  await panels.remove();
});

describe('a program that had the card before leaves a gamma table and a plane with a square;', () => {
  const picture = Image.pattern(1024, 768, 32);
  let panels: Panels;
  let output: string;
  let crtc: number;
  let guest: WireGuest;
  let daemon: Daemon;
  const theirs = Image.pattern(1024, 768, 33);

  beforeAll(async () => {
    panels = await Panels.create('spoilt', { connectors: 1, crtcs: 1 });
    output = panels.connectors[0]!;
  });
  afterAll(() => panels.remove());

  async function other(): Promise<ReturnType<typeof openOther>> {
    const card = openOther(panels.device);
    atTestEnd(() => {
      card.close();
    });
    [crtc = 0] = card.resources().crtcs;
    await paint(card, crtc, output, theirs);
    await shows(output, theirs.crc, { panels });
    await spoil(card, crtc);
    expect(await frames(output, 2, panels)).not.toContain(theirs.crc);
    return card;
  }

  async function show(): Promise<void> {
    daemon = await Daemon.start({
      card: panels.device,
      guests: ['still'],
      outputs: { [output]: { show: 'still' } },
    });
    atTestEnd(() => daemon.stop());
    guest = await WireGuest.join(daemon.socket('still'));
    atTestEnd(() => {
      guest.close();
    });
    await guest.present(await PixelBuffer.of(picture));
    await shows(output, picture.crc, { panels });
    expect(await daemon.output(output)).toMatchObject({ path: 'direct' });
    expect(spoilt(panels, crtc)).toEqual({ gamma: false, square: false });
  }

  test('it hands the card over, and lives on: the picture is right', async () => {
    const card = await other();
    expect(spoilt(panels, crtc)).toEqual({ gamma: true, square: true });
    card.dropMaster();
    await show();
  });

  test('it is killed: so it is', async () => {
    (await other()).close();
    expect(spoilt(panels, crtc)).toEqual({ gamma: true, square: false });
    await show();
  });
});
