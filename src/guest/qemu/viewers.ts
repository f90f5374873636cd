import type { EndpointOwner } from './endpoint';
import { printable } from './words';

/** A guest with more viewers than that has its further ones go unnamed. */
const MOST = 64;

/** Who else looks at a guest, by VNC or SPICE, as QEMU's events tell. */
export class Viewers {
  /** Connections by who has them: a SPICE viewer has several. */
  readonly #connections = new Map<string, number>();

  constructor(private readonly owner: EndpointOwner) {}

  /** Whether the event was about a viewer. */
  event(name: string, data: Readonly<Record<string, unknown>>): boolean {
    const match = /^(VNC|SPICE)_(CONNECTED|INITIALIZED|DISCONNECTED)$/.exec(name);
    if (!match) return false;
    const viewer = `${match[1]!} viewer ${hostOf(data.client)}`;
    const count = this.#connections.get(viewer) ?? 0;
    if (match[2] === 'INITIALIZED') {
      if (count === 0 && this.#connections.size >= MOST) return true;
      this.#connections.set(viewer, count + 1);
      if (count === 0) this.owner.notice(`a ${viewer} has connected to it, too`);
    } else if (match[2] === 'DISCONNECTED' && count > 0) {
      if (count > 1) this.#connections.set(viewer, count - 1);
      else {
        this.#connections.delete(viewer);
        this.owner.notice(`the ${viewer} has left`);
      }
    }
    return true;
  }
}

function hostOf(client: unknown): string {
  const host = typeof client === 'object' && client !== null && 'host' in client ? client.host : undefined;
  return typeof host === 'string' && host !== '' ? `at ${printable(host, 64)}` : 'on this machine';
}
