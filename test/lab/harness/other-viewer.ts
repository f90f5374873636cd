import * as fs from 'node:fs';
import { Bus } from '../../../src/dbus/bus';
import { EXCHANGE_BYTES, native, type NativeSocket } from '../../../src/native';
import { atTestEnd } from './cleanup';
import { eventually } from './eventually';

/** Another program that asks QEMU for its peer-to-peer display, by a QMP socket of its own: who had it loses it. */
export class OtherViewer {
  /** QEMU has ended the connection: somebody else has it. */
  lost = false;

  private constructor(
    private readonly qmp: NativeSocket,
    readonly display: Bus,
  ) {
    atTestEnd(() => {
      this.close();
    });
    display.onClosed(() => {
      this.lost = true;
    });
  }

  static async take(path: string): Promise<OtherViewer> {
    const qmp = native.connect(path);
    let heard = '';
    qmp.onData((length) => {
      heard += Buffer.from(native.exchange, 0, Math.min(Math.max(length, 0), EXCHANGE_BYTES)).toString();
    });
    const [near, far] = native.fdPair();
    const viewer = new OtherViewer(qmp, new Bus({ fd: near, side: 'client' }));
    const execute = async (id: number, command: string, args: object, fds: number[] = []): Promise<void> => {
      qmp.send(Buffer.from(`${JSON.stringify({ execute: command, arguments: args, id })}\n`), fds);
      const answer = await eventually(() => {
        const line = heard.split('\n').find((text) => text.includes(`"id": ${id}`));
        if (line === undefined) throw new Error(`no answer to ${command} in: ${heard}`);
        return line;
      });
      if (!answer.includes('"return"')) throw new Error(`${command}: ${answer}`);
    };
    await execute(1, 'qmp_capabilities', {});
    await execute(2, 'getfd', { fdname: 'other' }, [far]);
    fs.closeSync(far);
    await execute(3, 'add_client', { protocol: '@dbus-display', fdname: 'other' });
    return viewer;
  }

  /** What QEMU calls its machine: that the connection is of use. */
  async name(): Promise<unknown> {
    const [value] = await this.display.call({
      path: '/org/qemu/Display1/VM',
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      values: ['org.qemu.Display1.VM', 'Name'],
    });
    return (value as { value: unknown }).value;
  }

  close(): void {
    this.display.close();
    this.qmp.close();
  }
}
