import { monotonic } from '../../clock';
import type { HeadSink } from '../sink';
import type { Console, QemuDisplay, UiInfo } from './display';
import { Head, type HeadOwner } from './head';
import { Listener, type ListenerOwner } from './listener';
import { busErrorName, printable, reasonOf } from './words';

/** A listener that QEMU closes is registered again after so long, twice as long each time. */
const AGAIN_MS = 250;
const AGAIN_MOST_MS = 5000;
/** One that lasted so long has nothing to do with the last. */
const LASTING_MS = 10_000;
/** What one head may have us write into the log. */
const MAX_WARNINGS = 8;
const UNSUPPORTED = 'org.qemu.Display1.Error.Unsupported';

/** What a screen tells the attachment it belongs to. */
export interface ScreenOwner {
  /** QEMU closed its listener. */
  listenerLost(): void;
  /** `trouble` is another. */
  troubleChanged(): void;
  /** There is a picture. */
  drawn(): void;
  /** There was a picture, and the guest draws without one. */
  stray(): void;
  warn(text: string): void;
  otherBytes(screen: Screen): number;
}

/** A graphic console of QEMU: the head that it is, and the listener registered for it. */
export class Screen implements HeadOwner, ListenerOwner {
  readonly head: Head;
  #listener: Listener | undefined;
  #display: QemuDisplay | undefined;
  #registeredAt = 0;
  #tries = 0;
  #retry: NodeJS.Timeout | undefined;
  /** What QEMU was told last of the monitor. */
  #told = '';
  #resizable = true;
  #trouble: string | undefined;
  #warnings = 0;
  #lastWarning = '';
  #hadPicture = false;
  /** Which is the trouble. */
  #unregistered = false;
  /** QEMU has been asked, and has not answered. */
  #registering = false;
  #closed = false;

  constructor(
    readonly console: Console,
    readonly index: number,
    sink: HeadSink,
    private readonly owner: ScreenOwner,
  ) {
    this.head = new Head(index, sink, this);
  }

  get alive(): boolean {
    return this.#listener !== undefined;
  }

  /** Why there is no picture. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** There is a display connection. A listener that still lives is kept: QEMU 9.0 to 10.2 never forgets a dropped one. */
  attach(display: QemuDisplay): void {
    this.#display = display;
    this.#told = '';
    this.#tries = 0;
    this.resized();
    if (!this.#listener) this.#register(display);
  }

  /** There is none any more. */
  detach(): void {
    this.#display = undefined;
    clearTimeout(this.#retry);
  }

  /** The console has another size. */
  resized(): void {
    this.head.resized(this.console.width, this.console.height);
  }

  /** Tells QEMU of the head's monitor. */
  tell(info: UiInfo): void {
    const text = Object.values(info).join();
    const display = this.#display;
    if (!display || !this.#resizable || text === this.#told) return;
    this.#told = text;
    display.setUiInfo(this.console.id, info).catch((error: unknown) => {
      if (busErrorName(error) === UNSUPPORTED) this.#resizable = false;
      else if (this.#display === display)
        this.#warn(`head ${this.index} cannot be told of its monitor: ${reasonOf(error)}`);
    });
  }

  close(): void {
    this.#closed = true;
    this.detach();
    this.#listener?.close();
    this.#listener = undefined;
    this.head.close();
  }

  reply(serial: number): void {
    this.#listener?.reply(serial);
  }

  headTrouble(reason: string | undefined): void {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    if (reason !== undefined) this.#warn(`head ${this.index} cannot be shown: ${reason}`);
    this.owner.troubleChanged();
  }

  drawn(): void {
    this.#hadPicture = true;
    this.owner.drawn();
  }

  stray(): void {
    if (this.#hadPicture && this.#trouble === undefined) this.owner.stray();
  }

  otherBytes(): number {
    return this.owner.otherBytes(this);
  }

  complain(text: string): void {
    this.#warn(`head ${this.index}: ${text}`);
  }

  listenerClosed(): void {
    this.#listener = undefined;
    this.head.detached();
    if (monotonic() - this.#registeredAt > LASTING_MS) this.#tries = 0;
    // A QEMU that refuses it closes it first, and then says why.
    if (!this.#registering) this.#again();
    this.owner.listenerLost();
  }

  #register(display: QemuDisplay): void {
    this.#registeredAt = monotonic();
    let listener: Listener;
    try {
      listener = new Listener(this.head, this);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#listener = listener;
    this.#registering = true;
    const registered = listener.handOver((fd) => display.registerListener(this.console.id, fd));
    registered.then(
      () => {
        this.#registering = false;
        if (this.#unregistered) this.headTrouble(undefined);
        this.#unregistered = false;
        if (listener.closed) this.#again();
      },
      (error: unknown) => {
        this.#registering = false;
        listener.close();
        this.#listener = undefined;
        if (this.#display === display) this.#failed(error);
      },
    );
  }

  #failed(error: unknown): void {
    this.#unregistered = true;
    this.headTrouble(`QEMU does not send it: ${reasonOf(error)}`);
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#retry);
    if (!this.#display || this.#closed) return;
    this.#retry = setTimeout(
      () => {
        if (this.#display && !this.#listener) this.#register(this.#display);
      },
      Math.min(AGAIN_MS * 2 ** this.#tries++, AGAIN_MOST_MS),
    );
  }

  #warn(text: string): void {
    if (text === this.#lastWarning || this.#warnings >= MAX_WARNINGS) return;
    this.#lastWarning = text;
    this.#warnings++;
    const last = this.#warnings === MAX_WARNINGS ? ' (nothing more is said of this head)' : '';
    this.owner.warn(`${printable(text, 600)}${last}`);
  }
}
