/** The right to use this machine's displays and input devices, for as long as it is ours: a seat, or our own files. */
export interface Session {
  /** Who gives us the devices, for the log. */
  readonly name: string;
  /** Whether devices may be used now: another session is in front otherwise. */
  readonly active: boolean;
  /** An fd, or `-errno`. */
  openDevice(path: string, flags: number): number;
  closeDevice(fd: number): void;
  /** Brings another virtual terminal to the front. Returns what keeps it from that, in words. */
  switchTo(vt: number): string | undefined;
  /** Calls back whenever `active` changes. When it has become false, devices must be left alone on return. */
  onActive(listener: (active: boolean) => void): void;
  close(): void;
}

/** No session could be had, and what to do about it. */
export class SessionError extends Error {
  override name = 'SessionError';
}
