// A real QEMU inside the lab with a guest that stands still, as the daemon and
// the C floor are measured with.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { launch } from './children.mjs';

const FOLDER = '/run/bench-qemu';

/** vgem's: of the cards with panels QEMU would become the master. */
function renderNode() {
  const drm = '/sys/class/drm';
  const node = readdirSync(drm).find(
    (name) => name.startsWith('renderD') && readlinkSync(`${drm}/${name}/device`).endsWith('/vgem'),
  );
  return `/dev/dri/${node}`;
}

/** Connects as soon as somebody listens. */
async function connect(path, tries = 1500) {
  for (; ; tries--) {
    const socket = createConnection(path);
    try {
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      return socket;
    } catch (error) {
      if (tries === 0) throw error;
      await sleep(20);
    }
  }
}

/** What a guest's screen is: QEMU's own texture, the guest's memory, or memory that QEMU shares. */
const KINDS = {
  texture: { gl: true, device: 'virtio-vga', machine: ['-machine', 'pc'], guest: '' },
  blob: {
    gl: true,
    device: 'virtio-vga,blob=true',
    machine: [
      ...['-object', 'memory-backend-memfd,id=ram,size=64M,share=on'],
      ...['-machine', 'pc,memory-backend=ram'],
    ],
    guest: ' blob',
  },
  memory: { gl: false, device: 'virtio-vga', machine: ['-machine', 'pc'], guest: '' },
};

/** Resolves with what runs, once its guest has drawn. */
export async function startQemu(kind) {
  const { gl, device, machine, guest } = KINDS[kind];
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  // Out of the repository: whoever waits for the lab's disk waits in virtual time.
  copyFileSync('build/guests/bare.elf', `${FOLDER}/bare.elf`);
  const child = launch(
    'nested-qemu',
    [
      ...['11', '-nodefaults', '-no-user-config', '-accel', 'tcg', '-m', '64'],
      ...['-display', `dbus,p2p=yes${gl ? `,gl=on,rendernode=${renderNode()}` : ''}`],
      ...machine,
      ...['-device', device, '-debugcon', `file:${FOLDER}/console`],
      ...['-qmp', `unix:${FOLDER}/qmp,server=on,wait=off`],
      ...['-qmp', `unix:${FOLDER}/monitor,server=on,wait=off`],
      ...['-kernel', `${FOLDER}/bare.elf`],
      ...['-append', `name=bench static solid follow mode=1024x768${guest}`],
    ],
    ['ignore', 'inherit', 'ignore'],
  );
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const qemu = new Qemu(await connect(`${FOLDER}/monitor`), ended);
  await qemu.execute('qmp_capabilities');
  for (let tries = 0; !qemu.console().includes('frame 1'); tries++) {
    if (tries > 600) throw new Error(`the guest draws nothing: ${qemu.console()}`);
    await sleep(100);
  }
  return qemu;
}

class Qemu {
  /** The QMP socket for whoever shows the guest; the benchmark has another. */
  qmp = `${FOLDER}/qmp`;
  #monitor;
  #answers = [];
  #ended;

  constructor(monitor, ended) {
    this.#monitor = monitor;
    this.#ended = ended;
    createInterface(monitor)
      .on('line', (line) => {
        const message = JSON.parse(line);
        if (!message.QMP && !message.event) this.#answers.shift()?.(message);
      })
      // It ends with QEMU, which is waited for.
      .on('error', () => undefined);
  }

  /** Resolves with the answer, which comes in order. */
  execute(command) {
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#monitor.write(`{"execute":"${command}"}\n`);
    });
  }

  /** What the guest said. */
  console() {
    return readFileSync(`${FOLDER}/console`, 'latin1');
  }

  /** Milliseconds of one round trip to QEMU's main loop after the other, until `until` has settled. */
  async latencies(until) {
    const found = [];
    let done = false;
    const end = until.finally(() => (done = true));
    while (!done) {
      const from = performance.now();
      await this.execute('query-status');
      found.push(performance.now() - from);
      await sleep(2);
    }
    await end;
    return found;
  }

  async stop() {
    // It may be gone before its answer.
    void this.execute('quit');
    const code = await this.#ended;
    this.#monitor.destroy();
    if (code !== 0) throw new Error(`QEMU ended with ${code}`);
  }
}
