import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { eventually } from './eventually';

const run = promisify(execFile);

/** A virtual card made through configfs. Connectors count from 0, as `panels` has them. */
export class Panels {
  private constructor(readonly name: string) {}

  /** The three panels every lab starts with. */
  static readonly lab = new Panels('lab');

  /** Another card. `reach`: of an encoder, its CRTCs. */
  static async create(
    name: string,
    shape: {
      connectors: number;
      crtcs: number;
      reach?: readonly string[];
      unplugged?: boolean;
      writeback?: boolean;
    },
  ): Promise<Panels> {
    const reach = (shape.reach ?? []).flatMap((pair) => ['--reach', pair]);
    await run('panels', [
      ...['create', name, '--connectors', `${shape.connectors}`, '--crtcs', `${shape.crtcs}`, ...reach],
      ...(shape.unplugged ? ['--unplugged'] : []),
      ...(shape.writeback === false ? ['--no-writeback'] : []),
    ]);
    const panels = new Panels(name);
    await eventually(() => {
      fs.accessSync(panels.device);
    });
    return panels;
  }

  async remove(): Promise<void> {
    await run('panels', ['remove', this.name]);
  }

  async plug(...connectors: number[]): Promise<void> {
    for (const connector of connectors) await run('panels', ['plug', `${connector}`, this.name]);
  }

  async unplug(...connectors: number[]): Promise<void> {
    for (const connector of connectors) await run('panels', ['unplug', `${connector}`, this.name]);
  }

  /** N of /dev/dri/cardN. */
  get minor(): number {
    const folder = `/sys/devices/faux/${this.name}/drm`;
    const card = fs.readdirSync(folder).find((entry) => /^card\d+$/.test(entry));
    if (card === undefined) throw new Error(`no card in ${folder}`);
    return Number(card.slice(4));
  }

  get device(): string {
    return `/dev/dri/card${this.minor}`;
  }

  /** Names of the connectors, in order: the kernel numbers them over all cards. */
  get connectors(): string[] {
    const prefix = `card${this.minor}-`;
    return fs
      .readdirSync(`/sys/devices/faux/${this.name}/drm/card${this.minor}`)
      .filter((entry) => entry.startsWith(`${prefix}Virtual-`))
      .map((entry) => entry.slice(prefix.length))
      .sort((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]));
  }
}
