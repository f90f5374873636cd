import * as fs from 'node:fs';
import { Child } from './child';

const SOCKET = '/run/seatd.sock';

/** seatd, for users of one group. */
export class Seatd {
  private constructor(private readonly child: Child) {}

  /** `vt`: sessions are bound to virtual terminals; otherwise they are numbered as they come. */
  static async start(group: string, vt: boolean): Promise<Seatd> {
    fs.rmSync(SOCKET, { force: true });
    const child = new Child('seatd', ['-g', group, '-l', 'debug'], { SEATD_VTBOUND: vt ? '1' : '0' });
    await child.said(/seatd started/);
    return new Seatd(child);
  }

  /** Sessions in the order in which they came. */
  get sessions(): number[] {
    return this.child.stderr.flatMap((line) => {
      const session = /Added client (\d+) to seat0/.exec(line)?.[1];
      return session === undefined ? [] : [Number(session)];
    });
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.child.ended();
    fs.rmSync(SOCKET, { force: true });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.ended();
    fs.rmSync(SOCKET, { force: true });
  }
}
