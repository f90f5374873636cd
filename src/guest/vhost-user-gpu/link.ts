import * as fs from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../../error';
import type { Log } from '../../log';
import { isNativeError, native, type NativeListener, type NativeSocket } from '../../native';
import type { GuestHost, GuestLink } from '../sink';
import { removeStaleSocket } from '../../socket-file';
import { Connection } from './connection';

/** The socket is for the daemon's user and group: whoever can connect can put pictures on a monitor. */
const SOCKET_MODE = 0o660;

/** A guest that is started again may be here before its last process' end has been read: so long it may wait. */
const HANDOVER_MS = 250;

/** A guest's listening socket. Its process may connect, leave and come back at any time; one at a time. */
export class VhostUserGpuLink implements GuestLink {
  readonly kind = 'vhost-user-gpu';
  #listener: NativeListener | undefined;
  #connection: Connection | undefined;
  /** Came while another process was connected. */
  #next: NativeSocket | undefined;
  #handover: NodeJS.Timeout | undefined;

  constructor(
    readonly guest: string,
    readonly address: string,
    private readonly host: GuestHost,
    private readonly log: Log,
  ) {}

  /** Listens. Throws an Error in words for the user. */
  open(): void {
    try {
      fs.mkdirSync(path.dirname(this.address), { recursive: true, mode: 0o755 });
      removeStaleSocket(this.address);
      this.#listener = native.listen(this.address, SOCKET_MODE, (socket) => {
        this.#accept(socket);
      });
    } catch (error) {
      throw new Error(`guest ${this.guest}: cannot listen on ${this.address}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  shown(head: number, frame: number): void {
    this.#connection?.shown(head, frame);
  }

  refuse(head: number, reason: string): void {
    this.#connection?.close(`head ${head} cannot be shown: ${reason}`);
  }

  /** The protocol has no word for it: a guest asks when it wants to know. */
  displaysChanged(): void {
    return;
  }

  wanted(): void {
    return;
  }

  close(): void {
    this.#listener?.close();
    this.#next?.close();
    this.#next = undefined;
    clearTimeout(this.#handover);
    this.#connection?.close('kms-switcher stops');
  }

  #accept(socket: NativeSocket): void {
    if (!this.#connection) {
      this.#connect(socket);
    } else if (this.#next) {
      this.#turnAway(socket);
    } else {
      this.#next = socket;
      this.#handover = setTimeout(() => {
        this.#next = undefined;
        this.#turnAway(socket);
      }, HANDOVER_MS);
    }
  }

  #turnAway(socket: NativeSocket): void {
    this.log.warning(`guest ${this.guest}: ${describe(socket)} turned away: another process is connected`);
    socket.close();
  }

  #connect(socket: NativeSocket): void {
    this.log.info(`guest ${this.guest}: connected, ${describe(socket)}`);
    this.#connection = new Connection(
      this,
      socket,
      this.host,
      (reason) => {
        this.#connection = undefined;
        this.log.warning(`guest ${this.guest}: disconnected: ${reason}`);
        this.host.disconnected(this, reason);
        const next = this.#next;
        if (!next) return;
        clearTimeout(this.#handover);
        this.#next = undefined;
        this.#connect(next);
      },
      () =>
        this.log.warning(
          `guest ${this.guest}: sends more than can be shown: it is read more slowly from now on`,
        ),
    );
    this.host.connected(this);
  }
}

function describe(socket: NativeSocket): string {
  const { pid, uid } = socket.credentials();
  return `process ${pid} of user ${uid}`;
}

function reasonOf(error: unknown): string {
  if (isNativeError(error, 'EACCES') || isNativeError(error, 'EROFS')) {
    return 'no permission to make a socket there: choose another folder or start as its owner';
  }
  return messageOf(error);
}
