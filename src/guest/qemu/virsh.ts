import { spawn, type ChildProcess } from 'node:child_process';
import * as readline from 'node:readline';
import { printable } from './words';

const ANSWER_MS = 5000;
/** Longest answer, and longest complaint, in characters. */
const MAX_ANSWER = 4 * 1024 * 1024;
const MAX_COMPLAINT = 4096;

/** libvirt, as its command line tells of one domain. Commands run beside the event loop. */
export class Virsh {
  readonly #running = new Set<ChildProcess>();

  constructor(
    private readonly domain: string,
    private readonly uri: string | undefined,
  ) {}

  /** What a command prints; `fd` is its file descriptor 3. Rejects in words for the guest's owner. */
  ask(command: string, args: readonly string[] = [], fd?: number): Promise<string> {
    const child = this.#start(command, args, fd);
    const answer = collect(child.stdout, MAX_ANSWER);
    const complaint = collect(child.stderr, MAX_COMPLAINT);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, ANSWER_MS);
    return new Promise<string>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(whyNotStarted(error), { cause: error }));
      });
      child.once('close', (code) => {
        const text = answer();
        if (late)
          reject(new Error(`libvirt does not answer virsh ${command} ${this.domain} within ${ANSWER_MS / 1000} s`)); // prettier-ignore
        else if (code !== 0) reject(new Error(this.#whyNot(command, complaint())));
        else if (text.length >= MAX_ANSWER)
          reject(new Error(`virsh ${command} ${this.domain} says too much`));
        else resolve(text);
      });
    }).finally(() => {
      clearTimeout(timer);
    });
  }

  /** Calls back with each line that a command prints, and when it has ended by itself. Returns what ends it. */
  follow(
    command: string,
    args: readonly string[],
    onLine: (line: string) => void,
    onEnd: () => void,
  ): () => void {
    const child = this.#start(command, args);
    const lines = readline.createInterface(child.stdout!);
    child.stderr!.resume();
    lines.on('line', onLine);
    child.once('error', () => undefined);
    child.once('close', onEnd);
    return () => {
      lines.off('line', onLine);
      child.off('close', onEnd);
      child.kill('SIGKILL');
    };
  }

  /** Ends what still runs. */
  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }

  #start(command: string, args: readonly string[], fd?: number): ChildProcess {
    const connect = this.uri === undefined ? [] : ['--connect', this.uri];
    const child = spawn('virsh', [...connect, command, '--domain', this.domain, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
      env: { ...process.env, LC_ALL: 'C' },
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return child;
  }

  #whyNot(command: string, complaint: string): string {
    const at = this.uri === undefined ? '' : ` at ${this.uri}`;
    const text = complaint.replace(/^error: /gm, '').trim();
    const said = printable(text.replace(/\s*\n\s*/g, '; '), 300);
    if (/no domain|failed to get domain/i.test(said)) {
      return `libvirt${at} has no domain ${this.domain} (${said}): check domain: and uri: in the config`;
    }
    if (/failed to connect to the hypervisor/i.test(said)) {
      return `libvirt${at} cannot be reached (${said}): start virtqemud or libvirtd, check uri: in the config, and run kms-switcher as a user whom libvirt lets in`;
    }
    return `virsh ${command} ${this.domain} failed: ${said || 'it does not say why'}`;
  }
}

function whyNotStarted(error: NodeJS.ErrnoException): string {
  return error.code === 'ENOENT'
    ? 'virsh is not installed, and libvirt domains are found with it: install libvirt-clients, or write qemu: with qmp: in the config'
    : `virsh cannot be started: ${error.code ?? error.message}`;
}

/** Gathers what a stream says, up to so many characters. */
function collect(stream: NodeJS.ReadableStream | null, most: number): () => string {
  let text = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    text += chunk.slice(0, most - text.length);
  });
  return () => text;
}
