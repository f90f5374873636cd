import { clamp } from '../../clamp';
import type { Display, GuestHost, GuestLink } from '../sink';
import { emptyConsole, type Console, type QemuDisplay, type UiInfo, type VmInfo } from './display';
import { QemuInput, type InputTarget } from './input';
import { Screen, type ScreenOwner } from './screen';
import { busErrorName, printable } from './words';

const MAX_HEADS = 16;
/** QEMU makes the connection before its objects are there: so long it may answer that there are none. */
const READY_MS = 3000;
const READY_STEP_MS = 5;
const READY_MOST_MS = 100;
const NOT_THERE_YET = /\.(UnknownMethod|UnknownObject|UnknownInterface)$/;

/** What an attachment tells its link. */
export interface AttachmentOwner {
  listenerLost(): void;
  /** `trouble` is another. */
  troubleChanged(): void;
  /** There is a picture. */
  drawn(): void;
  /** The guest draws without a picture. */
  stray(): void;
  warn(text: string): void;
}

/** What we have of one QEMU process: its screens and, most of the time, a display connection. */
export class Attachment implements ScreenOwner {
  readonly input: QemuInput;
  #display: QemuDisplay | undefined;
  #screens: Screen[] = [];
  #vm: VmInfo | undefined;
  #closed = false;

  constructor(
    private readonly link: GuestLink,
    private readonly host: GuestHost,
    private readonly owner: AttachmentOwner,
  ) {
    this.input = new QemuInput((head) => this.#target(head));
  }

  /** `name (uuid)`, printable. */
  get vm(): string {
    return this.#vm ? `${this.#vm.name} (${this.#vm.uuid})` : '';
  }

  /** Whether QEMU still sends what some head shows. */
  get alive(): boolean {
    return this.#screens.some((screen) => screen.alive);
  }

  get heads(): number {
    return this.#screens.length;
  }

  get trouble(): string | undefined {
    const troubles = this.#screens.flatMap(({ trouble, index }) =>
      trouble === undefined ? [] : [this.#screens.length > 1 ? `head ${index}: ${trouble}` : trouble],
    );
    return troubles.length > 0 ? troubles.join('; ') : undefined;
  }

  /**
   * Goes on with a display connection, the first or another: reads what there is, registers the listeners that are
   * missing, and tells of the monitors. `connected` is called before the first head is made. Rejects in words.
   */
  async adopt(display: QemuDisplay, connected: () => void): Promise<void> {
    const vm = await this.#whenReady(display);
    const known = this.#vm;
    if (known && (known.uuid !== vm.uuid || known.name !== vm.name)) {
      throw new Error(`there is another VM now: ${vm.name} (${vm.uuid})`);
    }
    const consoles = known ? this.#screens.map((screen) => screen.console) : vm.consoles.map(emptyConsole);
    this.#follow(display, consoles);
    await Promise.all(consoles.map((console) => display.readConsole(console)));
    if (this.#closed) throw new Error('closed meanwhile');
    const graphic = consoles.filter((console) => console.graphic).slice(0, MAX_HEADS);
    if (graphic.length === 0) {
      throw new Error('the VM has no graphic console: give it a display device, such as -device virtio-vga');
    }
    this.#display = display;
    if (known) this.input.releaseAll();
    else {
      this.#vm = vm;
      connected();
      this.#screens = graphic.map(
        (console, index) => new Screen(console, index, this.host.head(this.link, index), this),
      );
    }
    for (const screen of this.#screens) screen.attach(display);
    this.input.lights(graphic[0]!.leds);
    this.tellDisplays();
    for (const { console } of this.#screens) this.#tryPointer(display, console);
  }

  /** The display connection has gone: pictures go on, keys and sizes do not. */
  lost(): void {
    this.#display = undefined;
    for (const screen of this.#screens) screen.detach();
  }

  /** Tells QEMU of the monitor of each head, where it is another than was told. */
  tellDisplays(): void {
    if (!this.#display) return;
    const monitors = this.#screens.map(({ index }) => this.host.display(this.link, index));
    // No monitor for any head: they are all unplugged or asleep, which is no reason to change a guest's desktop.
    if (monitors.every((monitor) => monitor === undefined)) return;
    let x = 0;
    for (const screen of this.#screens) {
      const monitor = monitors[screen.index];
      // A guest without any monitor may do anything: it always keeps its first.
      if (monitor || screen.index > 0) screen.tell(uiInfo(monitor, x));
      x += monitor?.width ?? 0;
    }
  }

  shown(head: number, frame: number): void {
    this.#screens[head]?.head.shown(frame);
  }

  refuse(head: number, reason: string): void {
    this.#screens[head]?.head.refuse(printable(reason, 300));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#display = undefined;
    this.input.close();
    for (const screen of this.#screens) screen.close();
  }

  listenerLost(): void {
    this.owner.listenerLost();
  }

  troubleChanged(): void {
    this.owner.troubleChanged();
  }

  drawn(): void {
    this.owner.drawn();
  }

  stray(): void {
    this.owner.stray();
  }

  warn(text: string): void {
    this.owner.warn(text);
  }

  otherBytes(screen: Screen): number {
    return this.#screens.reduce((sum, other) => sum + (other === screen ? 0 : other.head.bytes), 0);
  }

  async #whenReady(display: QemuDisplay): Promise<VmInfo> {
    let waited = 0;
    for (let step = READY_STEP_MS; ; step = Math.min(step * 2, READY_MOST_MS)) {
      try {
        return await display.vm();
      } catch (error) {
        if (!NOT_THERE_YET.test(busErrorName(error))) throw error;
        if (waited > READY_MS || this.#closed) {
          throw new Error('there is no QEMU display at the other end: it says so itself', { cause: error });
        }
      }
      waited += step;
      await new Promise((resolve) => setTimeout(resolve, step));
    }
  }

  #follow(display: QemuDisplay, consoles: readonly Console[]): void {
    display.onDrained(() => {
      this.input.drained();
    });
    display.onConsoleChange((id, change) => {
      const console = consoles.find((known) => known.id === id);
      if (!console) return;
      console.width = change.width ?? console.width;
      console.height = change.height ?? console.height;
      console.absolute = change.absolute ?? console.absolute;
      // All consoles tell the lights of the one keyboard.
      if (change.leds !== undefined) this.input.lights(change.leds);
      if (change.width === undefined && change.height === undefined) return;
      this.#screens.find((screen) => screen.console === console)?.resized();
    });
  }

  #tryPointer(display: QemuDisplay, console: Console): void {
    if (console.absolute) return;
    display.triesAbsolute(console.id).then(
      (absolute) => {
        console.absolute ||= absolute;
      },
      () => undefined,
    );
  }

  #target(head: number): InputTarget | undefined {
    const screen = this.#screens[head];
    return this.#display && screen ? { display: this.#display, console: screen.console } : undefined;
  }
}

function uiInfo(monitor: Display | undefined, x: number): UiInfo {
  if (!monitor) return { mmWidth: 0, mmHeight: 0, x: 0, y: 0, width: 0, height: 0 };
  const { width, height, mmWidth, mmHeight } = monitor;
  return { mmWidth: millimetres(mmWidth), mmHeight: millimetres(mmHeight), x, y: 0, width, height };
}

function millimetres(length: number): number {
  return clamp(Math.round(length), 0, 0xffff);
}
