import { getSystemErrorName } from 'node:util';
import { native, type NativeSeat } from '../native';
import { SessionError, type Session } from './session';

/** Seat managers answer at once, unless another session is in front. */
const ACTIVE_MS = 3000;

/** A seat of libseat: devices are opened for us, taken away when another session comes to the front, and given back. */
export class SeatSession implements Session {
  readonly #seat: NativeSeat;
  readonly #listeners: ((active: boolean) => void)[] = [];
  #active = false;

  private constructor(
    private readonly backend: string,
    onLost: (error: Error) => void,
  ) {
    // libseat has no other way to be told which back end to use.
    process.env.LIBSEAT_BACKEND = backend;
    this.#seat = native.openSeat(
      (active) => {
        this.#changed(active);
      },
      (errno) => {
        onLost(new Error(`the seat manager (${backend}) has gone: ${getSystemErrorName(-errno)}`));
      },
    );
  }

  /**
   * Opens a seat and waits until it is ours. Throws a NativeError where there is no such seat manager, a
   * {@link SessionError} where it does not let us in.
   */
  static async open(backend: string, onLost: (error: Error) => void): Promise<SeatSession> {
    const session = new SeatSession(backend, onLost);
    if (!(await session.#becomesActive())) {
      session.close();
      throw new SessionError(
        `another session has ${session.#seat.name}: switch to a free virtual terminal, or stop what runs there, and start again`,
      );
    }
    return session;
  }

  get name(): string {
    return `${this.backend}, ${this.#seat.name}`;
  }

  get active(): boolean {
    return this.#active;
  }

  openDevice(path: string): number {
    return this.#seat.openDevice(path);
  }

  closeDevice(fd: number): void {
    this.#seat.closeDevice(fd);
  }

  switchTo(vt: number): string | undefined {
    const result = this.#seat.switchTo(vt);
    return result < 0 ? `the seat manager refuses (${getSystemErrorName(result)})` : undefined;
  }

  onActive(listener: (active: boolean) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#listeners.length = 0;
    this.#seat.close();
  }

  #changed(active: boolean): void {
    if (active !== this.#active) {
      this.#active = active;
      for (const listener of this.#listeners) listener(active);
    }
    // Until this is said the next session waits.
    if (!active) this.#seat.disable();
  }

  #becomesActive(): Promise<boolean> {
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        resolve(false);
      }, ACTIVE_MS);
      this.#listeners.push((active) => {
        if (!active) return;
        clearTimeout(late);
        this.#listeners.length = 0;
        resolve(true);
      });
    });
  }
}
