import * as fs from 'node:fs';

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
  /** There is no other DRM device. */
  readonly alone: boolean;
}

/**
 * Whether a card knows how a buffer without a modifier lies in memory: one of plain rows, or one of its own making,
 * whose layout its driver remembers. `exporters`: of all its planes. Of a buffer that any DRM driver may have made it
 * knows that only where there is no other.
 */
export function knowsLayout({ driver, alone }: Reader, exporters: readonly string[]): boolean {
  return exporters.every(
    (exporter) => makeRows([exporter]) || exporter === driver || (exporter === ANY_DRM_DRIVER && alone),
  );
}
