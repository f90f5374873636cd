import * as fs from 'node:fs';
import * as os from 'node:os';
import { isNativeError, native } from '../../src/native';

/** The addon as careless code sees it. */
const loose = native as unknown as Record<string, (...args: unknown[]) => unknown>;
const error = (shape: object): Error => expect.objectContaining(shape) as Error;

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (caught) {
    return caught;
  }
  throw new Error('did not throw');
}

describe('a system error', () => {
  test('looks like one of Node', () => {
    const ours = thrown(() => native.openCard('/nope'));
    const nodes = thrown(() => fs.openSync('/nope', 'r'));
    expect({ ...(ours as object) }).toEqual({ ...(nodes as object) });
    expect((ours as Error).message).toBe((nodes as Error).message);
    expect(isNativeError(ours, 'ENOENT')).toBe(true);
    expect(isNativeError(ours, 'EBUSY')).toBe(false);
    expect(isNativeError(new Error('other'))).toBe(false);
  });

  test('names the ioctl that a file refused', () => {
    expect(() => native.openCard('/dev/null')).toThrow(
      error({
        message: "ENOTTY: inappropriate ioctl for device, ioctl(DRM_IOCTL_VERSION) '/dev/null'",
        code: 'ENOTTY',
        errno: -os.constants.errno.ENOTTY,
        syscall: 'ioctl(DRM_IOCTL_VERSION)',
        path: '/dev/null',
      }),
    );
  });

  test('carries the file descriptor', () => {
    expect(() => native.mapDmabuf(999999, 1)).toThrow(
      error({
        message: 'EBADF: bad file descriptor, fcntl(F_DUPFD_CLOEXEC)',
        code: 'EBADF',
        syscall: 'fcntl(F_DUPFD_CLOEXEC)',
        fd: 999999,
      }),
    );
  });

  test('rejects what a worker did', async () => {
    await expect(native.writeDmabuf(0, 0, new Uint8Array(1))).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

describe('a file that is no dma-buf', () => {
  test('is not mapped, and nothing is kept of it', () => {
    const fd = fs.openSync(__filename, 'r');
    const before = fs.readdirSync('/proc/self/fd').length;
    expect(() => native.mapDmabuf(fd, 1)).toThrow(error({ code: 'EINVAL', fd }));
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(before);
    fs.closeSync(fd);
  });
});

describe('discard', () => {
  test('closes a descriptor, a moment later', async () => {
    const fd = fs.openSync(__filename, 'r');
    native.discard(fd);
    while (fs.existsSync(`/proc/self/fd/${fd}`)) await new Promise(setImmediate);
  });
});

describe('arguments', () => {
  const nothing = (): undefined => undefined;
  test.each<[string, unknown[], string]>([
    ['openCard', [], 'path must be a string'],
    ['openCard', [{}], 'path must be a string'],
    ['openCard', ['a\0b'], 'path must not contain null characters'],
    ['listen', ['/x', '0600', nothing], 'mode must be a number'],
    ['listen', ['/x', 0o10000, nothing], 'mode must be an integer from 0 to 4095'],
    ['listen', ['/x', 0o600], 'onConnection must be a function'],
    ['connect', [1], 'path must be a string'],
    ['watchUevents', ['drm'], 'callback must be a function'],
    ['openInput', ['seat0', null, nothing], 'devices must be an object'],
    ['openInput', ['seat0', { open: nothing }, nothing], 'devices.close must be a function'],
    ['createUinput', [undefined], 'name must be a string'],
    [
      'createUinput',
      ['name', 'piano'],
      "kind must be 'keyboard', 'mouse', 'tablet', 'pen', 'touchscreen' or 'touchpad'",
    ],
    ['createUinput', ['name', 1], 'kind must be a string'],
    ['openCard', ['/dev/null', '3'], 'fd must be a number'],
    ['openSeat', [nothing], 'onLost must be a function'],
    ['notify', ['/x'], 'state must be a string'],
    ['notify', ['/x', 'READY=1', 3], 'fds must be an array'],
    ['openUinput', [], 'shape must be an object'],
    ['openUinput', [{ name: 'a' }], 'shape.phys must be a string'],
    [
      'openUinput',
      [{ name: 'a', phys: 'b', keys: [-1] }],
      'shape.keys must be an integer from 0 to 4294967295',
    ],
    ['openMemfd', [0], 'size must be a number'],
    ['memfdToDmabuf', [0, 0], 'size must be a number'],
    ['createMemfd', [1], 'seals must be a number'],
    ['discard', ['0'], 'fd must be a number'],
    ['discard', [-1], 'fd must be an integer from 0 to 2147483647'],
    ['discard', [0.5], 'fd must be an integer from 0 to 2147483647'],
    ['discard', [Number.NaN], 'fd must be an integer from 0 to 2147483647'],
    ['createUdmabuf', ['1'], 'size must be a number'],
    ['createUdmabuf', [-1], 'size must be an integer from 0 to 9007199254740991'],
    ['mapDmabuf', [0], 'size must be a number'],
    ['writeDmabuf', [0, 0, 'bytes'], 'bytes must be a Uint8Array'],
    ['copyPixels', [], 'job must be an object'],
    [
      'copyPixels',
      [{ source: 1 }],
      'job.source must be a NativeMapping, a NativeMemfd, a NativeDumb or a Uint8Array',
    ],
    ['copyPixels', [{ source: new Uint8Array(4), target: {} }], 'job.target must be a NativeDumb'],
    ['copyPixels', [{ source: new Float64Array(4) }], 'job.source must be a Uint8Array'],
    ['readRgb', [{ source: new Uint8Array(4) }], 'job.format must be a number'],
  ])('%s(%j): %s', (name, args, message) => {
    const caught = thrown(() => loose[name]?.(...args)) as Error;
    expect(caught.message).toBe(message);
    expect(caught.name).toBe(message.includes('integer') ? 'RangeError' : 'TypeError');
  });
});

describe('handles', () => {
  test('made without the addon are closed', () => {
    const [left, right] = native.socketPair();
    const Socket = left.constructor as new () => typeof left;
    const forged = new Socket();
    expect(() => forged.credentials()).toThrow(error({ code: 'EBADF' }));
    forged.close();
    left.close();
    right.close();
  });

  test('refuse to be what they are not', () => {
    const [left, right] = native.socketPair();
    const listenerClose = right.close.bind({} as never);
    expect(listenerClose).toThrow('Illegal invocation');
    expect(() => loose.copyPixels?.({ source: left })).toThrow('job.source must be');
    left.close();
    right.close();
  });
});
