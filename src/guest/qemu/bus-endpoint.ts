import { Bus } from '../../dbus/bus';
import type { BusValue } from '../../dbus/values';
import { isNativeError } from '../../native';
import type { Condition } from '../sink';
import { QemuDisplay, type VmInfo } from './display';
import type { Endpoint, EndpointOwner } from './endpoint';
import { busErrorName, printable, within } from './words';

const BUS = 'org.freedesktop.DBus';
const NAME = 'org.qemu';
const ANSWER_MS = 3000;
const MAX_VMS = 64;
const TOLD_MS = 100;

/** What is said of a bus that cannot be used, and what a wrong choice of VM is called. */
export interface BusWords {
  /** What to do when no QEMU is there. */
  readonly start: string;
}

const WORDS: BusWords = { start: 'start QEMU with -display dbus,addr=ADDRESS' };

interface Vm extends VmInfo {
  readonly owner: string;
}

/** By a D-Bus bus that one or more QEMUs are on. */
export class BusEndpoint implements Endpoint {
  readonly tells = false;
  readonly alive = false;
  readonly condition: Condition = 'running';
  #bus: Bus | undefined;

  constructor(
    readonly address: string,
    /** Name or UUID of the VM; undefined: there is only one. */
    private readonly wanted: string | undefined,
    private readonly owner: EndpointOwner,
    private readonly words = WORDS,
  ) {}

  async connect(): Promise<QemuDisplay> {
    this.reset();
    const bus = new Bus({ address: this.address });
    this.#bus = bus;
    let display: QemuDisplay | undefined;
    const closed = new Promise<number>((resolve) => {
      bus.onClosed((errno) => {
        if (this.#bus === bus) this.#bus = undefined;
        if (display) this.owner.lost(display);
        resolve(errno);
      });
    });
    try {
      const vm = await this.#choose(bus);
      const match = `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${vm.owner}'`;
      bus.onSignal(match, ({ signature, values }) => {
        if (signature !== 'sss' || values[2] !== '' || values[0] !== vm.owner || !display) return;
        bus.close();
        if (this.#bus === bus) this.#bus = undefined;
        this.owner.lost(display);
      });
      return (display = new QemuDisplay(bus, vm.owner));
    } catch (error) {
      if (!isNativeError(error)) throw error;
      // A call on a connection that was never made does not know why: that is told a moment later.
      const errno = await within(closed, TOLD_MS, '').catch(() => -error.errno);
      throw new Error(this.#whyNoBus(errno), { cause: error });
    } finally {
      if (!display && this.#bus === bus) this.reset();
    }
  }

  reset(): void {
    this.#bus?.close();
    this.#bus = undefined;
  }

  drawn(): void {
    return;
  }

  wake(): void {
    return; // The display protocol has no word for it: a key does, in most guests.
  }

  close(): void {
    this.reset();
  }

  async #choose(bus: Bus): Promise<Vm> {
    const owners = await this.#owners(bus);
    const answers = await Promise.allSettled(
      owners.map(async (owner) => ({ owner, ...(await new QemuDisplay(bus, owner).vm(ANSWER_MS)) })),
    );
    const vms = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (vms.length === 0) {
      throw new Error(`no QEMU on the bus ${this.address} answers: ${this.words.start}`);
    }
    const { wanted } = this;
    const listed = vms.map(({ name, uuid }) => `${name} (${uuid})`).join(', ');
    if (wanted === undefined) {
      if (vms.length === 1) return vms[0]!;
      throw new Error(
        `there are ${vms.length} VMs on the bus ${this.address}: ${listed}; say which with vm: NAME or UUID`,
      );
    }
    const found = vms.filter(({ name, uuid }) => name === wanted || uuid === wanted.toLowerCase());
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      const uuids = found.map(({ uuid }) => uuid).join(', ');
      throw new Error(
        `${found.length} VMs on the bus ${this.address} are called ${wanted}; say which with vm: UUID: ${uuids}`,
      );
    }
    throw new Error(`no VM called ${wanted} on the bus ${this.address}; there is ${listed}`);
  }

  async #owners(bus: Bus): Promise<string[]> {
    const asked = bus.call({
      destination: BUS,
      path: '/org/freedesktop/DBus',
      interface: BUS,
      member: 'ListQueuedOwners',
      signature: 's',
      values: [NAME],
    });
    try {
      const [owners] = await within(asked, ANSWER_MS, `the D-Bus bus ${this.address} does not answer`);
      return uniqueNames(owners);
    } catch (error) {
      if (busErrorName(error) === 'org.freedesktop.DBus.Error.NameHasNoOwner') return [];
      throw error;
    }
  }

  #whyNoBus(errno: number): string {
    switch (errno) {
      case 2: // ENOENT
      case 111: // ECONNREFUSED
        return `there is no D-Bus bus at ${this.address}: check the address and that its dbus-daemon runs`;
      case 1: // EPERM
      case 13: // EACCES
        return `the D-Bus bus ${this.address} refuses us: run kms-switcher as the bus' user or as root, or let its configuration allow our user`;
      case 93: // EPROTONOSUPPORT
      case 22: // EINVAL
        return `the D-Bus address ${printable(this.address)} is not one: it looks like unix:path=/run/vm/bus`;
      default:
        return `the D-Bus bus ${this.address} closed the connection (errno ${errno})`;
    }
  }
}

function uniqueNames(value: BusValue | undefined): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((name): name is string => typeof name === 'string' && /^:[0-9A-Za-z._-]{1,200}$/.test(name))
    .slice(0, MAX_VMS);
}
