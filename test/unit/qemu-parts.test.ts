import { Conditions, endOf } from '../../src/guest/qemu/conditions';
import { bytesOfPixman, fourccOfPixman } from '../../src/guest/qemu/formats';
import { printable } from '../../src/guest/qemu/words';
import { fourccName } from '../../src/fourcc';

test.each([
  [0x20020888, 'XR24', 4],
  [537004168, 'XR24', 4],
  [0x20028888, 'AR24', 4],
  [0x20030888, 'XB24', 4],
  [0x10020565, 'RG16', 2],
  [0x18020888, 'RG24', 3],
])('pixman %p is %s', (pixman, code, bytes) => {
  expect(fourccName(fourccOfPixman(pixman)!)).toBe(code);
  expect(bytesOfPixman(pixman)).toBe(bytes);
});

test('other pixman formats are none', () => {
  for (const format of [0, 1, 0x08018000, 0x20020889, 0xffffffff]) {
    expect(fourccOfPixman(format)).toBeUndefined();
  }
});

test("a stranger's words are fit for a log line", () => {
  expect(printable('a\n\u001b[1m\u202eb\u0000\u2028c\ud800')).toBe('a??[1m?b??c?');
  expect(printable('x'.repeat(500))).toHaveLength(121);
  expect(printable('Fenêtre 窓')).toBe('Fenêtre 窓');
});

test('a guest that crashed, or has shut down, is not merely paused', () => {
  const conditions = new Conditions();
  expect(conditions.status('no such state')).toBe('running');
  expect(conditions.event('STOP', {})).toBe('paused');
  expect(conditions.event('STOP', {})).toBeUndefined();
  expect(conditions.event('GUEST_PANICKED', {})).toBe('crashed');
  expect(conditions.event('STOP', {})).toBeUndefined();
  expect(conditions.drawn()).toBeUndefined();
  expect(conditions.event('RESET', {})).toBe('restarting');
  expect(conditions.drawn()).toBe('running');
  expect(conditions.event('SOMETHING_NEW', {})).toBeUndefined();
  expect(conditions.event('SHUTDOWN', { guest: true })).toBe('shut down');
});

test('a guest that crashed is not said to have shut down when QEMU ends it for that', () => {
  const conditions = new Conditions();
  expect(conditions.event('GUEST_PANICKED', {})).toBe('crashed');
  expect(conditions.event('SHUTDOWN', { guest: true, reason: 'guest-panic' })).toBeUndefined();
  expect(endOf(conditions.now)).toBe('the guest has crashed');
});
