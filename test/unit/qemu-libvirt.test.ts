import * as fs from 'node:fs';
import * as path from 'node:path';
import { displayIn, eventIn } from '../../src/guest/qemu/libvirt';
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
    expect(displayIn(running(graphics), 'win')).toEqual({ bus: address });
  });

  test.each([
    ['', 'libvirt domain win has no graphics: give it <graphics'],
    [
      "<graphics type='spice'/><graphics type='vnc'/>",
      'has graphics of type spice, vnc only: give it <graphics',
    ],
    ["<graphics type='dbus'/>", 'tells no address'],
    ["<graphics type='dbus' address=''/>", 'tells no address'],
  ])('%s is no display', (graphics, words) => {
    expect(() => displayIn(running(graphics), 'win')).toThrow(words);
  });

  test('may want a connection of ours', () => {
    expect(displayIn(running("<graphics type='dbus' p2p='yes'/>"), 'win')).toBe('p2p');
  });

  test('of one that does not run says so', () => {
    expect(() => displayIn(running("<graphics type='dbus'/>", ''), 'win')).toThrow(
      'libvirt domain win is not running: virsh start win',
    );
    expect(() => displayIn('rubbish', 'win')).toThrow('no graphics');
  });
});

test.each([
  ["event STOP at 1795246744.970147 for domain 'office': <null>", { name: 'STOP', data: {} }],
  ["event STOP at 1.2 for domain 'it's: {}': (null)", { name: 'STOP', data: {} }],
  [`event SHUTDOWN at 1.2 for domain 'a': {"guest":true}`, { name: 'SHUTDOWN', data: { guest: true } }],
  [`event RESET at 1.2 for domain 'a': "text"`, { name: 'RESET', data: {} }],
  ['events received: 3', undefined],
  ['', undefined],
])('the line %j of virsh', (line, event) => {
  expect(eventIn(line)).toEqual(event);
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
      'libvirt at qemu:///system cannot be reached (failed to connect to the hypervisor; ?[1mno socket): start virtqemud',
    ],
    ['exit 7', 'virsh dumpxml win failed: it does not say why'],
    ['yes | head -c 5000000', 'virsh dumpxml win says too much'],
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

  test('that wants a connection of ours gets it by virsh; a refusal is said', async () => {
    virsh(`case "$*" in
      *dumpxml*) echo "${running("<graphics type='dbus' p2p='yes'/>")}" ;;
      *getfd*) echo "$*" > ${bench.folder}/getfd; ls -l /proc/self/fd/3 >> ${bench.folder}/getfd; echo '{"return":{}}' ;;
      *) echo '{"error":{"class":"GenericError","desc":"not now"}}' ;;
    esac`);
    open();
    await bench.said('QEMU refused to show its display');
    await bench.said('not now');
    const [args, fd] = fs.readFileSync(`${bench.folder}/getfd`, 'utf8').split('\n');
    expect(args).toBe(
      '--connect qemu:///system qemu-monitor-command --domain win --pass-fds 3 ' +
        '{"execute":"getfd","arguments":{"fdname":"kms-switcher"}}',
    );
    expect(fd).toMatch(/socket:/);
  });

  test('needs virsh', async () => {
    process.env.PATH = bench.folder;
    open();
    await bench.said('install libvirt-clients');
  });
});
