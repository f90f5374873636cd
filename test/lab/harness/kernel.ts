import * as fs from 'node:fs';
import { Panels } from './panels';

const debugfs = (panels: Panels, file: string): string => `/sys/kernel/debug/dri/${panels.minor}/${file}`;

/** What the kernel says of a CRTC. */
export interface CrtcState {
  /** N of crtc-N. */
  readonly index: number;
  readonly id: number;
  readonly active: boolean;
  readonly mode: string;
}

/** Kernel framebuffers on a card, whoever made them. */
export function framebufferCount(panels: Panels = Panels.lab): number {
  return (fs.readFileSync(debugfs(panels, 'framebuffer'), 'utf8').match(/^framebuffer\[/gm) ?? []).length;
}

/** All CRTCs, from the atomic state. */
export function crtcStates(panels: Panels = Panels.lab): CrtcState[] {
  return sections(panels)
    .map(({ head, lines }) => ({ match: /^crtc\[(\d+)\]: crtc-(\d+)/.exec(head), lines }))
    .filter(({ match }) => match)
    .map(({ match, lines }) => ({
      id: Number(match![1]),
      index: Number(match![2]),
      active: lines.includes('active=1'),
      mode: lines.find((line) => line.startsWith('mode: ')) ?? '',
    }));
}

/** The CRTC that drives a connector; undefined: none does. */
export function crtcOf(connector: string, panels: Panels = Panels.lab): CrtcState | undefined {
  const lines = sections(panels).find(
    ({ head }) => head.startsWith('connector') && head.endsWith(`: ${connector}`),
  )?.lines;
  const crtc = lines?.find((line) => line.startsWith('crtc='))?.slice('crtc=crtc-'.length);
  return crtcStates(panels).find(({ index, active }) => active && `${index}` === crtc);
}

function sections(panels: Panels): { head: string; lines: string[] }[] {
  const found: { head: string; lines: string[] }[] = [];
  for (const line of fs.readFileSync(debugfs(panels, 'state'), 'utf8').split('\n')) {
    if (/^\S/.test(line)) found.push({ head: line, lines: [] });
    else found.at(-1)?.lines.push(line.trim());
  }
  return found;
}

/** Open file descriptors of a process. */
export function fdCount(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory of a process, in kB. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** What the kernel itself calls a modeset, from its debug log, while `work` runs: lines that name the CRTCs. */
export async function modesetsDuring(work: () => Promise<void>): Promise<string[]> {
  const switchFile = '/sys/module/drm/parameters/debug';
  const ATOMIC = '0x10';
  const before = fs.readFileSync(switchFile, 'utf8').trim();
  const log = fs.openSync('/dev/kmsg', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    readRecords(log); // What was there already.
    fs.writeFileSync(switchFile, ATOMIC);
    await work();
    return readRecords(log).filter((line) => /\[CRTC:.*(mode|enable|active|connectors) changed/.test(line));
  } finally {
    fs.writeFileSync(switchFile, before);
    fs.closeSync(log);
  }
}

function readRecords(log: number): string[] {
  const record = Buffer.alloc(8192);
  const lines: string[] = [];
  for (;;) {
    try {
      lines.push(record.toString('utf8', 0, fs.readSync(log, record)));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') return lines;
      if (code !== 'EPIPE') throw error; // EPIPE: some were overwritten; the rest can be read.
    }
  }
}
