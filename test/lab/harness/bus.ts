import * as path from 'node:path';
import { native } from '../../../src/native';
import { Child, type Exit } from './child';
import { scratch } from './daemon';
import { eventually } from './eventually';

/** A D-Bus bus of its own: for QEMUs that are on one, and the daemon. */
export class Bus {
  readonly #child: Child;

  private constructor(private readonly socket: string) {
    this.#child = new Child('dbus-daemon', ['--session', '--nofork', `--address=${this.address}`]);
  }

  static async start(): Promise<Bus> {
    const bus = new Bus(path.join(scratch(), 'bus'));
    // Its socket is there a moment before it takes connections.
    await eventually(() => {
      native.connect(bus.socket).close();
    });
    return bus;
  }

  get address(): string {
    return `unix:path=${this.socket}`;
  }

  stop(): Promise<Exit> {
    this.#child.kill('SIGTERM');
    return this.#child.ended();
  }
}
