import { monotonic } from '../../src/clock';
import { Alarm } from '../../src/input/alarm';
import { turn, until } from './support/wire';

let rung: number[];
let alarm: Alarm;
beforeEach(() => {
  rung = [];
  alarm = new Alarm((now) => rung.push(now));
});
afterEach(() => {
  alarm.clear();
});

test('an alarm rings once its time has passed, and once only', async () => {
  const at = monotonic() + 20;
  alarm.set(at);
  await until(() => rung.length > 0);
  expect(rung[0]).toBeGreaterThan(at);
  await turn(50);
  expect(rung).toHaveLength(1);
});

test('an alarm that is put off rings later, one that is put forward sooner', async () => {
  alarm.set(monotonic() + 10);
  const later = monotonic() + 60;
  alarm.set(later);
  await until(() => rung.length > 0);
  expect(rung[0]).toBeGreaterThan(later);
  alarm.set(monotonic() + 1e6);
  alarm.set(monotonic() + 10);
  await until(() => rung.length > 1);
});

test('an alarm that is not wanted any more is silent', async () => {
  alarm.set(monotonic() + 10);
  alarm.set(Infinity);
  await turn(40);
  alarm.set(monotonic() + 10);
  alarm.clear();
  await turn(40);
  expect(rung).toEqual([]);
  alarm.set(monotonic() + 10);
  await until(() => rung.length > 0);
});
