/** Real libvirt, and what its domains show. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  BARE,
  Daemon,
  type Domain,
  type DomainSetup,
  eventually,
  type GuestSetup,
  Keyboard,
  Libvirt,
  mirrors,
  OtherViewer,
  PictureGuest,
  scancodes,
  scratch,
} from '../harness';

const [FIRST, SECOND, THIRD] = ['Virtual-1', 'Virtual-2', 'Virtual-3'];

const GL = "<gl enable='yes' rendernode='/dev/dri/renderD128'/>";
const VIRTIO = "<video><model type='virtio'/></video>";

const linkTo = (name: string, more: object = {}): GuestSetup => ({ name, link: { libvirt: { domain: name } }, ...more }); // prettier-ignore

let libvirt: Libvirt;

beforeAll(async () => {
  libvirt = await Libvirt.start();
});
afterAll(() => libvirt.stop());

/** A domain with the bare guest in it. */
function domain(name: string, append: string, devices: string, more: Partial<DomainSetup> = {}) {
  return libvirt.domain({ name, version: 11, kernel: BARE, append: `name=${name} ${append}`, devices, ...more }); // prettier-ignore
}

async function conditionIs(daemon: Daemon, guest: string, wanted: string): Promise<void> {
  await eventually(async () => {
    expect((await daemon.guest(guest)).condition).toBe(wanted);
  });
}

describe('domains on panels', () => {
  let plain: Domain;
  let glass: Domain;
  let blob: Domain;
  let daemon: Daemon;

  beforeAll(async () => {
    plain = await domain('plain', 'static', `<graphics type='dbus'/>${VIRTIO}`, { version: 10 });
    glass = await domain('glass', 'static device=vga', `<graphics type='dbus'>${GL}</graphics><video><model type='vga'/></video>`); // prettier-ignore
    blob = await domain(
      'blob',
      'flip blob rate=10',
      `<graphics type='dbus'>${GL}</graphics><video><model type='virtio' blob='on'/></video>`,
      { memfd: true },
    );
    daemon = await Daemon.start({
      guests: [linkTo('plain'), linkTo('glass'), linkTo('blob')],
      outputs: { [FIRST]: { show: 'plain' }, [SECOND]: { show: 'glass' }, [THIRD]: { show: 'blob' } },
    });
  });
  afterAll(async () => {
    await daemon.stop();
    for (const guest of [plain, glass, blob]) await guest.destroy();
  });

  test('are shown pixel by pixel: copied without gl, direct with it, blobs too', async () => {
    await mirrors(FIRST, plain);
    await mirrors(SECOND, glass);
    await daemon.outputIs(FIRST, { link: 'connected', path: 'copy' });
    await daemon.outputIs(SECOND, { link: 'connected', path: 'direct' });
    const { frames } = await daemon.outputIs(THIRD, {
      ...{ link: 'connected', path: 'direct', frame: { width: 1024, height: 768, fits: true } },
    });
    await eventually(async () => {
      expect((await daemon.output(THIRD)).frames).toBeGreaterThan(frames + 10);
    });
  });

  test('get what is typed', async () => {
    const keyboard = await Keyboard.plug(daemon);
    await daemon.outputIs(FIRST, { focused: true });
    keyboard.tap('A', 'N');
    await eventually(() => {
      expect(scancodes(plain)).toEqual(['1e', '9e', '31', 'b1']);
    });
    keyboard.unplug();
    await mirrors(FIRST, plain); // It draws them.
  });

  test('say that they are suspended, resumed and reset', async () => {
    await conditionIs(daemon, 'plain', 'running');
    await plain.virsh('suspend');
    await conditionIs(daemon, 'plain', 'paused');
    await plain.virsh('resume');
    await conditionIs(daemon, 'plain', 'running');
    await plain.virsh('reset');
    await mirrors(FIRST, plain);
    expect(daemon.warnings('plain')).toEqual([]);
  });

  test('come back after virsh destroy and virsh start, at another address', async () => {
    await plain.destroy();
    await daemon.said(/ warning: guest plain: disconnected: QEMU has ended/);
    await daemon.outputIs(FIRST, { link: 'gone', path: 'picture' });
    await eventually(async () => {
      expect((await daemon.guest('plain')).trouble).toBe(
        'libvirt domain plain is not running: virsh start plain',
      );
    });
    expect(await daemon.output(SECOND)).toMatchObject({ link: 'connected', path: 'direct' });
    await plain.start();
    await mirrors(FIRST, plain);
    await daemon.outputIs(FIRST, { link: 'connected', path: 'copy' });
  });

  test('stay on their panels while libvirt itself is restarted, and are heard again', async () => {
    await libvirt.stop();
    await libvirt.again();
    await mirrors(FIRST, plain);
    expect(await daemon.output(FIRST)).toMatchObject({ link: 'connected', path: 'copy' });
    await plain.virsh('suspend');
    await conditionIs(daemon, 'plain', 'paused');
    await plain.virsh('resume');
    await conditionIs(daemon, 'plain', 'running');
  });
});

test("a domain with p2p='yes' is shown, taken back from another viewer, and missed", async () => {
  const peer = await domain('peer', 'static', `<graphics type='dbus' p2p='yes'/>${VIRTIO}`);
  const daemon = await Daemon.start({ guests: [linkTo('peer')], outputs: { [FIRST]: { show: 'peer' } } });
  await mirrors(FIRST, peer);
  const viewer = await OtherViewer.take(peer.qmp);
  await daemon.said(/ warning: guest peer: another program took its display connection.*take-back/);
  await daemon.said(/guest peer: its display connection is ours again/);
  await eventually(() => {
    expect(viewer.lost).toBe(true);
  });
  await mirrors(FIRST, peer);
  await peer.destroy();
  await daemon.said(/ warning: guest peer: disconnected: QEMU has ended/);
  await peer.start();
  await mirrors(FIRST, peer);
  await daemon.stop();
  await peer.destroy();
});

describe('what cannot be shown', () => {
  test('a missing domain, one without a D-Bus display, one that does not run, no libvirt: each is told', async () => {
    await domain('headless', 'static', `<graphics type='egl-headless'/>${VIRTIO}`);
    await libvirt.domain(
      { name: 'idle', version: 11, kernel: BARE, append: '', devices: `<graphics type='dbus'/>${VIRTIO}` },
      false,
    );
    const daemon = await Daemon.start({
      guests: [linkTo('nobody'), linkTo('headless'), linkTo('idle')],
      outputs: { [FIRST]: { show: 'nobody' } },
    });
    expect(await daemon.said(/guest nobody: /)).toMatch(
      /libvirt has no domain nobody .*: check domain: and uri:/,
    );
    expect(await daemon.said(/guest headless: /)).toMatch(
      /domain headless has graphics of type egl-headless only: give it <graphics type='dbus'>/,
    );
    expect(await daemon.said(/guest idle: /)).toMatch(/domain idle is not running: virsh start idle/);
    await libvirt.virsh('destroy', 'headless');
    await libvirt.stop();
    expect(await daemon.said(/guest nobody: libvirt cannot be reached/)).toMatch(
      /start virtqemud or libvirtd, check uri: in the config/,
    );
    await libvirt.again();
    for (const name of ['nobody', 'headless', 'idle']) {
      expect(new Set(daemon.warnings(name)).size).toBeLessThanOrEqual(3);
    }
    await daemon.stop();
  });

  test('no virsh is told, and one that hangs keeps nobody else waiting', async () => {
    const { PATH } = process.env;
    const folder = scratch();
    const setup = {
      guests: [linkTo('plain'), 'good'],
      outputs: { [FIRST]: { show: 'plain' }, [SECOND]: { show: 'good' } },
    };
    process.env.PATH = folder;
    const without = await Daemon.start(setup);
    expect(await without.said(/guest plain: /)).toMatch(/virsh is not installed.* install libvirt-clients/);
    await without.stop();
    fs.writeFileSync(path.join(folder, 'virsh'), '#!/bin/busybox sh\nexec /bin/busybox sleep 1000\n', {
      mode: 0o755,
    });
    const daemon = await Daemon.start(setup);
    process.env.PATH = PATH;
    const good = new PictureGuest(daemon.socket('good'), 'good');
    const { frames } = await daemon.outputIs(SECOND, { link: 'connected' });
    await eventually(async () => {
      expect((await daemon.output(SECOND)).frames).toBeGreaterThan(frames + 60);
    });
    expect(daemon.warnings('plain')).toEqual([]); // Still asking.
    expect(await daemon.said(/guest plain: /)).toMatch(
      /libvirt does not answer virsh dumpxml plain within 5 s/,
    );
    await good.stop();
    await daemon.stop();
  });
});
