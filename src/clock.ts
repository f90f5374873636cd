import { performance } from 'node:perf_hooks';

/** Between performance.now() and CLOCK_MONOTONIC, which the kernel stamps flip events with. */
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** CLOCK_MONOTONIC in milliseconds, without the allocations of process.hrtime. */
export function monotonic(): number {
  return performance.now() + OFFSET;
}
