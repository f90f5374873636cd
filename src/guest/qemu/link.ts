import type { LibvirtLink, QemuLink as QemuConfig, Viewers } from '../../config/config';
import type { Log } from '../../log';
import { isNativeError } from '../../native';
import type { Condition, GuestHost, GuestInput, GuestLink } from '../sink';
import { monotonic } from '../../clock';
import { Attachment, type AttachmentOwner } from './attachment';
import { BusEndpoint } from './bus-endpoint';
import { endOf } from './conditions';
import type { QemuDisplay } from './display';
import type { Endpoint, EndpointOwner } from './endpoint';
import { LibvirtEndpoint } from './libvirt-endpoint';
import { QmpEndpoint } from './qmp-endpoint';
import { printable, reasonOf } from './words';

/** QEMU is looked for after so long, twice as long each time. */
const RETRY_MS = 250;
const RETRY_MOST_MS = 5000;
/** The same for a display connection that another program took. */
const TAKE_BACK_MS = 1000;
const TAKE_BACK_MOST_MS = 60_000;
/** One that we had for so long was not fought for. */
const HELD_MS = 30_000;
/** A process that ends closes its sockets one after the other: what has happened is clear a moment later. */
const SETTLE_MS = 50;
/** What QEMU may have us write into the log in a minute. */
const MAX_NOTICES = 20;
/** What the guest does may change so often at once, then once in so long: each change may be a picture to draw. */
const CONDITIONS_AT_ONCE = 16;
const CONDITION_MS = 500;
const KEY_LEFTSHIFT = 42;

/**
 * An unmodified QEMU, which hands out its display by D-Bus (`-display dbus`). It may come, end, come again, and be
 * taken by another program at any time.
 */
export class QemuLink implements GuestLink, EndpointOwner, AttachmentOwner {
  readonly kind: 'qemu' | 'libvirt';
  readonly #endpoint: Endpoint;
  readonly #viewers: Viewers;
  /** There while QEMU is. */
  #attachment: Attachment | undefined;
  #display: QemuDisplay | undefined;
  #connecting = false;
  #tries = 0;
  #retry: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  /** Another program has the display connection. */
  #taken = false;
  #takeBackMs = TAKE_BACK_MS;
  #heldSince = 0;
  /** Guessed: the guest draws without a picture. */
  #asleep = false;
  #trouble: string | undefined = 'it is being connected to';
  #told: string | undefined;
  #said = '';
  #notices = 0;
  #noticesSince = 0;
  /** What the guest does, told to the host or about to be. */
  #condition: Condition = 'running';
  #conditionBudget = CONDITIONS_AT_ONCE;
  #conditionAt = 0;
  #conditionTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    readonly guest: string,
    config: QemuConfig | LibvirtLink,
    private readonly host: GuestHost,
    private readonly log: Log,
  ) {
    this.kind = config.kind;
    this.#viewers = config.viewers;
    // prettier-ignore
    this.#endpoint =
      config.kind === 'libvirt' ? new LibvirtEndpoint(config.domain, config.uri, this)
      : 'qmp' in config.at ? new QmpEndpoint(config.at.qmp, this)
      : new BusEndpoint(config.at.bus, config.at.vm, this);
  }

  get address(): string {
    return this.#endpoint.address;
  }

  get trouble(): string | undefined {
    return this.#trouble ?? this.#attachment?.trouble;
  }

  get input(): GuestInput | undefined {
    return this.#attachment?.input;
  }

  /** Starts to look for QEMU, and returns at once. */
  open(): void {
    this.#soon(0);
  }

  shown(head: number, frame: number): void {
    this.#attachment?.shown(head, frame);
  }

  refuse(head: number, reason: string): void {
    this.#attachment?.refuse(head, reason);
  }

  displaysChanged(): void {
    this.#attachment?.tellDisplays();
  }

  wanted(): void {
    if (this.#closed) return;
    if (!this.#display && !this.#connecting) this.#soon(0);
    if (this.#endpoint.condition === 'asleep') this.#endpoint.wake();
    if (!this.#asleep) return;
    // QEMU wakes a guest at any key of its keyboard; this one does nothing.
    this.input?.key(0, KEY_LEFTSHIFT, true);
    this.input?.key(0, KEY_LEFTSHIFT, false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#settling);
    this.#endpoint.close();
    this.#detach('kms-switcher stops');
  }

  // What the endpoint tells.

  lost(display: QemuDisplay): void {
    if (display !== this.#display) return;
    this.#display = undefined;
    this.#attachment?.lost();
    this.#settle();
  }

  ended(reason: string): void {
    this.#end(reason);
  }

  condition(condition: Condition): void {
    if (!this.#attachment || this.#closed) return;
    this.#condition = condition;
    if (this.#conditionTimer) return;
    const now = monotonic();
    const earned = (now - this.#conditionAt) / CONDITION_MS;
    this.#conditionBudget = Math.min(this.#conditionBudget + earned, CONDITIONS_AT_ONCE);
    this.#conditionAt = now;
    if (this.#conditionBudget >= 1) this.#tellCondition();
    else
      this.#conditionTimer = setTimeout(() => {
        this.#conditionTimer = undefined;
        this.#tellCondition();
      }, CONDITION_MS);
  }

  notice(text: string): void {
    const now = monotonic();
    if (now - this.#noticesSince > 60_000) {
      this.#noticesSince = now;
      this.#notices = 0;
    }
    if (this.#notices++ < MAX_NOTICES) this.log.info(`guest ${this.guest}: ${printable(text, 600)}`);
  }

  // What the attachment tells.

  listenerLost(): void {
    this.#settle();
  }

  troubleChanged(): void {
    if (this.trouble === this.#told || this.#closed) return;
    this.#told = this.trouble;
    this.host.troubled(this);
  }

  drawn(): void {
    this.#endpoint.drawn();
    if (this.#asleep) {
      this.#asleep = false;
      this.condition('running');
    }
  }

  stray(): void {
    if (this.#endpoint.tells || this.#asleep) return;
    this.#asleep = true;
    this.condition('asleep');
  }

  warn(text: string): void {
    this.log.warning(`guest ${this.guest}: ${text}`);
  }

  #tellCondition(): void {
    this.#conditionBudget--;
    this.notice(`is ${this.#condition}`);
    this.host.condition(this, this.#condition);
  }

  #soon(milliseconds: number): void {
    clearTimeout(this.#retry);
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      void this.#connect();
    }, milliseconds);
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#display || this.#closed) return;
    this.#connecting = true;
    let display: QemuDisplay | undefined;
    try {
      display = await this.#endpoint.connect();
      if (this.#isClosed) {
        display.bus.close();
        return;
      }
      this.#display = display;
      await this.#adopt(display);
    } catch (error) {
      this.#failed(error, display);
    } finally {
      this.#connecting = false;
    }
  }

  /** Asked again behind an await, where TypeScript would take it for unchanged. */
  get #isClosed(): boolean {
    return this.#closed;
  }

  async #adopt(display: QemuDisplay): Promise<void> {
    const attachment = this.#attachment ?? new Attachment(this, this.host, this);
    const known = this.#attachment !== undefined;
    try {
      await attachment.adopt(display, () => {
        this.#attachment = attachment;
        this.host.connected(this);
        const { condition } = this.#endpoint;
        if (condition !== 'running') this.host.condition(this, condition);
      });
    } catch (error) {
      if (!known) attachment.close();
      throw error;
    }
    // It may have gone while its consoles were read, which then ends here, as it would later.
    if (this.#display !== display) throw new Error('QEMU closed its display connection');
    this.#tries = 0;
    this.#taken = false;
    this.#heldSince = monotonic();
    this.#said = '';
    this.log.info(
      known
        ? `guest ${this.guest}: its display connection is ours again`
        : `guest ${this.guest}: connected to VM ${attachment.vm}, ${attachment.heads} head(s)`,
    );
    this.#setTrouble(undefined);
  }

  #failed(error: unknown, display: QemuDisplay | undefined): void {
    if (this.#display === display) this.#display = undefined;
    display?.bus.close();
    if (this.#closed) return;
    this.#attachment?.lost();
    const reason = isNativeError(error) ? whyLost(error.code) : reasonOf(error);
    if (this.#taken) {
      this.#takeBack();
      return;
    }
    this.#say(reason);
    this.#setTrouble(reason);
    if (!this.#attachment) this.#endpoint.reset();
    this.#soon(this.#backoff());
  }

  #backoff(): number {
    return Math.min(RETRY_MS * 2 ** this.#tries++, RETRY_MOST_MS);
  }

  /** Something of QEMU has gone: looks in a moment what is left. */
  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#look();
    }, SETTLE_MS);
  }

  #look(): void {
    if (!this.#attachment || this.#display || this.#closed) return;
    const { alive, exclusive } = this.#endpoint;
    if (alive || (exclusive && this.#attachment.alive)) {
      if (!this.#taken) this.#lostToAnother();
    } else if (this.#attachment.alive) {
      // Bus mode: QEMU sends pictures on sockets of their own.
      const reason = `the D-Bus bus ${this.address} has gone: pictures still come, but no keys can be sent; restart QEMU`;
      this.#say(reason);
      this.#setTrouble(reason);
      this.#soon(this.#backoff());
    } else this.#end(endOf(this.#endpoint.condition));
  }

  #lostToAnother(): void {
    this.#taken = true;
    if (monotonic() - this.#heldSince > HELD_MS) this.#takeBackMs = TAKE_BACK_MS;
    const leave = this.#viewers === 'leave';
    const reason = leave
      ? 'another program took its display connection: it is left to it (viewers: leave) until the guest is switched to'
      : 'another program took its display connection: it is taken back (viewers: take-back)';
    this.#say(reason);
    this.#setTrouble(reason);
    this.#takeBack();
  }

  #takeBack(): void {
    if (this.#viewers === 'leave') return;
    this.#soon(this.#takeBackMs);
    this.#takeBackMs = Math.min(this.#takeBackMs * 2, TAKE_BACK_MOST_MS);
  }

  /** QEMU has ended: looks for the next one. */
  #end(reason: string): void {
    if (this.#closed) return;
    clearTimeout(this.#settling);
    this.#endpoint.reset();
    this.#display = undefined;
    this.#taken = false;
    this.#takeBackMs = TAKE_BACK_MS;
    if (!this.#attachment) return; // The attempt to connect fails, and says so.
    this.log.warning(`guest ${this.guest}: disconnected: ${reason}`);
    this.#said = '';
    this.#tries = 0;
    this.#detach(reason);
    this.#setTrouble(reason);
    this.#soon(this.#backoff());
  }

  #detach(reason: string): void {
    const attachment = this.#attachment;
    if (!attachment) return;
    this.#attachment = undefined;
    this.#asleep = false;
    clearTimeout(this.#conditionTimer);
    this.#conditionTimer = undefined;
    attachment.close();
    this.host.disconnected(this, reason);
  }

  #setTrouble(trouble: string | undefined): void {
    this.#trouble = trouble;
    this.troubleChanged();
  }

  /** Each failure is said once, however often it happens in a row. */
  #say(reason: string): void {
    if (reason === this.#said) return;
    this.#said = reason;
    this.log.warning(`guest ${this.guest}: ${reason}`);
  }
}

function whyLost(code: string): string {
  if (code === 'ECANCELED') return 'QEMU ended while it was being connected to';
  // Which of these it is depends on the moment, and is no news.
  const how = /^(ECONNRESET|ENOTCONN|EPIPE)$/.test(code) ? '' : ` (${code})`;
  return `QEMU closed the display connection while it was being made${how}: does it refuse user ${process.getuid?.() ?? '?'}?`;
}
