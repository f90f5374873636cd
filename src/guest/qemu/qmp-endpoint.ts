import { Bus } from '../../dbus/bus';
import { native } from '../../native';
import type { Condition } from '../sink';
import { Conditions, endOf } from './conditions';
import { QemuDisplay } from './display';
import type { Endpoint, EndpointOwner } from './endpoint';
import { Qmp, QmpRefusal } from './qmp';
import { Viewers } from './viewers';
import { reasonOf } from './words';

const FD_NAME = 'kms-switcher';

/** By QEMU's control socket: hands QEMU one end of a socket pair, and hears what the guest does. */
export class QmpEndpoint implements Endpoint {
  readonly tells = true;
  readonly exclusive = true;
  #qmp: Qmp | undefined;
  #negotiated = false;
  #display: QemuDisplay | undefined;
  #conditions = new Conditions();
  #viewers: Viewers;

  constructor(
    readonly address: string,
    private readonly owner: EndpointOwner,
  ) {
    this.#viewers = new Viewers(owner);
  }

  get alive(): boolean {
    return this.#negotiated;
  }

  get condition(): Condition {
    return this.#conditions.now;
  }

  /** QEMU's version, while it is connected. */
  get version(): string {
    return this.#qmp?.version ?? '';
  }

  async connect(): Promise<QemuDisplay> {
    if (!this.#negotiated) await this.#openQmp();
    const qmp = this.#qmp!;
    this.#display?.bus.close();
    this.#display = undefined;
    const [near, far] = native.fdPair();
    // Opened first: what it sends for its authentication is there when QEMU looks.
    const bus = new Bus({ fd: near, side: 'client' });
    const display = new QemuDisplay(bus);
    bus.onClosed((_, reason) => {
      if (reason !== '') this.owner.notice(`broke its display connection: ${reason}`);
      if (this.#display === display) this.#display = undefined;
      this.owner.lost(display);
    });
    try {
      await qmp.execute('getfd', { fdname: FD_NAME }, [far]);
      await this.#addClient(qmp);
    } catch (error) {
      bus.close();
      throw error instanceof QmpRefusal ? new Error(wordsOf(error), { cause: error }) : error;
    }
    this.#display = display;
    return display;
  }

  reset(): void {
    this.#display?.bus.close();
    this.#display = undefined;
    this.#qmp?.close();
    this.#qmp = undefined;
    this.#negotiated = false;
    this.#conditions = new Conditions();
    this.#viewers = new Viewers(this.owner);
  }

  wake(): void {
    if (!this.#negotiated) return;
    this.#qmp!.execute('system_wakeup').catch((error: unknown) => {
      this.owner.notice(`cannot be woken: ${reasonOf(error)}`);
    });
  }

  close(): void {
    this.reset();
  }

  async #openQmp(): Promise<void> {
    this.reset();
    const qmp = new Qmp(this.address, {
      event: (name, data) => {
        this.#event(name, data);
      },
      closed: (reason, peer) => {
        const { now } = this.#conditions;
        this.reset();
        this.owner.ended(peer ? endOf(now) : reason);
      },
    });
    this.#qmp = qmp;
    await qmp.negotiate();
    const status = await qmp.execute('query-status');
    const state =
      typeof status === 'object' && status !== null && 'status' in status ? status.status : undefined;
    this.#conditions.status(state);
    this.#negotiated = true;
  }

  async #addClient(qmp: Qmp): Promise<void> {
    try {
      await qmp.execute('add_client', { protocol: '@dbus-display', fdname: FD_NAME });
    } catch (error) {
      // QEMU keeps what it was handed for as long as the connection lasts.
      qmp.execute('closefd', { fdname: FD_NAME }).catch(() => undefined);
      throw error;
    }
  }

  #event(name: string, data: Readonly<Record<string, unknown>>): void {
    if (this.#viewers.event(name, data)) return;
    const condition = this.#conditions.event(name, data);
    if (condition) this.owner.condition(condition);
  }

  /** The guest draws. */
  drawn(): void {
    const condition = this.#conditions.drawn();
    if (condition) this.owner.condition(condition);
  }
}

function wordsOf(refusal: QmpRefusal): string {
  const { kind, message } = refusal;
  if (kind === 'DeviceNotActive' || /protocol '.*' is invalid/.test(message)) {
    return 'QEMU has no D-Bus display: start it with -display dbus,p2p=yes';
  }
  if (message.includes('bus mode')) {
    return "QEMU's display is on a D-Bus bus: start it with -display dbus,p2p=yes, or write bus: instead of qmp: in the config";
  }
  return `QEMU refused to show its display: ${message}`;
}
