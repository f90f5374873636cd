import type * as fs from 'node:fs';
import { native, type NativeCard } from '../../src/native';
import { Handover } from '../../src/session/handover';
import { ServiceManager } from '../../src/session/service-manager';

// The descriptors that are handed over have fixed numbers, which in here are others' files.
jest.mock('node:fs', () => ({
  ...jest.requireActual<typeof fs>('node:fs'),
  closeSync: (fd: number): void => void mockClosed.push(fd),
}));
const mockClosed: number[] = [];

let sent: { state: string; fds: readonly number[] }[];
let results: number[];
beforeEach(() => {
  sent = [];
  results = [];
  jest.spyOn(native, 'notify').mockImplementation((path, state, fds = []) => {
    expect(path).toBe('/run/notify');
    sent.push({ state, fds });
    return results.shift() ?? 0;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const states = (): string[] => sent.map(({ state }) => state);
const manager = (environment: Record<string, string> = {}): ServiceManager =>
  new ServiceManager({ NOTIFY_SOCKET: '/run/notify', ...environment }, 42);

describe('a service manager', () => {
  test('is told how we are, each thing once', () => {
    const listening = manager();
    listening.ready();
    listening.status('2 outputs lit');
    listening.status('2 outputs lit');
    listening.status('1 outputs lit');
    listening.stopping();
    expect(states()).toEqual(['READY=1', 'STATUS=2 outputs lit', 'STATUS=1 outputs lit', 'STOPPING=1']);
  });

  test('that is not there is told nothing', () => {
    const nobody = new ServiceManager({}, 42);
    nobody.ready();
    nobody.keep('card', 1);
    expect(nobody.listens).toBe(false);
    expect(nobody.kept).toEqual([]);
    expect(sent).toEqual([]);
  });

  test('that is busy is told again', () => {
    jest.useFakeTimers();
    results = [-11, -11];
    manager().ready();
    jest.advanceTimersByTime(1000);
    expect(states()).toEqual(['READY=1', 'READY=1', 'READY=1']);
  });

  test.each([
    ['WATCHDOG_USEC alone', { WATCHDOG_USEC: '2000000' }, 3],
    ['for this process', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '42' }, 3],
    ['for another', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '41' }, 0],
    ['nonsense', { WATCHDOG_USEC: 'soon' }, 0],
  ])('has its watchdog fed by the event loop: %s', (_name, environment, fed) => {
    jest.useFakeTimers();
    manager(environment).ready();
    jest.advanceTimersByTime(3500);
    expect(states().filter((state) => state === 'WATCHDOG=1')).toHaveLength(fed);
  });

  test('hands over what it kept, to the process it is meant for, and to nobody that process starts', () => {
    const environment = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'card-1:card-2' };
    const mine = { NOTIFY_SOCKET: '/run/notify', ...environment };
    expect(new ServiceManager(mine, 42).kept).toEqual([
      { name: 'card-1', fd: 3 },
      { name: 'card-2', fd: 4 },
      { name: '', fd: 5 },
    ]);
    expect(mine).toEqual({});
    expect(manager({ ...environment, LISTEN_PID: '41' }).kept).toEqual([]);
  });
});

describe('a hand-over', () => {
  let cards: { fd: number | undefined; dropped: boolean; closed: boolean }[];
  beforeEach(() => {
    cards = [];
    mockClosed.length = 0;
    jest.spyOn(native, 'openCard').mockImplementation((_path, fd) => {
      if (fd === 9) throw new Error('no card any more');
      const card = { fd, dropped: false, closed: false };
      cards.push(card);
      const fake: Partial<NativeCard> = {
        dropMaster: () => {
          card.dropped = true;
          return 0;
        },
        close: () => {
          card.closed = true;
        },
      };
      return fake as NativeCard;
    });
  });
  const kept = (...names: string[]): ServiceManager =>
    manager({ LISTEN_PID: '42', LISTEN_FDS: `${names.length}`, LISTEN_FDNAMES: names.join(':') });

  test('keeps the card, and the predecessor’s until our own pictures are there', () => {
    const handover = new Handover(kept('card-7'), true);
    expect(handover.taking).toBe(true);
    expect(cards).toEqual([{ fd: 3, dropped: true, closed: false }]);
    expect(mockClosed).toEqual([3]);
    handover.store('card1', 20);
    expect(handover.keeping).toBe(true);
    expect(sent).toEqual([{ state: `FDSTORE=1\nFDNAME=card-${process.pid}-card1`, fds: [20] }]);
    handover.finish();
    handover.finish();
    expect(cards[0]?.closed).toBe(true);
    expect(states().slice(1)).toEqual(['FDSTOREREMOVE=1\nFDNAME=card-7']);
    expect(handover.taking).toBe(false);
  });

  test('where pictures are not to stay, lets go at once and keeps nothing', () => {
    const handover = new Handover(kept('card-7', 'card-8'), false);
    handover.store('card1', 20);
    expect([handover.taking, handover.keeping]).toEqual([false, false]);
    expect(cards.map((card) => card.closed)).toEqual([true, true]);
    expect(states()).toEqual(['FDSTOREREMOVE=1\nFDNAME=card-7', 'FDSTOREREMOVE=1\nFDNAME=card-8']);
  });

  test('lets go of what is no card of ours', () => {
    const handover = new Handover(kept('card-1', 'socket', 'a', 'b', 'c', 'd', 'card-9'), true);
    expect(cards.map(({ fd }) => fd)).toEqual([3]);
    expect(states()).toEqual(
      ['socket', 'a', 'b', 'c', 'd', 'card-9'].map((name) => `FDSTOREREMOVE=1\nFDNAME=${name}`),
    );
    expect(mockClosed).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(handover.taking).toBe(true);
  });

  test('without a service manager there is nobody to keep anything', () => {
    const handover = new Handover(new ServiceManager({}, 42), true);
    handover.store('card1', 20);
    expect([handover.taking, handover.keeping]).toEqual([false, false]);
  });
});
