import { entry, isMapping } from './checker';
import type { Checker } from './checker';
import type { GuestConfig, LibvirtLink, QemuLink, Viewers } from './config';
import type { Path } from './document';
import { busProblem, libvirtNameProblem, libvirtUriProblem, qmpPathProblem, sameBus } from './qemu-values';
import { samePath, socketPathProblem } from './values';

type Link = GuestConfig['link'];

export const linkKinds = ['vhost-user-gpu', 'qemu', 'libvirt'] as const;

/** The keys of a guest's entry; any other is most likely one of these, misspelt. */
const guestKeys: readonly string[] = [...linkKinds, 'hidden', 'input', 'viewers'];

/** Checks the links of guests, and that no two of them are for the same socket, virtual machine or domain. */
export class Links {
  /** What each socket is. */
  readonly #sockets: Map<string, string>;
  /** Per bus: who is on it, and whether that is said with `vm`. */
  readonly #buses = new Map<string, { readonly owner: string; readonly vm: string | undefined }[]>();
  readonly #domains = new Map<string, string>();

  constructor(
    control: string,
    private readonly checker: Checker,
  ) {
    this.#sockets = new Map([[samePath(control), 'the control socket']]);
  }

  /** Reads the one link of a guest. Undefined if there is none of use, which is then reported, here or by the schema. */
  read(guest: string, value: unknown, path: Path, viewers: Viewers): Link | undefined {
    if (!isMapping(value)) return undefined;
    const [kind, ...more] = Object.keys(value).filter((key) => linkKinds.some((known) => known === key));
    if (kind === undefined) {
      if (Object.keys(value).every((key) => guestKeys.includes(key)))
        this.checker.report(
          path,
          `"${guest}" has no link; add one of qemu: { qmp: … }, libvirt: { domain: … }, vhost-user-gpu: { listen: … }`,
          'key',
        );
      return undefined;
    }
    for (const key of more)
      this.checker.report([...path, key], `a guest has one link, ${kind} here; remove ${key}`, 'key');
    const at = [...path, kind];
    switch (kind as (typeof linkKinds)[number]) {
      case 'vhost-user-gpu':
        return this.#vhostUserGpu(guest, value[kind], at);
      case 'qemu':
        return this.#qemu(guest, value[kind], at, viewers);
      case 'libvirt':
        return this.#libvirt(guest, value[kind], at, viewers);
    }
  }

  #vhostUserGpu(guest: string, value: unknown, path: Path): Link | undefined {
    const listen = entry(value, 'listen');
    if (typeof listen !== 'string') return undefined;
    this.#socket(listen, [...path, 'listen'], socketPathProblem(listen), `the socket of guest "${guest}"`);
    return { kind: 'vhost-user-gpu', listen };
  }

  #qemu(guest: string, value: unknown, path: Path, viewers: Viewers): QemuLink | undefined {
    if (!isMapping(value)) return undefined;
    const [first, second] = Object.keys(value).filter((key) => key === 'qmp' || key === 'bus');
    if (first === undefined) {
      // An unknown key is most likely the one that is missing, and the schema reports it.
      if (Object.keys(value).every((key) => key === 'vm'))
        this.checker.report(
          path,
          '"qemu" does not say where; add qmp: <path of a QMP socket>, or bus: <D-Bus address>',
          'key',
        );
      return undefined;
    }
    if (second !== undefined)
      this.checker.report(
        [...path, second],
        `QEMU is reached by qmp or by bus, by ${first} here; remove ${second}`,
        'key',
      );
    else if (first === 'qmp' && value.vm !== undefined)
      this.checker.report(
        [...path, 'vm'],
        'vm chooses among those on a bus, and a QMP socket is of one; remove vm',
        'key',
      );
    const where = value[first];
    if (typeof where !== 'string') return undefined;
    if (first === 'bus') return this.#bus(guest, where, value.vm, path, viewers);
    const owner = `the QMP socket of guest "${guest}"`;
    this.#socket(where, [...path, 'qmp'], qmpPathProblem(where), owner);
    return { kind: 'qemu', at: { qmp: where }, viewers };
  }

  #bus(guest: string, bus: string, value: unknown, path: Path, viewers: Viewers): QemuLink | undefined {
    const at = [...path, 'bus'];
    const problem = busProblem(bus);
    if (problem !== undefined) this.checker.report(at, problem);
    const vm = typeof value === 'string' ? value : undefined;
    if (vm?.trim() === '')
      this.checker.report([...path, 'vm'], 'an empty vm; write the name or the UUID of the virtual machine');
    const others = this.#buses.get(sameBus(bus)) ?? [];
    const same = others.find((other) => vm !== undefined && other.vm !== undefined && sameVm(other.vm, vm));
    const vague = vm === undefined ? others[0] : others.find((other) => other.vm === undefined);
    if (same !== undefined)
      this.checker.report([...path, 'vm'], `"${vm}" is ${same.owner} already; name another vm`);
    else if (vague !== undefined)
      this.checker.report(
        at,
        `this bus is that of ${vague.owner} already; add vm: <name or UUID> to each of the two`,
      );
    this.#buses.set(sameBus(bus), [
      ...others,
      { owner: `guest "${guest}" (line ${this.checker.line(at)})`, vm },
    ]);
    return { kind: 'qemu', at: { bus, ...(vm !== undefined && { vm }) }, viewers };
  }

  #libvirt(guest: string, value: unknown, path: Path, viewers: Viewers): LibvirtLink | undefined {
    const domain = entry(value, 'domain');
    const uri = entry(value, 'uri');
    if (typeof uri === 'string') {
      const problem = libvirtUriProblem(uri);
      if (problem !== undefined) this.checker.report([...path, 'uri'], problem);
    }
    if (typeof domain !== 'string') return undefined;
    const at = [...path, 'domain'];
    const problem = libvirtNameProblem(domain);
    if (problem !== undefined) this.checker.report(at, problem);
    const key = JSON.stringify([uri ?? '', domain]);
    const other = this.#domains.get(key);
    if (other !== undefined) this.checker.report(at, `"${domain}" is ${other} already; name another domain`);
    else this.#domains.set(key, `guest "${guest}" (line ${this.checker.line(at)})`);
    return { kind: 'libvirt', domain, ...(typeof uri === 'string' && { uri }), viewers };
  }

  /** Notes whose a socket is; `problem` is what is wrong with its path. */
  #socket(socket: string, path: Path, problem: string | undefined, owner: string): void {
    if (problem !== undefined) this.checker.report(path, problem);
    const other = this.#sockets.get(samePath(socket));
    if (other !== undefined)
      this.checker.report(path, `"${socket}" is ${other} already; give each its own path`);
    else this.#sockets.set(samePath(socket), `${owner} (line ${this.checker.line(path)})`);
  }
}

/** UUIDs are the same in capitals, names are not. */
function sameVm(a: string, b: string): boolean {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  return a === b || (uuid.test(a) && a.toLowerCase() === b.toLowerCase());
}
