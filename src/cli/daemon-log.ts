import type { Logger } from 'winston';
import type { LogLevel } from '../config/config';
import type { Log } from '../log';

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly time: Date;
}

/** The daemon's log. Loading winston takes a while and the monitors come first: until `open`, lines are kept. */
export class DaemonLog implements Log {
  #logger: Logger | undefined;
  #closed = false;
  readonly #kept: Line[] = [];

  constructor(private readonly level: LogLevel) {}

  error(message: string): void {
    this.#say('error', message);
  }
  warning(message: string): void {
    this.#say('warning', message);
  }
  notice(message: string): void {
    this.#say('notice', message);
  }
  info(message: string): void {
    this.#say('info', message);
  }
  debug(message: string): void {
    this.#say('debug', message);
  }

  /** Writes what was kept, and from now on every line at once. */
  async open(): Promise<Logger> {
    if (this.#logger) return this.#logger;
    const { makeLogger } = await import('./logger.js');
    const logger = makeLogger(this.level);
    this.#logger = logger;
    for (const line of this.#kept.splice(0)) logger.log(line);
    return logger;
  }

  /** Resolves when everything has been written. What is said later goes to stderr as it is. */
  async close(): Promise<void> {
    const logger = await this.open();
    this.#closed = true;
    await new Promise((resolve) => logger.once('finish', resolve).end());
  }

  #say(level: LogLevel, message: string): void {
    const line = { level, message, time: new Date() };
    if (this.#closed) process.stderr.write(`${level}: ${message}\n`);
    else if (this.#logger) this.#logger.log(line);
    else this.#kept.push(line);
  }
}
