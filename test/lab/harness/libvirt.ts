import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { repository } from './child';
import { scratch } from './daemon';
import { eventually } from './eventually';
import type { Image } from './image';
import { readConsole } from './nested-qemu';
import { decodePpm } from './ppm';

const run = promisify(execFile);
const PID_FILE = '/run/libvirtd.pid';

export interface DomainSetup {
  readonly name: string;
  readonly version: 10 | 11;
  /** What stands in `<devices>` besides, graphics and video above all. */
  readonly devices: string;
  /** A multiboot image, and its words. */
  readonly kernel: string;
  readonly append: string;
  /** The guest's memory in a shared memfd, which is what `blob='on'` needs. */
  readonly memfd?: boolean;
}

/** A real libvirt, the system's: QEMUs run as its own user, in namespaces of their own, each with a bus of its own. */
export class Libvirt {
  private constructor(private readonly directory: string) {}

  static async start(): Promise<Libvirt> {
    const directory = scratch();
    fs.chmodSync(directory, 0o777);
    for (const folder of ['/etc/libvirt', '/var/log/libvirt']) fs.mkdirSync(folder, { recursive: true });
    // What the lab does not have: polkit, AppArmor, control groups, virtlogd.
    fs.writeFileSync('/etc/libvirt/libvirtd.conf', 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n');
    // Software GL makes dma-bufs with udmabuf, which libvirt shows to domains with blobs only.
    const devices = ['null', 'full', 'zero', 'random', 'urandom', 'ptmx', 'userfaultfd', 'udmabuf'];
    const acl = devices.map((name) => `"/dev/${name}"`).join(', ');
    fs.writeFileSync(
      '/etc/libvirt/qemu.conf',
      `security_driver = "none"\ncgroup_controllers = []\ncgroup_device_acl = [${acl}]\nstdio_handler = "file"\n`,
    );
    for (const version of [10, 11]) {
      const script = `#!/bin/sh\nexec ${repository}/test/lab/inside/nested-qemu ${version} "$@"\n`;
      fs.writeFileSync(path.join(directory, `qemu-${version}`), script, { mode: 0o755 });
    }
    const libvirt = new Libvirt(directory);
    await libvirt.again();
    return libvirt;
  }

  /** Fails with what virsh complained of. */
  async virsh(...args: readonly string[]): Promise<string> {
    return (await run('virsh', args)).stdout;
  }

  /** Defines a domain, and starts it unless told otherwise. */
  async domain(setup: DomainSetup, start = true): Promise<Domain> {
    const domain = new Domain(setup.name, this, this.directory);
    const file = path.join(this.directory, `${setup.name}.xml`);
    fs.writeFileSync(file, xmlOf(setup, this.directory));
    await this.virsh('define', file);
    if (start) await domain.start();
    return domain;
  }

  /** Ends libvirt's daemon; domains go on. */
  async stop(): Promise<void> {
    const pid = Number(fs.readFileSync(PID_FILE, 'utf8'));
    process.kill(pid, 'SIGTERM');
    await eventually(() => {
      expect(fs.existsSync(`/proc/${pid}`)).toBe(false);
    });
  }

  /** As a service, which no test owns: one starts it, another needs it. */
  async again(): Promise<void> {
    await run('libvirtd', ['--daemon', '--pid-file', PID_FILE]);
    await eventually(() => this.virsh('list'));
  }
}

export class Domain {
  constructor(
    readonly name: string,
    private readonly libvirt: Libvirt,
    private readonly directory: string,
  ) {}

  /** A QMP socket beside libvirt's. */
  get qmp(): string {
    return path.join(this.directory, `${this.name}.qmp`);
  }

  async start(): Promise<void> {
    await this.virsh('start');
  }

  async destroy(): Promise<void> {
    await this.virsh('destroy');
  }

  virsh(command: string, ...args: readonly string[]): Promise<string> {
    return this.libvirt.virsh(command, this.name, ...args);
  }

  /** What the guest wrote to the debug console since its last start, by lines. */
  console(): string[] {
    return readConsole(path.join(this.directory, `${this.name}.console`));
  }

  /** What the guest shows, as QEMU sees it. */
  async screendump(): Promise<Image> {
    const filename = path.join(this.directory, `${this.name}.ppm`);
    const command = { execute: 'screendump', arguments: { filename, device: 'video0' } };
    await this.virsh('qemu-monitor-command', JSON.stringify(command));
    return decodePpm(fs.readFileSync(filename));
  }
}

function xmlOf(setup: DomainSetup, directory: string): string {
  const { name, version, devices, kernel, append, memfd = false } = setup;
  const memory = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
  return `
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <memory unit='MiB'>64</memory>
  ${memfd ? memory : ''}
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>${kernel}</kernel>
    <cmdline>${append}</cmdline>
  </os>
  <devices>
    <emulator>${directory}/qemu-${version}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    ${devices}
  </devices>
  <qemu:commandline>
    <qemu:arg value='-debugcon'/>
    <qemu:arg value='file:${directory}/${name}.console'/>
    <qemu:arg value='-qmp'/>
    <qemu:arg value='unix:${directory}/${name}.qmp,server=on,wait=off'/>
  </qemu:commandline>
</domain>`;
}
