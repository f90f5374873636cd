// The daemon under measurement: starts it, asks it, reads what the kernel knows
// of it, stops it.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { launch } from './children.mjs';

/** Where it has its sockets. */
export const FOLDER = '/run/bench';
const NODE_OPTIONS = ['--no-memory-reducer'];

/** Where guests have their evdev devices. */
export const inputFolder = `${FOLDER}/input`;

export const socketOf = (guest) => `${FOLDER}/${guest}.sock`;

/** What the kernel calls the n-th panel of the lab, from 0. */
export const outputName = (panel) => `Virtual-${panel + 1}`;

/**
 * The daemon as it would be installed, copied into memory: whoever waits for the lab's disk waits in virtual time, which
 * then jumps to the next timer.
 */
function installed() {
  const folder = '/tmp/kms-switcher';
  if (existsSync(folder)) return folder;
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const dependencies = Object.keys(packages).filter((path) => path !== '' && !packages[path].dev);
  for (const path of ['package.json', 'dist', 'build/Release/kms_switcher.node', ...dependencies]) {
    cpSync(path, `${folder}/${path}`, { recursive: true });
  }
  return folder;
}

/**
 * @param {readonly string[]} guests shown on the panels in this order; those left over are hidden
 * @param {number} panels how many panels get a guest
 */
export function startDaemon(guests, panels, hotkeys = {}) {
  return startWith({
    guests: Object.fromEntries(
      guests.map((name) => [name, { 'vhost-user-gpu': { listen: socketOf(name) } }]),
    ),
    outputs: Object.fromEntries(
      guests.slice(0, panels).map((show, panel) => [outputName(panel), { show, mode: '1920x1080' }]),
    ),
    hotkeys,
  });
}

/** `env`: what it has in its environment besides. */
export async function startWith(config, env = {}) {
  mkdirSync(FOLDER, { recursive: true });
  const control = `${FOLDER}/control.sock`;
  writeFileSync(`${FOLDER}/config.yaml`, JSON.stringify({ ...config, control }));
  const daemon = new Daemon(control, env);
  await daemon.ready();
  return daemon;
}

class Daemon {
  #control;
  #process;
  #exit;
  #log = '';
  #connection;
  #lines;

  constructor(control, env) {
    this.#control = control;
    this.#process = launch(
      process.execPath,
      [...NODE_OPTIONS, `${installed()}/dist/cli/main.js`, 'run', '-c', `${FOLDER}/config.yaml`],
      ['ignore', 'inherit', 'pipe'],
      env,
    );
    this.#exit = new Promise((resolve) =>
      this.#process.once('exit', (code, signal) => resolve(code ?? signal)),
    );
    this.#process.stderr.setEncoding('utf8').on('data', (text) => (this.#log += text));
  }

  /** Resolves once the log has the line. */
  async logged(pattern) {
    for (let waited = 0; !pattern.test(this.#log); waited += 50) {
      if (this.#process.exitCode !== null || waited > 60_000) {
        throw new Error(`the daemon never said ${String(pattern)}:\n${this.#log}`);
      }
      await sleep(50);
    }
  }

  async ready() {
    await this.logged(/ ready after /);
  }

  get pid() {
    return this.#process.pid;
  }

  /** What `kms-switcher status --json` prints, without the cost of starting it. */
  status() {
    return this.command({ command: 'status' });
  }

  /** The answer to a command of the control socket. */
  async command(request) {
    if (!this.#connection) {
      this.#connection = createConnection(this.#control);
      this.#lines = createInterface(this.#connection)[Symbol.asyncIterator]();
    }
    this.#connection.write(`${JSON.stringify({ id: 1, ...request })}\n`);
    const { value } = await this.#lines.next();
    const answer = JSON.parse(value ?? '{"error":"no answer"}');
    if (answer.error) throw new Error(`${request.command}: ${answer.error}`);
    return answer.ok;
  }

  async output(name) {
    return (await this.status()).outputs.find(({ output }) => output === name);
  }

  /** Microseconds that all its threads have run. */
  cpuUs() {
    const tasks = `/proc/${this.#process.pid}/task`;
    return readdirSync(tasks)
      .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000)
      .reduce((sum, us) => sum + us, 0);
  }

  /** How often its main thread, and all of its threads together, have waited for something. */
  waits() {
    const tasks = `/proc/${this.pid}/task`;
    const of = (task) =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`${tasks}/${task}/status`, 'utf8'))[1]);
    return { main: of(this.pid), all: readdirSync(tasks).reduce((sum, task) => sum + of(task), 0) };
  }

  /** Kilobytes by the names of /proc/PID/status: VmRSS, VmHWM, RssAnon. */
  memory() {
    const text = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Object.fromEntries(
      ['VmRSS', 'VmHWM', 'RssAnon', 'RssFile', 'RssShmem'].map((name) => [
        name,
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]),
      ]),
    );
  }

  async stop() {
    this.#connection?.destroy();
    this.#process.kill();
    const code = await this.#exit;
    if (code !== 0) throw new Error(`the daemon ended with ${code}:\n${this.#log}`);
    return this.#log;
  }
}
