import { Bus } from '../../src/dbus/bus';
import type { BusValue } from '../../src/dbus/values';
import { native } from '../../src/native';
import { MockConsole, variants, type ConsoleKnobs } from './mock-console';
import { QmpServer, type QmpAnswer, type QmpKnobs } from './qmp-server';

const UUID = '11111111-2222-3333-4444-555555555555';

export interface MockOptions {
  /** Where to listen for QMP. */
  readonly qmp?: string;
  /** The bus to be on. */
  readonly bus?: string;
  readonly name?: string;
  readonly uuid?: string;
  /** One for each console, from what a virtio-vga has. */
  readonly consoles?: readonly Partial<ConsoleKnobs>[];
  readonly knobs?: Partial<QmpKnobs>;
  /** Milliseconds between the display connection and its objects, as real QEMU has a moment. */
  readonly late?: number;
  /** No objects, ever: nobody answers. */
  readonly silent?: boolean;
}

/**
 * QEMU's side of QMP and org.qemu.Display1, for tests of timing and malice. It behaves unless it is told otherwise.
 * Where QEMU waits in its main loop, this only notes how long it took.
 */
export class MockQemu {
  readonly qmp: QmpServer | undefined;
  readonly knobs: QmpKnobs;
  readonly consoles: MockConsole[];
  main: Bus | undefined;
  /** How often a client was added. */
  clients = 0;

  constructor(private readonly options: MockOptions) {
    this.knobs = {
      greeting: undefined,
      version: [10, 1, 0],
      delay: 0,
      mute: new Set(),
      answers: new Map<string, QmpAnswer>(),
      status: 'running',
      ...options.knobs,
    };
    this.consoles = (options.consoles ?? [{}]).map(
      (knobs, id) =>
        new MockConsole(id, {
          type: 'Graphic',
          width: 640,
          height: 480,
          absolute: false,
          touch: true,
          modifiers: 0,
          resizable: true,
          dmabuf2: true,
          map: true,
          refuse: undefined,
          mute: false,
          ...knobs,
        }),
    );
    if (options.qmp !== undefined) {
      this.qmp = new QmpServer(options.qmp, this.knobs, (fd) => {
        this.addClient(fd);
        return { return: {} };
      });
    }
    if (options.bus !== undefined) this.#join(options.bus);
  }

  get console(): MockConsole {
    return this.consoles[0]!;
  }

  /** Takes a client's end of a socket; the client before is dropped, as QEMU does. */
  addClient(fd: number): void {
    this.clients++;
    const before = this.main;
    const bus = new Bus({ fd, side: 'server' });
    this.main = bus;
    bus.onClosed(() => {
      if (this.main === bus) this.main = undefined;
    });
    before?.close();
    if (this.options.silent === true) return;
    if (this.options.late === undefined) this.#serve(bus);
    else {
      setTimeout(() => {
        if (this.main === bus) this.#serve(bus);
      }, this.options.late);
    }
  }

  /** Another program asks for the display connection; returns its end, which is the caller's to close. */
  otherClient(): Bus {
    const [near, far] = native.fdPair();
    const bus = new Bus({ fd: near, side: 'client' });
    this.addClient(far);
    return bus;
  }

  /** Ends, as a process that is killed does: everything is closed at once. */
  close(): void {
    this.qmp?.close();
    this.main?.close();
    this.main = undefined;
    for (const console of this.consoles) console.dropListener();
  }

  #join(address: string): void {
    const bus = new Bus({ address });
    this.main = bus;
    this.#serve(bus);
    bus
      .call({
        destination: 'org.freedesktop.DBus',
        path: '/org/freedesktop/DBus',
        interface: 'org.freedesktop.DBus',
        member: 'RequestName',
        signature: 'su',
        values: ['org.qemu', 0],
      })
      .catch(() => undefined);
  }

  #serve(bus: Bus): void {
    const { name = 'windows', uuid = UUID } = this.options;
    bus.serve(
      '/org/qemu/Display1/VM',
      [{ interface: 'org.freedesktop.DBus.Properties', member: 'GetAll', signature: 's' }],
      (_, serial) => {
        const ids: BusValue = this.consoles.map(({ id }) => id);
        const properties = variants({ Name: ['s', name], UUID: ['s', uuid], ConsoleIDs: ['au', ids] });
        bus.reply(serial, 'a{sv}', [properties]);
      },
    );
    for (const console of this.consoles) console.serve(bus);
  }
}
