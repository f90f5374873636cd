import { native } from '../native';

const EAGAIN = -11;
const RETRY_MS = 100;
/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;

type Environment = Record<string, string | undefined>;

/** A file descriptor that the service manager kept for us. */
export interface KeptFd {
  readonly name: string;
  readonly fd: number;
}

/**
 * The service manager that started us, if one did: is told how we are, and keeps file descriptors while we are not
 * there. https://www.freedesktop.org/software/systemd/man/sd_notify.html, sd_listen_fds.html
 */
export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #kept: readonly KeptFd[];
  readonly #watchdogMs: number;
  #watchdog: NodeJS.Timeout | undefined;
  #status = '';

  /** Takes what is meant for this process alone out of the environment. */
  constructor(environment: Environment = process.env, pid = process.pid) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } =
      environment;
    for (const name of [
      'NOTIFY_SOCKET',
      'WATCHDOG_USEC',
      'WATCHDOG_PID',
      'LISTEN_PID',
      'LISTEN_FDS',
      'LISTEN_FDNAMES',
    ])
      Reflect.deleteProperty(environment, name);
    this.#socket = NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET;
    const watched = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
    this.#watchdogMs = watched ? (Number(WATCHDOG_USEC) || 0) / 1000 : 0;
    const count = Number(LISTEN_PID) === pid ? Number(LISTEN_FDS) || 0 : 0;
    const names = LISTEN_FDNAMES?.split(':') ?? [];
    this.#kept = Array.from({ length: count }, (_, index) => ({
      name: names[index] ?? '',
      fd: FIRST_FD + index,
    }));
  }

  /** Whether there is one that listens. */
  get listens(): boolean {
    return this.#socket !== undefined;
  }

  /** What was kept for us; each is the caller's to close. */
  get kept(): readonly KeptFd[] {
    return this.#kept;
  }

  /** Start-up is done; from now on the watchdog is fed, by the event loop that has to turn. */
  ready(): void {
    this.#send('READY=1');
    if (this.#watchdogMs <= 0) return;
    this.#watchdog = setInterval(() => {
      this.#send('WATCHDOG=1');
    }, this.#watchdogMs / 2).unref();
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#send(`STATUS=${text}`);
  }

  stopping(): void {
    clearInterval(this.#watchdog);
    this.#send('STOPPING=1');
  }

  /** Keeps a file open until `drop`, or until the service is stopped for good. */
  keep(name: string, fd: number): void {
    this.#send(`FDSTORE=1\nFDNAME=${name}`, [fd]);
  }

  drop(name: string): void {
    this.#send(`FDSTOREREMOVE=1\nFDNAME=${name}`);
  }

  #send(state: string, fds: readonly number[] = []): void {
    if (this.#socket === undefined) return;
    // Its queue may be full; nothing else that goes wrong here can be helped.
    if (native.notify(this.#socket, state, fds) === EAGAIN)
      setTimeout(() => {
        this.#send(state, fds);
      }, RETRY_MS).unref();
  }
}
