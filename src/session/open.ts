import * as fs from 'node:fs';
import type { Log } from '../log';
import { isNativeError } from '../native';
import { DirectSession } from './direct';
import { SeatSession } from './seat';
import { SessionError, type Session } from './session';

/**
 * The seat of the manager that LIBSEAT_BACKEND names; else of the first that is there; else none: then devices are
 * opened directly. Throws {@link SessionError}.
 */
export async function openSession(log: Log, onLost: (error: Error) => void): Promise<Session> {
  const named = process.env.LIBSEAT_BACKEND;
  const backends = named === undefined || named === '' ? backendsHere() : [named];
  for (const backend of backends) {
    try {
      const session = await SeatSession.open(backend, onLost);
      log.info(`session: ${session.name}`);
      return session;
    } catch (error) {
      if (!isNativeError(error)) throw error;
      if (backend === named) {
        throw new SessionError(
          `LIBSEAT_BACKEND is ${backend}, but that does not let us in (${error.code}): start it, or unset the variable`,
          { cause: error },
        );
      }
      if (error.code === 'EACCES')
        log.warning(`${seatdSocket()} is not for this user: add it to the group that owns the socket`);
      else log.debug(`session: not by ${backend}: ${error.code}`);
    }
  }
  log.info('session: no seat manager: devices are opened directly, virtual terminals are left alone');
  return new DirectSession();
}

/** In the order in which they are tried. A seat of our own (builtin) takes the terminal we were started on, if any. */
function backendsHere(): string[] {
  const backends: string[] = [];
  if (fs.existsSync(seatdSocket())) backends.push('seatd');
  if (fs.existsSync('/run/systemd/seats')) backends.push('logind');
  if (process.getuid?.() === 0 && isVirtualTerminal(0)) backends.push('builtin');
  return backends;
}

function seatdSocket(): string {
  return process.env.SEATD_SOCK ?? '/run/seatd.sock';
}

/** Whether a descriptor is /dev/tty1 to tty63: https://docs.kernel.org/admin-guide/devices.html */
function isVirtualTerminal(fd: number): boolean {
  try {
    const { rdev } = fs.fstatSync(fd);
    const [major, minor] = [(rdev >> 8) & 0xfff, rdev & 0xff];
    return major === 4 && minor >= 1 && minor <= 63;
  } catch {
    return false;
  }
}
