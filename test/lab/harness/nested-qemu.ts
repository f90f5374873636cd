import * as fs from 'node:fs';
import * as path from 'node:path';
import { Child, type Exit } from './child';
import { scratch } from './daemon';
import { Hopeless } from './eventually';
import type { Image } from './image';
import { decodePpm } from './ppm';
import { Qmp, type QmpEvent } from './qmp';

export interface NestedQemuSetup {
  readonly name: string;
  readonly version: 10 | 11;
  /** QEMU's words, by default `VGA`. Those without an id get one: device0, device1… */
  readonly device?: string | readonly string[];
  /** Dma-bufs instead of memory: software GL on vgem. */
  readonly gl?: boolean;
  /** The guest's memory in a shared memfd, which is what `blob=true` needs. */
  readonly memfd?: boolean;
  /** In MiB. */
  readonly memory?: number;
  /** A multiboot image; without one SeaBIOS says that it has found nothing to boot. */
  readonly kernel?: string;
  readonly append?: string;
  /** The D-Bus address of a bus, instead of peer to peer. */
  readonly bus?: string;
  /** Where the daemon's QMP socket is to be: where an earlier QEMU had it. */
  readonly qmp?: string;
  readonly extra?: readonly string[];
}

/** A real QEMU with `-display dbus`, emulating a PC; it runs from the start, whether a daemon comes or not. */
export class NestedQemu {
  readonly #child: Child;
  #monitor: Qmp | undefined;

  private constructor(
    readonly name: string,
    /** The QMP socket for the daemon; the harness has another. */
    readonly qmp: string,
    private readonly directory: string,
    setup: NestedQemuSetup,
  ) {
    this.#child = new Child('nested-qemu', [`${setup.version}`, ...commandLine(setup, qmp, directory)]);
  }

  /** Starts one and waits until it answers: a third of a second, two with `gl`, four for the first with `gl`. */
  static async start(setup: NestedQemuSetup): Promise<NestedQemu> {
    const directory = scratch();
    const qemu = new NestedQemu(setup.name, setup.qmp ?? path.join(directory, 'qmp'), directory, setup);
    try {
      qemu.#monitor = await Qmp.connect(path.join(directory, 'monitor'), () => {
        if (qemu.exit) throw new Hopeless('it has ended');
      });
    } catch (error) {
      qemu.#child.kill('SIGKILL');
      throw qemu.#failure(`did not start: ${(error as Error).message}`);
    }
    return qemu;
  }

  get pid(): number {
    return this.#child.pid;
  }
  get alive(): boolean {
    return !this.exit;
  }
  get exit(): Exit | undefined {
    return this.#child.exit;
  }
  /** What it complained of. With `gl`, Mesa always says "MESA-LOADER: failed to retrieve device information". */
  get stderr(): readonly string[] {
    return this.#child.stderr;
  }
  /** RESET, STOP, SHUTDOWN… */
  get events(): readonly QmpEvent[] {
    return this.#monitor?.events ?? [];
  }

  /** What the guest wrote to the debug console (port 0xe9), by lines. */
  console(): string[] {
    return readConsole(path.join(this.directory, 'console'));
  }

  /** A command on the harness' own monitor. */
  async execute(command: string, args?: object): Promise<unknown> {
    try {
      return await this.#monitor!.execute(command, args);
    } catch (error) {
      throw this.#failure(`${command}: ${(error as Error).message}`);
    }
  }

  /** What a head shows, as QEMU sees it, without the pointer; by default of the first display device. */
  async screendump(device = 'device0', head = 0): Promise<Image> {
    const filename = path.join(this.directory, `screen-${device}-${head}.ppm`);
    await this.execute('screendump', { filename, device, head });
    return decodePpm(fs.readFileSync(filename));
  }

  /** The longest of so many round trips to QEMU's main loop, in ms: some 5 when nobody keeps it waiting. */
  async qmpLatency(rounds = 20): Promise<number> {
    let longest = 0;
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await this.execute('query-status');
      longest = Math.max(longest, performance.now() - start);
    }
    return longest;
  }

  /** Stops it in the middle of whatever it does, until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Its end by a signal, which is awaited. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.#child.kill(signal);
    return this.#child.ended();
  }

  /** Its end by itself: a guest that switches off, say. */
  ended(): Promise<Exit> {
    return this.#child.ended();
  }

  /** Ends it; fails if it had ended before, or does not end in peace: a crash that a test did not notice. */
  async stop(): Promise<void> {
    if (this.exit) throw this.#failure('had ended');
    // It may be gone before its answer.
    await this.#monitor!.execute('quit').catch(() => undefined);
    const { code } = await this.#child.ended();
    if (code !== 0) throw this.#failure('did not end in peace');
  }

  #failure(what: string): Error {
    const end = this.exit ? ` (ended with ${this.exit.code ?? this.exit.signal})` : '';
    return new Error(`QEMU ${this.name} ${what}${end}\n${this.stderr.slice(-20).join('\n')}`);
  }
}

/** What a debug console was written to, by lines. */
export function readConsole(file: string): string[] {
  return fs.readFileSync(file, 'latin1').split('\n').slice(0, -1); // The last is not finished.
}

function commandLine(setup: NestedQemuSetup, qmp: string, directory: string): string[] {
  const { device = 'VGA', memory = 64 } = setup;
  const devices = (typeof device === 'string' ? [device] : device).map((words, index) =>
    words.includes(',id=') ? words : `${words},id=device${index}`,
  );
  return [
    ...['-nodefaults', '-no-user-config', '-accel', 'tcg', '-m', `${memory}`],
    ...(setup.memfd
      ? [
          '-object',
          `memory-backend-memfd,id=ram,size=${memory}M,share=on`,
          '-machine',
          'pc,memory-backend=ram',
        ]
      : ['-machine', 'pc']),
    ...[
      '-display',
      `dbus,${setup.bus === undefined ? 'p2p=yes' : `addr=${setup.bus}`}` +
        (setup.gl ? `,gl=on,rendernode=${renderNode()}` : ''),
    ],
    ...devices.flatMap((words) => ['-device', words]),
    ...[qmp, path.join(directory, 'monitor')].flatMap((at) => ['-qmp', `unix:${at},server=on,wait=off`]),
    ...['-debugcon', `file:${path.join(directory, 'console')}`],
    ...(setup.kernel === undefined ? [] : ['-kernel', setup.kernel]),
    ...(setup.append === undefined ? [] : ['-append', setup.append]),
    ...(setup.extra ?? []),
    ...['-name', setup.name],
  ];
}

/** vgem's: of the cards with panels QEMU would become the master. */
function renderNode(): string {
  const drm = '/sys/class/drm';
  const node = fs
    .readdirSync(drm)
    .find((name) => name.startsWith('renderD') && fs.readlinkSync(`${drm}/${name}/device`).endsWith('/vgem'));
  if (node === undefined) throw new Error('vgem has no render node');
  return `/dev/dri/${node}`;
}
