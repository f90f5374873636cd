import { native, type Native, type NativeSeat } from '../../src/native';
import { openSession } from '../../src/session/open';
import { SessionError, type Session } from '../../src/session/session';
import { fakeLog } from './support/fake-card';

type OnActive = Parameters<Native['openSeat']>[0];
type OnLost = Parameters<Native['openSeat']>[1];

let seat: {
  readonly native: { [name in keyof NativeSeat]: NativeSeat[name] extends string ? string : jest.Mock };
  active: OnActive;
  lost: OnLost;
};
const lost: string[] = [];
const onLost = (error: Error): void => void lost.push(error.message);
const environment = { ...process.env };

beforeEach(() => {
  lost.length = 0;
  process.env.LIBSEAT_BACKEND = 'seatd';
  jest.spyOn(native, 'openSeat').mockImplementation((active, gone) => {
    const fake = {
      name: 'seat0',
      openDevice: jest.fn(() => 7),
      closeDevice: jest.fn(),
      disable: jest.fn(() => 0),
      switchTo: jest.fn((vt: number) => (vt === 63 ? -22 : 0)),
      close: jest.fn(),
    };
    seat = { native: fake, active, lost: gone };
    return fake;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  process.env = { ...environment };
});

async function open(): Promise<Session> {
  const opening = openSession(fakeLog(), onLost);
  seat.active(true);
  return opening;
}

test('a seat is ready when it is active, and passes on what is asked of it', async () => {
  const session = await open();
  expect(session.name).toBe('seatd, seat0');
  expect(session.active).toBe(true);
  expect(session.openDevice('/dev/input/event1', 2)).toBe(7);
  session.closeDevice(7);
  expect(seat.native.closeDevice).toHaveBeenCalledWith(7);
  expect(session.switchTo(2)).toBeUndefined();
  expect(session.switchTo(63)).toBe('the seat manager refuses (EINVAL)');
  session.close();
  expect(seat.native.close).toHaveBeenCalledTimes(1);
});

test('what uses the devices has let go of them before the next session is let in', async () => {
  const session = await open();
  const order: string[] = [];
  session.onActive((active) => order.push(active ? 'active' : 'inactive'));
  seat.native.disable.mockImplementation(() => order.push('acknowledged') && 0);
  seat.active(false);
  expect(session.active).toBe(false);
  seat.active(true);
  seat.active(true);
  expect(order).toEqual(['inactive', 'acknowledged', 'active']);
});

test('a seat manager that goes is told of', async () => {
  await open();
  seat.lost(32);
  expect(lost).toEqual(['the seat manager (seatd) has gone: EPIPE']);
});

test('a seat that another session has is an error, once it was waited for', async () => {
  jest.useFakeTimers();
  try {
    const opening = expect(openSession(fakeLog(), onLost)).rejects.toThrow(SessionError);
    await jest.advanceTimersByTimeAsync(5000);
    await opening;
    expect(seat.native.close).toHaveBeenCalled();
  } finally {
    jest.useRealTimers();
  }
});

describe('without a seat manager', () => {
  beforeEach(() => {
    jest.spyOn(native, 'openSeat').mockImplementation(() => {
      throw Object.assign(new Error('ENOENT: libseat_open_seat'), {
        errno: -2,
        code: 'ENOENT',
        syscall: 'libseat_open_seat',
      });
    });
  });

  test('devices are opened directly', async () => {
    delete process.env.LIBSEAT_BACKEND;
    const session = await openSession(fakeLog(), onLost);
    expect(session.active).toBe(true);
    expect(session.openDevice('/nope', 0)).toBe(-2);
    const fd = session.openDevice('/dev/null', 0);
    session.closeDevice(fd);
    expect(session.switchTo(1)).toMatch(/^there is no seat manager/);
    session.close();
  });

  test('one that was asked for by name is an error', async () => {
    await expect(openSession(fakeLog(), onLost)).rejects.toThrow(
      'LIBSEAT_BACKEND is seatd, but that does not let us in (ENOENT): start it, or unset the variable',
    );
  });
});
