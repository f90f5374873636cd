import { performance } from 'node:perf_hooks';

/** Between performance.now() and CLOCK_MONOTONIC, which the kernel stamps flip events with. */
const OFFSET = Math.max(...Array.from({ length: 5 }, offset));

/** Too small by the time between the two readings, which cold code makes long: the largest of a few is right. */
function offset(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now();
}

/** CLOCK_MONOTONIC in milliseconds, without the allocations of process.hrtime. */
export function monotonic(): number {
  return performance.now() + OFFSET;
}
