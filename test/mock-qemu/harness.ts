import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { LibvirtLink, QemuLink as QemuConfig } from '../../src/config/config';
import { QemuLink } from '../../src/guest/qemu/link';
import { openFds, until } from '../unit/support/wire';
import { display, FakeHost, FakeLog, type FakeHead } from './fake-host';
import { MockQemu, type MockOptions } from './mock-qemu';

/** One link, the QEMUs it may meet, and what it said; checks at the end that no file descriptor is left behind. */
export class Bench {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'qemu-'));
  readonly socket = path.join(this.folder, 'qmp');
  readonly host = new FakeHost();
  readonly log = new FakeLog();
  readonly qemus: MockQemu[] = [];
  readonly #links: QemuLink[] = [];
  readonly #fds = openFds().length;

  /** The link opened last. */
  get link(): QemuLink {
    return this.#links.at(-1)!;
  }

  get head(): FakeHead {
    return this.host.heads.get(0)!;
  }

  start(options: Partial<MockOptions> = {}): MockQemu {
    const qemu = new MockQemu({ qmp: this.socket, ...options });
    this.qemus.push(qemu);
    return qemu;
  }

  open(config: Partial<QemuConfig> | LibvirtLink = {}): QemuLink {
    const whole: QemuConfig | LibvirtLink =
      config.kind === 'libvirt'
        ? config
        : { kind: 'qemu', at: { qmp: this.socket }, viewers: 'take-back', ...config };
    const link = new QemuLink('win', whole, this.host, this.log);
    this.#links.push(link);
    link.open();
    return link;
  }

  /** A QEMU, and a link that has registered its listeners. */
  async attached(options: Partial<MockOptions> = {}, config: Partial<QemuConfig> = {}): Promise<MockQemu> {
    if (this.host.displays.size === 0) this.host.displays.set(0, display(1920, 1080));
    const qemu = this.start(options);
    this.open(config);
    await this.registered(qemu);
    return qemu;
  }

  /** Waits until the link has registered its listeners, and says so. */
  async registered(qemu: MockQemu): Promise<void> {
    await until(
      () =>
        qemu.consoles.every(({ ready, knobs }) => ready || knobs.type === 'Text') &&
        this.link.trouble === undefined,
    );
  }

  /** Waits for a line of the log that has `text`. */
  async said(text: string, milliseconds = 3000): Promise<void> {
    try {
      await until(() => this.log.lines.some((line) => line.includes(text)), milliseconds);
    } catch {
      throw new Error(`nobody said "${text}":\n${this.log.lines.join('\n')}`);
    }
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.close();
    for (const qemu of this.qemus) qemu.close();
    fs.rmSync(this.folder, { recursive: true });
    await until(() => openFds().length <= this.#fds);
  }
}
