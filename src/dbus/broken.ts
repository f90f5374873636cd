import * as os from 'node:os';

const { EPROTO } = os.constants.errno;

/** The peer sent what no D-Bus peer may: the connection ends. The message says what, for a log line. */
export class Broken extends Error {
  override name = 'Broken';

  constructor(
    message: string,
    /** What the connection's end is told with. */
    readonly errno: number = EPROTO,
  ) {
    super(message);
  }
}

/** A message is well made, and more than anybody here takes: it is refused, and the connection goes on. */
export class TooMuch extends Error {
  override name = 'TooMuch';
}
