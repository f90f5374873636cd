import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * Exporters whose buffers are plain rows, whatever the modifier does not say: memory of processes (udmabuf) and the
 * system heap. QEMU (10.1 and later) sends the first with an implicit modifier.
 */
const LINEAR_EXPORTERS = new Set(['udmabuf', 'system']);

/** What the kernel calls every DRM driver that does not export by code of its own: drivers/gpu/drm/drm_prime.c. */
const ANY_DRM_DRIVER = 'drm';

/** Who made a dma-buf; '' for any other file: https://docs.kernel.org/filesystems/proc.html (fdinfo of DMA buffers). */
export function exporterOf(fd: number): string {
  try {
    const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    return /^exp_name:\s*(\S+)/m.exec(info)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Whether all of them make nothing but plain rows. */
export function makeRows(exporters: readonly string[]): boolean {
  return exporters.every((exporter) => LINEAR_EXPORTERS.has(exporter));
}

/** A card that is to read a buffer. */
export interface Reader {
  readonly driver: string;
  /** No other device has a GPU: see {@link hasOtherGpu}. */
  readonly alone: boolean;
}

/**
 * Whether a device other than a card's (`card0`) has a GPU, which lays buffers out in ways of its own. What has none,
 * like the video of a server's management controller, has no render node, and makes plain rows:
 * https://docs.kernel.org/gpu/drm-uapi.html#render-nodes
 */
export function hasOtherGpu(card: string, folder = '/sys/class/drm'): boolean {
  const deviceOf = (node: string): string => fs.realpathSync(path.join(folder, node, 'device'));
  try {
    const own = deviceOf(card);
    return fs.readdirSync(folder).some((node) => node.startsWith('renderD') && deviceOf(node) !== own);
  } catch {
    // One that goes in the middle of it: nobody knows.
    return true;
  }
}

/**
 * Whether a card knows how a buffer without a modifier lies in memory: one of plain rows, or one of its own making,
 * whose layout its driver remembers. `exporters`: of all its planes. Of a buffer that any DRM driver may have made it
 * knows that only where there is no other GPU.
 */
export function knowsLayout({ driver, alone }: Reader, exporters: readonly string[]): boolean {
  return exporters.every(
    (exporter) => makeRows([exporter]) || exporter === driver || (exporter === ANY_DRM_DRIVER && alone),
  );
}
