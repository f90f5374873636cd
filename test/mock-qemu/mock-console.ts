import * as fs from 'node:fs';
import { Bus } from '../../src/dbus/bus';
import { fds, numbers } from '../../src/dbus/received';
import type { BusMessage, BusValue } from '../../src/dbus/values';

const LISTENER_PATH = '/org/qemu/Display1/Listener';
const LISTENER = 'org.qemu.Display1.Listener';

/** What a console is, and how it behaves. */
export interface ConsoleKnobs {
  type: 'Graphic' | 'Text';
  width: number;
  height: number;
  absolute: boolean;
  /** Lights: 1 ScrollLock, 2 NumLock, 4 CapsLock. */
  modifiers: number;
  /** QEMU before 8.1 has none. */
  touch: boolean;
  /** Whether SetUIInfo is understood: std-VGA's is not. */
  resizable: boolean;
  /** QEMU before 10.1 or 9.2: asks for no such interfaces. */
  dmabuf2: boolean;
  map: boolean;
  /** RegisterListener is answered with this error, or never. */
  refuse: string | undefined;
  mute: boolean;
}

/** A message that the console's listener got an answer to. */
export interface Answer {
  readonly sent: number;
  readonly after: number;
}

/** A console of the mock: what QEMU's main connection serves of it, and the listener it was given. */
export class MockConsole {
  /** Calls on the main connection, as text. */
  readonly calls: string[] = [];
  /** Interfaces the listener says it has. */
  interfaces: readonly string[] = [];
  listener: Bus | undefined;
  registrations = 0;
  ready = false;
  onReady: () => void = () => undefined;
  onClosed: () => void = () => undefined;

  constructor(
    readonly id: number,
    readonly knobs: ConsoleKnobs,
  ) {}

  get path(): string {
    return `/org/qemu/Display1/Console_${this.id}`;
  }

  serve(bus: Bus): void {
    const prefix = 'org.qemu.Display1';
    const methods = [
      { interface: 'org.freedesktop.DBus.Properties', member: 'GetAll', signature: 's' },
      { interface: `${prefix}.Console`, member: 'RegisterListener', signature: 'h' },
      { interface: `${prefix}.Console`, member: 'SetUIInfo', signature: 'qqiiuu' },
      { interface: `${prefix}.Keyboard`, member: 'Press', signature: 'u' },
      { interface: `${prefix}.Keyboard`, member: 'Release', signature: 'u' },
      { interface: `${prefix}.Mouse`, member: 'Press', signature: 'u' },
      { interface: `${prefix}.Mouse`, member: 'Release', signature: 'u' },
      { interface: `${prefix}.Mouse`, member: 'SetAbsPosition', signature: 'uu' },
      { interface: `${prefix}.Mouse`, member: 'RelMotion', signature: 'ii' },
      { interface: `${prefix}.MultiTouch`, member: 'SendEvent', signature: 'utdd' },
    ] as const;
    bus.serve(this.path, methods, (index, serial, values) => {
      const { interface: name, member, signature } = methods[index]!;
      if (member === 'GetAll') {
        const wanted = (values as string[])[0]!;
        bus.reply(serial, 'a{sv}', [this.#properties(wanted)]);
        return;
      }
      if (member === 'RegisterListener') {
        this.#register(bus, serial, fds.take(0));
        return;
      }
      // A 64-bit number takes two.
      const given = Array.from({ length: signature.replace('t', 'uu').length }, (_, at) => numbers[at]!);
      const error = this.#errorOf(member, given);
      // The probe of a pointer's kind moves it nowhere.
      if (!(member === 'RelMotion' && given.every((number) => number === 0))) {
        this.calls.push(`${name.slice(prefix.length + 1)}.${member} ${given.join(' ')}`);
      }
      if (serial === 0) return;
      if (error === undefined) bus.reply(serial);
      else bus.fail(serial, `${prefix}.Error.${error}`, 'refused by the mock');
    });
  }

  /** Announces another size, another kind of pointer, or lights, as QEMU does on its main connection. */
  change(
    bus: Bus,
    change: { width?: number; height?: number; absolute?: boolean; modifiers?: number },
  ): void {
    Object.assign(this.knobs, change);
    const { width, height, absolute, modifiers } = change;
    const of = absolute !== undefined ? 'Mouse' : modifiers !== undefined ? 'Keyboard' : 'Console';
    const properties: Record<string, number | boolean | undefined> = {
      Width: width,
      Height: height,
      IsAbsolute: absolute,
      Modifiers: modifiers,
    };
    const changed = new Map<BusValue, BusValue>(
      Object.entries(properties).flatMap(([name, value]): [string, BusValue][] =>
        value === undefined ? [] : [[name, { signature: typeof value === 'boolean' ? 'b' : 'u', value }]],
      ),
    );
    bus.emit({
      path: this.path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'PropertiesChanged',
      signature: 'sa{sv}as',
      values: [`org.qemu.Display1.${of}`, changed, []],
    });
  }

  /** Sends a message to the listener that wants no answer, as QEMU sends all but two kinds. fds are closed here. */
  send(member: string, signature: string, values: readonly BusValue[], fds: readonly number[] = []): void {
    this.listener?.send(message(member, signature, values));
    for (const fd of fds) fs.closeSync(fd);
  }

  /** Calls the listener; resolves with the milliseconds it took to answer. fds are closed here. */
  async call(
    member: string,
    signature: string,
    values: readonly BusValue[],
    fds: readonly number[] = [],
  ): Promise<number> {
    const sent = performance.now();
    const answer = this.listener!.call(message(member, signature, values));
    for (const fd of fds) fs.closeSync(fd);
    await answer;
    return performance.now() - sent;
  }

  scanoutDmabuf(
    fd: number,
    width: number,
    height: number,
    stride: number,
    format: number,
    bottomUp = false,
  ): void {
    this.send('ScanoutDMABUF', 'huuuutb', [fd, width, height, stride, format, 0n, bottomUp], [fd]);
  }

  updateDmabuf(x: number, y: number, width: number, height: number): Promise<number> {
    return this.call('UpdateDMABUF', 'iiii', [x, y, width, height]);
  }

  scanout(width: number, height: number, stride: number, format: number, bytes: Uint8Array): void {
    this.send('Scanout', 'uuuuay', [width, height, stride, format, bytes]);
  }

  dropListener(): void {
    this.listener?.close();
    this.listener = undefined;
    this.ready = false;
  }

  #register(bus: Bus, serial: number, fd: number): void {
    if (this.knobs.mute || this.knobs.refuse !== undefined) {
      fs.closeSync(fd);
      if (this.knobs.refuse !== undefined) {
        bus.fail(serial, `org.qemu.Display1.Error.${this.knobs.refuse}`, 'refused by the mock');
      }
      return;
    }
    bus.reply(serial);
    this.registrations++;
    this.dropListener();
    const listener = new Bus({ fd, side: 'server' });
    this.listener = listener;
    listener.onClosed(() => {
      if (this.listener === listener) this.dropListener();
      this.onClosed();
    });
    this.#ask(listener).then(
      () => {
        this.ready = true;
        this.onReady();
      },
      () => undefined,
    );
  }

  async #ask(listener: Bus): Promise<void> {
    const properties = 'org.freedesktop.DBus.Properties';
    const get = async (of: string): Promise<ReadonlyMap<string, { value: unknown }>> => {
      const [values] = await listener.call({
        path: LISTENER_PATH,
        interface: properties,
        member: 'GetAll',
        signature: 's',
        values: [of],
      });
      return values as unknown as ReadonlyMap<string, { value: unknown }>;
    };
    this.interfaces = ((await get(LISTENER)).get('Interfaces')?.value ?? []) as string[];
    if (this.knobs.map) await get(`${LISTENER}.Unix.Map`);
    if (this.knobs.dmabuf2) await get(`${LISTENER}.Unix.ScanoutDMABUF2`);
  }

  #errorOf(member: string, [x, y]: readonly number[]): string | undefined {
    const { absolute, width, height, resizable } = this.knobs;
    if (member === 'SetUIInfo' && !resizable) return 'Unsupported';
    if (member === 'RelMotion' && absolute) return 'Invalid';
    if (member === 'SetAbsPosition' && (!absolute || x! >= width || y! >= height)) return 'Invalid';
    return undefined;
  }

  #properties(of: string): ReadonlyMap<BusValue, BusValue> {
    const { type, width, height, absolute, touch, modifiers } = this.knobs;
    const interfaces = ['Keyboard', 'Mouse', ...(touch ? ['MultiTouch'] : [])].map(
      (name) => `org.qemu.Display1.${name}`,
    );
    const properties: Record<string, [string, BusValue]> = of.endsWith('.Console')
      ? {
          Label: ['s', `console ${this.id}`],
          Head: ['u', 0],
          Type: ['s', type],
          Width: ['u', width],
          Height: ['u', height],
          DeviceAddress: ['s', 'pci/0000/02.0'],
          Interfaces: ['as', interfaces],
        }
      : of.endsWith('.Mouse')
        ? { IsAbsolute: ['b', absolute] }
        : of.endsWith('.Keyboard')
          ? { Modifiers: ['u', modifiers] }
          : {};
    return variants(properties);
  }
}

export function variants(properties: Record<string, [string, BusValue]>): ReadonlyMap<BusValue, BusValue> {
  return new Map(
    Object.entries(properties).map(([name, [signature, value]]) => [name, { signature, value }]),
  );
}

function message(member: string, signature: string, values: readonly BusValue[]): BusMessage {
  const suffix = member.endsWith('Map')
    ? '.Unix.Map'
    : member === 'ScanoutDMABUF2'
      ? '.Unix.ScanoutDMABUF2'
      : '';
  return { path: LISTENER_PATH, interface: `${LISTENER}${suffix}`, member, signature, values };
}
