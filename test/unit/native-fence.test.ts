import * as fs from 'node:fs';
import { native } from '../../src/native';
import { openFds, until } from './support/wire';

// A pipe is as readable as a dma-buf: once something has been written.
let pipe: [number, number];
let before: number;
beforeEach(() => {
  before = openFds().length;
  pipe = native.fdPair();
});
afterEach(async () => {
  for (const fd of pipe) fs.closeSync(fd);
  await until(() => openFds().length <= before);
});

test('asks without waiting', () => {
  expect(native.fencesSignalled(pipe[0])).toBe(false);
  fs.writeSync(pipe[1], 'x');
  expect(native.fencesSignalled(pipe[0])).toBe(true);
});

test('what cannot be asked is not waited for', () => {
  const file = fs.openSync('/dev/null', 'r');
  expect(native.fencesSignalled(file)).toBe(true);
  fs.closeSync(file);
  expect(native.fencesSignalled(9999)).toBe(true);
});

test('calls back once, when all have signalled, and keeps nothing open', async () => {
  const other = native.fdPair();
  let calls = 0;
  const wait = native.awaitFences([pipe[0], other[0]], () => calls++);
  fs.writeSync(pipe[1], 'x');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(calls).toBe(0);
  fs.writeSync(other[1], 'x');
  await until(() => calls === 1);
  wait.close();
  wait.close();
  for (const fd of other) fs.closeSync(fd);
});

test('does not call back once it is closed', async () => {
  let calls = 0;
  const wait = native.awaitFences([pipe[0]], () => calls++);
  fs.writeSync(pipe[1], 'x');
  wait.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(calls).toBe(0);
});

test('refuses what is no descriptor', () => {
  expect(() => native.awaitFences([-1], () => undefined)).toThrow('fds must be an integer');
  expect(() => native.awaitFences([9999], () => undefined)).toThrow(
    expect.objectContaining({ code: 'EBADF' }) as Error,
  );
});
