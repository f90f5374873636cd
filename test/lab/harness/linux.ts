import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { repository } from './child';
import { scratch } from './daemon';
import { eventually, Hopeless } from './eventually';
import { NestedQemu, type NestedQemuSetup } from './nested-qemu';

/** A Linux takes four or five minutes to come up in a lab that is busy: three emulations stand on each other. */
const START_SECONDS = 600;

/** The lab's own kernel, and a file system with no more than a shell and the driver of virtio-gpu. */
function makeImage(directory: string): { kernel: string; initrd: string } {
  const made = path.join(directory, 'made');
  fs.mkdirSync(made);
  execFileSync('mount', ['-t', '9p', '-o', 'trans=virtio,version=9p2000.L,ro', 'made', made]);
  const kernel = path.join(directory, 'vmlinuz');
  fs.copyFileSync(path.join(made, 'vmlinuz'), kernel);
  execFileSync('umount', [made]);

  const root = path.join(directory, 'root');
  fs.mkdirSync(path.join(root, 'bin'), { recursive: true });
  fs.copyFileSync('/usr/bin/busybox', path.join(root, 'bin/busybox'));
  fs.copyFileSync(path.join(repository, 'build/guests/kms-flip'), path.join(root, 'bin/kms-flip'));
  fs.copyFileSync(path.join(repository, 'test/guests/linux/init'), path.join(root, 'init'));
  const needed = execFileSync('modprobe', ['--show-depends', 'virtio-gpu'], { encoding: 'utf8' });
  const modules = [...needed.matchAll(/^insmod (\S+)/gm)].map(([, file]) => file!);
  for (const file of modules) fs.copyFileSync(file, path.join(root, path.basename(file)));
  fs.writeFileSync(path.join(root, 'modules'), modules.map((file) => `/${path.basename(file)}\n`).join(''));
  const initrd = path.join(directory, 'initramfs');
  execFileSync('busybox', ['sh', '-c', `find . | busybox cpio -o -H newc > ${initrd} 2> /dev/null`], {
    cwd: root,
  });
  fs.rmSync(root, { recursive: true });
  return { kernel, initrd };
}

/** A nested QEMU with Linux in it, which is told what to do through its serial port. */
export class LinuxGuest {
  static #image: { kernel: string; initrd: string } | undefined;
  readonly #lines: string[] = [];

  private constructor(
    readonly qemu: NestedQemu,
    private readonly socket: net.Socket,
  ) {
    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop()!;
      this.#lines.push(...parts.map((line) => line.trim()));
    });
    socket.on('error', () => undefined); // QEMU has ended.
  }

  static async start(setup: Omit<NestedQemuSetup, 'kernel' | 'append'>): Promise<LinuxGuest> {
    LinuxGuest.#image ??= makeImage(scratch());
    const { kernel, initrd } = LinuxGuest.#image;
    const serial = path.join(scratch(), 'serial');
    const qemu = await NestedQemu.start({
      ...{ memory: 256, ...setup, kernel },
      append: 'console=tty0 quiet loglevel=0 vt.global_cursor_default=0 mitigations=off nokaslr panic=-1',
      extra: ['-initrd', initrd, '-serial', `unix:${serial},server=on,wait=off`, ...(setup.extra ?? [])],
    });
    const socket = net.connect(serial);
    return new LinuxGuest(qemu, socket);
  }

  /** How many times its kernel has come up. */
  get starts(): number {
    return this.#lines.filter((line) => line.startsWith('up ')).length;
  }

  /** Waits until its kernel has come up so many times. */
  async up(times = 1): Promise<void> {
    await eventually(
      () => {
        if (this.qemu.exit) throw new Hopeless('QEMU has ended');
        expect(this.starts).toBe(times);
      },
      START_SECONDS,
      500,
    );
  }

  /** Does not wait for anything. */
  send(command: string): void {
    this.socket.write(`${command}\n`);
  }

  /** What a command of its shell printed; fails if that failed. */
  async run(command: string): Promise<string> {
    const from = this.#lines.length;
    this.send(command);
    const end = await eventually(
      () => {
        const at = this.#lines.findIndex((line, index) => index >= from && line.startsWith('status '));
        if (at < 0) throw new Error(`no answer to ${command}: ${this.#lines.slice(from).join('\n')}`);
        return at;
      },
      START_SECONDS,
      100,
    );
    const said = this.#lines.slice(from, end).join('\n');
    if (this.#lines[end] !== 'status 0') throw new Error(`${command}: ${this.#lines[end]!}\n${said}`);
    return said;
  }

  async stop(): Promise<void> {
    await this.qemu.stop();
    this.socket.destroy();
  }
}

/** A line for whoever waits. */
export function progress(text: string): void {
  process.stderr.write(`  … ${Math.round(os.uptime())} s: ${text}\n`);
}
