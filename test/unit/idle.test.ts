import { Idle } from '../../src/input/idle';

test('is idle after so long without a sign, and not any more at the next', () => {
  jest.useFakeTimers();
  const told: boolean[] = [];
  const idle = new Idle(1000, (now) => told.push(now));
  jest.advanceTimersByTime(900);
  idle.active();
  jest.advanceTimersByTime(900);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(100);
  expect(told).toEqual([true]);
  jest.advanceTimersByTime(5000);
  idle.active();
  idle.active();
  expect(told).toEqual([true, false]);
  jest.advanceTimersByTime(1000);
  expect(told).toEqual([true, false, true]);
  idle.active();
  idle.close();
  jest.advanceTimersByTime(5000);
  expect(told).toEqual([true, false, true, false]);
  jest.useRealTimers();
});
