import { hint } from './nearest';
import { samePath, socketPathProblem } from './values';

/** What is wrong with the path of a QMP socket, if anything. People copy it from the command line of QEMU. */
export function qmpPathProblem(path: string): string | undefined {
  const copied = /^(?:unix:)?(\/[^,]*),|^unix:(\/.*)$/.exec(path);
  if (copied) return `"${path}" is QEMU's option; write the path alone, ${copied[1] ?? copied[2]}`;
  if (/^tcp:|^telnet:|^[^/]*:\d+$/.test(path))
    return `"${path}" is no UNIX socket, and file descriptors pass through no other; give QEMU -qmp unix:/run/vm/guest.qmp,server=on,wait=off and write /run/vm/guest.qmp`;
  return socketPathProblem(path, '/run/vm');
}

const addressExample = 'write e.g. unix:path=/run/vm/bus';

/** What is wrong with a D-Bus address (one, or several with ";" between them), if anything. */
export function busProblem(address: string): string | undefined {
  if (address.startsWith('/'))
    return `"${address}" is a path, not a D-Bus address; write unix:path=${address}`;
  if (address === 'session' || address === 'system')
    return `"${address}" is no D-Bus address, and the daemon is in no session; write the address out, e.g. unix:path=/run/user/1000/bus`;
  for (const part of address.split(';')) {
    const problem = addressProblem(part);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function addressProblem(address: string): string | undefined {
  const match = /^([a-z][a-z0-9-]*):(.*)$/.exec(address);
  if (!match) return `"${address}" is no D-Bus address; ${addressExample}`;
  if (match[1] !== 'unix')
    return `"${address}" is no UNIX socket, and file descriptors pass through no other; ${addressExample}`;
  let socket: string | undefined;
  for (const pair of match[2]!.split(',')) {
    const [, key, value] = /^([a-z]+)=(.+)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      return `"${address}" is no D-Bus address; ${addressExample}`;
    if (key === 'guid') continue;
    if (key !== 'path' && key !== 'abstract')
      return `"${key}" is not for clients, in "${address}"${hint(key, ['path', 'abstract', 'guid'])}`;
    if (socket !== undefined) return `"${address}" names two sockets; write one, path or abstract`;
    socket = value;
    const problem = key === 'path' ? socketPathProblem(unescape(value), '/run/vm') : undefined;
    if (problem !== undefined) return problem;
  }
  return socket === undefined ? `"${address}" names no socket; ${addressExample}` : undefined;
}

/** The %xx of a D-Bus address. */
function unescape(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** One spelling for each bus, whatever slashes and dots its path was written with. */
export function sameBus(address: string): string {
  return address
    .replace(/,guid=[^,;]*|guid=[^,;]*,/g, '')
    .replace(/\bpath=([^,;]+)/g, (_, path: string) => `path=${samePath(unescape(path))}`);
}

/** What is wrong with the name, UUID or id of a libvirt domain, if anything. */
export function libvirtNameProblem(domain: string): string | undefined {
  if (domain.trim() === '') return 'an empty domain; write its name as `virsh list --all` has it';
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\x00-\x1f\x7f/]/.test(domain) || domain.startsWith('-'))
    return `${JSON.stringify(domain)} is no domain of libvirt; write its name as \`virsh list --all\` has it`;
  return undefined;
}

/** What is wrong with a connection URI of libvirt, if anything: the domain has to be QEMU's, and on this machine. */
export function libvirtUriProblem(uri: string): string | undefined {
  const match = /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?/i.exec(uri);
  if (!match) return `"${uri}" is no URI of libvirt; write e.g. qemu:///system`;
  const [, driver, transport, host, path] = match;
  if (driver !== 'qemu')
    return `"${uri}" is no URI of QEMU's domains; write e.g. qemu:///system or qemu:///session`;
  if (host !== '' || (transport !== undefined && transport !== 'unix'))
    return `"${uri}" is another machine, and a display cannot be taken from there; write e.g. qemu:///system`;
  if (path !== '/system' && path !== '/session')
    return `"${uri}" is neither the system's nor a session's libvirt; write qemu:///system or qemu:///session`;
  return undefined;
}
