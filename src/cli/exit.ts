/** Exit codes, after sysexits.h and LSB where they have one. */
export const Exit = {
  OK: 0,
  FAILURE: 1,
  USAGE: 2,
  NOT_RUNNING: 3,
  UNAVAILABLE: 69,
  RETRY: 75,
  NO_PERMISSION: 77,
  BAD_CONFIG: 78,
} as const;

/** A failure the user is told in one line, with the code the process ends with. */
export class Failure extends Error {
  override name = 'Failure';
  constructor(
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
