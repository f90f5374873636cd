import * as fs from 'node:fs';
import { Bus } from '../../dbus/bus';
import { native } from '../../native';
import type { Condition } from '../sink';
import { BusEndpoint } from './bus-endpoint';
import { CONDITION_EVENTS, Conditions } from './conditions';
import { QemuDisplay } from './display';
import type { Endpoint, EndpointOwner } from './endpoint';
import { displayIn, eventIn } from './libvirt';
import { Virsh } from './virsh';
import { reasonOf } from './words';

const FD_NAME = 'kms-switcher';
/** virsh needs a moment until it hears events, and does not say when: the state is asked for afterwards. */
const HEARS_MS = 1000;
/** It ends with libvirt's daemon, and is started again after so long. */
const LISTEN_AGAIN_MS = 5000;

/**
 * By libvirt, which tells where a domain's display is, and what the guest does; each start of a domain is another
 * place.
 */
export class LibvirtEndpoint implements Endpoint {
  readonly address: string;
  readonly alive = false;
  readonly #virsh: Virsh;
  #bus: BusEndpoint | undefined;
  /** Peer to peer. */
  #display: QemuDisplay | undefined;
  #exclusive = false;
  #conditions = new Conditions();
  /** Ends the virsh that hears events. */
  #deafen: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly domain: string,
    uri: string | undefined,
    private readonly owner: EndpointOwner,
  ) {
    this.address = uri === undefined ? domain : `${domain} at ${uri}`;
    this.#virsh = new Virsh(domain, uri);
  }

  get tells(): boolean {
    return this.#deafen !== undefined;
  }

  get exclusive(): boolean {
    return this.#exclusive;
  }

  get condition(): Condition {
    return this.#conditions.now;
  }

  async connect(): Promise<QemuDisplay> {
    this.#disconnect();
    const place = displayIn(await this.#virsh.ask('dumpxml'), this.domain);
    if (this.#closed) throw new Error('closed meanwhile');
    this.#exclusive = place === 'p2p';
    const display = place === 'p2p' ? await this.#handOver() : await this.#join(place.bus);
    if (!this.tells) this.#listen();
    return display;
  }

  reset(): void {
    this.#disconnect();
    clearTimeout(this.#timer);
    this.#deafen?.();
    this.#deafen = undefined;
    this.#conditions = new Conditions();
  }

  /** The guest draws. */
  drawn(): void {
    const condition = this.#conditions.drawn();
    if (condition) this.owner.condition(condition);
  }

  wake(): void {
    this.#virsh.ask('dompmwakeup').catch((error: unknown) => {
      if (!this.#closed) this.owner.notice(`cannot be woken: ${reasonOf(error)}`);
    });
  }

  close(): void {
    this.#closed = true;
    this.reset();
    this.#virsh.close();
  }

  #disconnect(): void {
    this.#bus?.close();
    this.#bus = undefined;
    this.#display?.bus.close();
    this.#display = undefined;
  }

  #join(address: string): Promise<QemuDisplay> {
    this.#bus = new BusEndpoint(address, undefined, this.owner, { start: `virsh start ${this.domain}` });
    return this.#bus.connect();
  }

  /** What virDomainOpenGraphics does, for which virsh has no command: hands QEMU one end of a socket pair. */
  async #handOver(): Promise<QemuDisplay> {
    const [near, far] = native.fdPair();
    const bus = new Bus({ fd: near, side: 'client' });
    const display = new QemuDisplay(bus);
    this.#display = display;
    bus.onClosed(() => {
      if (this.#display === display) this.#display = undefined;
      this.owner.lost(display);
    });
    try {
      await this.#tell('getfd', { fdname: FD_NAME }, far);
      await this.#tell('add_client', { protocol: '@dbus-display', fdname: FD_NAME });
    } catch (error) {
      this.#disconnect();
      throw error;
    }
    return display;
  }

  /** A command for QEMU's monitor; `fd` is handed on, and closed. */
  async #tell(execute: string, args: object, fd?: number): Promise<void> {
    const command = JSON.stringify({ execute, arguments: args });
    const passed = fd === undefined ? [] : ['--pass-fds', '3'];
    const asked = this.#virsh.ask('qemu-monitor-command', [...passed, command], fd);
    if (fd !== undefined) fs.closeSync(fd);
    const answer = await asked;
    if (answer.includes('"error"')) throw new Error(`QEMU refused to show its display: ${reasonOf(answer)}`);
  }

  /** Hears what the guest does, as long as QEMU is there. */
  #listen(): void {
    if (this.#closed) return;
    const events = `^(${CONDITION_EVENTS.join('|')})$`;
    this.#deafen = this.#virsh.follow(
      'qemu-monitor-event',
      ['--loop', '--regex', '--event', events],
      (line) => {
        const event = eventIn(line);
        const condition = event && this.#conditions.event(event.name, event.data);
        if (condition) this.owner.condition(condition);
      },
      () => {
        this.#deafen = undefined;
        this.#later(LISTEN_AGAIN_MS, () => {
          this.#listen();
        });
      },
    );
    this.#later(HEARS_MS, () => {
      void this.#askState();
    });
  }

  async #askState(): Promise<void> {
    const listening = this.#deafen;
    try {
      const state = await this.#virsh.ask('domstate');
      if (!listening || this.#deafen !== listening) return;
      const was = this.#conditions.now;
      const condition = this.#conditions.status(state.trim());
      if (condition !== was) this.owner.condition(condition);
    } catch {
      // Whoever connects next hears why.
    }
  }

  #later(milliseconds: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, milliseconds);
  }
}
