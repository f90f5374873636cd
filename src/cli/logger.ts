import * as winston from 'winston';
import type { LogLevel } from '../config/config';

/** Syslog priorities by level: the journal reads them from `<N>` before a line (sd-daemon(3)). */
const PRIORITY: Readonly<Record<string, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };
const COLOURS: Readonly<Record<string, string>> = { error: '31', warning: '33', notice: '36', debug: '90' };

/** Writes lines of {@link DaemonLog} to stderr: with priorities for the journal, with time elsewhere, in colour on a terminal. */
export function makeLogger(level: LogLevel): winston.Logger {
  const journal = process.env.JOURNAL_STREAM !== undefined;
  const colour = process.stderr.isTTY && process.env.NO_COLOR === undefined;
  return winston.createLogger({
    level,
    levels: winston.config.syslog.levels,
    format: winston.format.printf((info) => {
      const line = String(info.message).replaceAll('\n', ' ');
      if (journal) return `<${PRIORITY[info.level] ?? 6}>${line}`;
      const code = COLOURS[info.level];
      const name = colour && code !== undefined ? `\x1b[${code}m${info.level}\x1b[0m` : info.level;
      return `${(info.time as Date).toISOString().slice(11, 23)} ${name}: ${line}`;
    }),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types it as an interface
    transports: [new winston.transports.Console({ stderrLevels: Object.keys(PRIORITY) })],
  });
}
