/** Long enough for an emulated machine on a loaded host; only a failure waits so long. */
export const PATIENCE_SECONDS = 120;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What no waiting will mend. */
export class Hopeless extends Error {}

/** Tries until `probe` throws no more, and returns what it returned; after the deadline, throws what it threw last. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  seconds = PATIENCE_SECONDS,
  periodMs = 50,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (error instanceof Hopeless || Date.now() > deadline) throw error;
    }
    await pause(periodMs);
  }
}

/** `promise`, or an error that says what did not come in time. */
export function within<T>(what: string, promise: Promise<T>, seconds = PATIENCE_SECONDS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: not within ${seconds} s`));
    }, seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}
