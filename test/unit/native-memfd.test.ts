import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { isNativeError, native } from '../../src/native';
import type { NativeMemfd } from '../../src/native';
import { openFds } from './support/wire';

const { errno } = os.constants;
const PAGE = 4096;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_WRITE = 8;
const XB24 = Buffer.from('XB24').readUInt32LE();
const nativeError = (code: string, syscall: string): Error =>
  expect.objectContaining({ code, syscall }) as Error;

let before: number;
let fds: number[];
beforeEach(() => {
  before = openFds().length;
  fds = [];
});
afterEach(() => {
  for (const fd of fds) fs.closeSync(fd);
  // Those of earlier tests may still be on their way to be closed.
  expect(openFds().length).toBeLessThanOrEqual(before);
});

/** Closed behind the test. */
function owned(fd: number): number {
  fds.push(fd);
  return fd;
}

const memfd = (size: number, seals = 0): number => owned(native.createMemfd(size, seals));

describe('openMemfd', () => {
  test('opens a file in memory, which may be closed and cut after that', () => {
    const fd = native.createMemfd(10000, 0);
    const opened = native.openMemfd(fd, 9000);
    expect(opened.size).toBe(10000);
    fs.closeSync(fd);
    opened.close();
    opened.close();
    expect(() => native.readRgb(picture(opened, 1, 1, 4))).toThrow(nativeError('EBADF', 'preadv'));
  });

  test('refuses one that is shorter than said', () => {
    expect(() => native.openMemfd(memfd(4095), 4096)).toThrow(nativeError('EOVERFLOW', 'fstat'));
  });

  test.each([
    ['a file on a disk', () => fs.openSync(__filename, 'r')],
    ['a directory in memory', () => fs.openSync('/dev/shm', 'r')],
    ['a device', () => fs.openSync('/dev/zero', 'r')],
    ['a file of the kernel', () => fs.openSync('/proc/self/status', 'r')],
    ['a socket', () => native.fdPair().map(owned)[0] ?? -1],
  ])('refuses %s', (_, open) => {
    const fd = open();
    if (!fds.includes(fd)) owned(fd);
    expect(() => native.openMemfd(fd, 0)).toThrow(nativeError('EINVAL', 'fcntl(F_GET_SEALS)'));
    expect(native.memfdToDmabuf(fd, 0, PAGE)).toBe(-errno.EINVAL);
  });

  test('refuses what is not open', () => {
    expect(() => native.openMemfd(999999, 0)).toThrow(nativeError('EBADF', 'fcntl(F_GET_SEALS)'));
    expect(native.memfdToDmabuf(999999, 0, PAGE)).toBe(-errno.EBADF);
  });

  test('takes a file of tmpfs', () => {
    const directory = fs.mkdtempSync('/dev/shm/kms-switcher-');
    try {
      const fd = owned(fs.openSync(path.join(directory, 'file'), 'w+'));
      fs.writeSync(fd, 'text');
      const opened = native.openMemfd(fd, 4);
      expect(opened.size).toBe(4);
      opened.close();
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});

const picture = (source: NativeMemfd, width: number, height: number, pitch: number, offset = 0) => ({
  source,
  offset,
  pitch,
  x: 0,
  y: 0,
  width,
  height,
  format: XB24,
});

describe('the pixels of a memfd', () => {
  test('are read row by row', async () => {
    const fd = memfd(100);
    fs.writeSync(
      fd,
      Uint8Array.from([9, 9, 1, 2, 3, 0, 4, 5, 6, 0, 9, 9, 7, 8, 9, 0, 10, 11, 12, 0]),
      0,
      20,
      0,
    );
    const opened = native.openMemfd(fd, 20);
    const read = await native.readRgb(picture(opened, 2, 2, 10, 2));
    opened.close();
    expect([...read]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]);
  });

  test('outside it are a RangeError', () => {
    const opened = native.openMemfd(memfd(100), 100);
    expect(() => native.readRgb(picture(opened, 5, 5, 20, 4))).toThrow('the picture lies outside job.source');
    opened.close();
  });

  test('that are cut off under us are an error, and no signal', async () => {
    const fd = memfd(64 * PAGE);
    const opened = native.openMemfd(fd, 64 * PAGE);
    const job = picture(opened, PAGE / 4, 64, PAGE);
    await native.readRgb(job);
    fs.ftruncateSync(fd, 63 * PAGE + 17);
    await expect(native.readRgb(job)).rejects.toEqual(nativeError('EIO', 'preadv'));
    fs.ftruncateSync(fd, 0);
    await expect(native.readRgb(job)).rejects.toEqual(nativeError('EIO', 'preadv'));
    expect(opened.size).toBe(64 * PAGE);
    opened.close();
  });

  test('are read while somebody cuts and grows it', async () => {
    const size = 256 * PAGE;
    const fd = memfd(size);
    const opened = native.openMemfd(fd, size);
    for (let round = 0; round < 50; round++) {
      const read = native.readRgb(picture(opened, PAGE / 4, 256, PAGE));
      const result = read.then(
        () => 'read',
        (error: unknown) => (isNativeError(error, 'EIO') ? 'read' : error),
      );
      fs.ftruncateSync(fd, (round * 997) % size);
      fs.ftruncateSync(fd, size);
      expect(await result).toBe('read');
    }
    opened.close();
  });
});

describe('memfdToDmabuf', () => {
  const udmabuf = fs.existsSync('/dev/udmabuf');

  /** What it comes to where the memfd itself is all right: a host may have no udmabuf. */
  function expectDmabuf(result: number): void {
    if (udmabuf) {
      expect(fs.fstatSync(owned(result)).size).toBeGreaterThanOrEqual(0);
    } else {
      expect(result).toBe(-errno.ENOENT);
    }
  }

  test('wants an offset of whole pages, and a size', () => {
    const fd = memfd(2 * PAGE, F_SEAL_SHRINK);
    expect(native.memfdToDmabuf(fd, 1, PAGE)).toBe(-errno.EINVAL);
    expect(native.memfdToDmabuf(fd, 0, 0)).toBe(-errno.EINVAL);
    expectDmabuf(native.memfdToDmabuf(fd, PAGE, PAGE - 3));
  });

  test('seals the memfd against shrinking where it may', () => {
    const open = memfd(PAGE);
    expectDmabuf(native.memfdToDmabuf(open, 0, PAGE));
    expect(() => {
      fs.ftruncateSync(open, 0);
    }).toThrow('EPERM');
    expectDmabuf(native.memfdToDmabuf(memfd(PAGE, F_SEAL_SHRINK | F_SEAL_SEAL), 0, PAGE));
  });

  test('refuses what can shrink and is sealed against seals, and what nobody can write', () => {
    for (const seals of [F_SEAL_SEAL, F_SEAL_SHRINK | F_SEAL_WRITE]) {
      const result = native.memfdToDmabuf(memfd(PAGE, seals), 0, PAGE);
      expect(result).toBe(udmabuf ? -errno.EINVAL : -errno.ENOENT);
    }
  });
});

describe('createMemfd', () => {
  test('tells of seals that there are none of', () => {
    expect(() => native.createMemfd(PAGE, 0x8000)).toThrow(nativeError('EINVAL', 'fcntl(F_ADD_SEALS)'));
  });
});
