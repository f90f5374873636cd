import * as fs from 'node:fs';
import * as path from 'node:path';
import { addressIn } from '../../src/guest/qemu/libvirt';
import { Bench } from '../mock-qemu/harness';
import { turn } from './support/wire';

const running = (graphics: string, id = " id='3'"): string =>
  `<?xml version='1.0'?>\n<domain type='kvm'${id} xmlns:qemu='x'>\n<devices>${graphics}</devices></domain>`;

describe("a domain's XML", () => {
  test.each([
    ["<graphics type='dbus' address='unix:path=/run/a.sock'/>", 'unix:path=/run/a.sock'],
    [
      `<graphics type='vnc' port='5900'/>\n<graphics\n type = "dbus" p2p="no" address="unix:path=/a&amp;b&#x20;c&#44;"><gl enable='yes'/></graphics>`,
      'unix:path=/a&b c,',
    ],
    ["<!-- <graphics type='dbus' address='old'/> --><graphics address='new' type='dbus'/>", 'new'],
    ["<graphics type='dbus' note='a > b' address='x'/>", 'x'],
  ])('%s', (graphics, address) => {
    expect(addressIn(running(graphics), 'win')).toBe(address);
  });

  test.each([
    ['', 'libvirt domain win has no graphics: give it <graphics'],
    [
      "<graphics type='spice'/><graphics type='vnc'/>",
      'has graphics of type spice, vnc only: give it <graphics',
    ],
    ["<graphics type='dbus' p2p='yes'/>", "take p2p='yes' away with virsh edit"],
    ["<graphics type='dbus'/>", 'tells no address'],
    ["<graphics type='dbus' address=''/>", 'tells no address'],
  ])('%s is no display', (graphics, words) => {
    expect(() => addressIn(running(graphics), 'win')).toThrow(words);
  });

  test('of one that does not run says so', () => {
    expect(() => addressIn(running("<graphics type='dbus'/>", ''), 'win')).toThrow(
      'libvirt domain win is not running: virsh start win',
    );
    expect(() => addressIn('rubbish', 'win')).toThrow('no graphics');
  });
});

describe('a libvirt domain', () => {
  let bench: Bench;
  const { PATH } = process.env;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(async () => {
    process.env.PATH = PATH;
    await bench.close();
  });

  function virsh(script: string): void {
    fs.writeFileSync(path.join(bench.folder, 'virsh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env.PATH = `${bench.folder}:${PATH!}`;
  }

  function open(): void {
    bench.open({ kind: 'libvirt', domain: 'win', uri: 'qemu:///system', viewers: 'take-back' });
  }

  test('is asked of virsh, without a shell', async () => {
    virsh(
      `printf '%s|' "$@" "$LC_ALL" >${bench.folder}/args\necho "${running("<graphics type='dbus' address='unix:path=/nowhere'/>")}"`,
    );
    open();
    expect([bench.link.kind, bench.link.address]).toEqual(['libvirt', 'win at qemu:///system']);
    await bench.said('there is no D-Bus bus at unix:path=/nowhere');
    expect(fs.readFileSync(`${bench.folder}/args`, 'utf8')).toBe(
      '--connect|qemu:///system|dumpxml|--domain|win|C|',
    );
  });

  test.each([
    [
      "echo 'error: failed to get domain '\"'win'\" >&2; exit 1",
      "libvirt at qemu:///system has no domain win (failed to get domain 'win'): check domain: and uri:",
    ],
    [
      "printf 'error: failed to connect to the hypervisor\\nerror: \\033[1mno socket\\n' >&2; exit 1",
      'virsh cannot tell where the display of domain win is: failed to connect to the hypervisor; ?[1mno socket',
    ],
    [`echo "${running('')}"`, 'libvirt domain win has no graphics'],
    ['exec sleep 30', 'libvirt does not answer virsh dumpxml win within 5 s'],
  ])(
    '%s',
    async (script, words) => {
      virsh(script);
      open();
      await bench.said(words, 7000);
      await turn(300);
      expect(bench.log.warnings).toHaveLength(1);
    },
    10_000,
  );

  test('needs virsh', async () => {
    process.env.PATH = bench.folder;
    open();
    await bench.said('install libvirt-clients');
  });
});
