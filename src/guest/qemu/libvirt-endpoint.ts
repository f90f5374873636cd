import type { Condition } from '../sink';
import { BusEndpoint } from './bus-endpoint';
import type { QemuDisplay } from './display';
import type { Endpoint, EndpointOwner } from './endpoint';
import { libvirtAddress } from './libvirt';

/** By the bus that libvirt makes for a domain; its address is another after each start. */
export class LibvirtEndpoint implements Endpoint {
  readonly address: string;
  readonly tells = false;
  readonly alive = false;
  readonly condition: Condition = 'running';
  #bus: BusEndpoint | undefined;
  /** Ends a virsh that still runs when this is closed. */
  readonly #abort = new AbortController();

  constructor(
    private readonly domain: string,
    private readonly uri: string | undefined,
    private readonly owner: EndpointOwner,
  ) {
    this.address = uri === undefined ? domain : `${domain} at ${uri}`;
  }

  async connect(): Promise<QemuDisplay> {
    this.reset();
    const address = await libvirtAddress(this.domain, this.uri, this.#abort.signal);
    if (this.#abort.signal.aborted) throw new Error('closed meanwhile');
    this.#bus = new BusEndpoint(address, undefined, this.owner, { start: `virsh start ${this.domain}` });
    return this.#bus.connect();
  }

  reset(): void {
    this.#bus?.close();
    this.#bus = undefined;
  }

  drawn(): void {
    return;
  }

  wake(): void {
    this.#bus?.wake();
  }

  close(): void {
    this.#abort.abort();
    this.reset();
  }
}
