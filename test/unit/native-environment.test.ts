import * as fs from 'node:fs';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { addon, built, run } from './support/native-process';

/** Keeps every kind of handle busy until somebody ends the thread. */
const busyWorker = `
  const { parentPort } = require('node:worker_threads');
  const native = require(${JSON.stringify(addon)});
  const [left, right] = native.socketPair();
  const bytes = Buffer.from('x');
  right.onData(() => left.send(bytes));
  left.onceWritable(() => undefined);
  left.send(bytes);
  globalThis.listener = native.listen(process.pid + '-' + Math.random() + '.sock', 0o600, () => undefined);
  const { Bus } = require(${JSON.stringify(built('dbus/bus.js'))});
  const [near, far] = native.fdPair();
  const bus = new Bus({ fd: near, side: 'client' });
  globalThis.peer = new Bus({ fd: far, side: 'server' });
  const ping = { path: '/', interface: 'org.freedesktop.DBus.Peer', member: 'Ping', signature: '', values: [] };
  const pings = () => bus.call(ping).then(pings, () => undefined);
  pings();
  bus.call({ ...ping, path: '/never', interface: 'a.b' }).catch(() => undefined);
  globalThis.uevents = native.watchUevents('drm', () => undefined);
  const source = new Uint8Array(1 << 20);
  const read = () =>
    native.readRgb({ source, offset: 0, pitch: 2048, x: 0, y: 0, width: 512, height: 512, format: 0x34325258 }).then(read);
  for (let job = 0; job < 8; job++) read();
  setTimeout(() => parentPort.postMessage('busy'), 5);
`;

describe('an environment', () => {
  test('comes and goes with its threads, whatever is open', async () => {
    const directory = fs.mkdtempSync('/tmp/kms-switcher-');
    const home = process.cwd();
    process.chdir(directory);
    const before = fs.readdirSync('/proc/self/fd').length;
    try {
      for (let round = 0; round < 10; round++) {
        const worker = new Worker(busyWorker, { eval: true });
        await once(worker, 'message');
        await worker.terminate();
      }
      expect(fs.readdirSync(directory)).toEqual([]);
      expect(fs.readdirSync('/proc/self/fd').length).toBeLessThan(before + 5);
    } finally {
      process.chdir(home);
      fs.rmSync(directory, { recursive: true });
    }
  });

  test('has an exchange of its own', async () => {
    const worker = new Worker(
      `const native = require(${JSON.stringify(addon)});
       new Uint8Array(native.exchange).fill(7);
       require('node:worker_threads').parentPort.postMessage(native.exchange.byteLength);`,
      { eval: true },
    );
    const [size] = (await once(worker, 'message')) as [number];
    expect(size).toBe(65536 + 8 * 25);
    await once(worker, 'exit');
  });

  test('lets the process end when all handles are closed', () => {
    const printed = run(`
      const [left, right] = native.socketPair();
      const watch = native.watchUevents('drm', () => undefined);
      right.onData(() => { left.close(); right.close(); watch.close(); console.log('closed'); });
      left.send(Buffer.from('x'));
    `);
    expect(printed).toBe('closed\n');
  });

  test('ends with handles open', () => {
    const printed = run(`
      const [left, right] = native.socketPair();
      right.onData(() => { console.log('here'); process.exit(0); });
      left.send(Buffer.from('x'));
    `);
    expect(printed).toBe('here\n');
  });

  test('makes an uncaughtException of what a callback throws, and goes on', () => {
    const printed = run(`
      process.on('uncaughtException', (error) => console.log(error.message));
      const [left, right] = native.socketPair();
      let calls = 0;
      right.onData(() => {
        if (++calls === 2) { left.close(); right.close(); return; }
        left.send(Buffer.from('y'));
        throw new Error('thrown ' + calls);
      });
      left.send(Buffer.from('x'));
    `);
    expect(printed).toBe('thrown 1\n');
  });

  test('collects what nobody closed', () => {
    const printed = run(`
      const fs = require('node:fs');
      const count = () => fs.readdirSync('/proc/self/fd').length;
      const before = count();
      require('node:v8').setFlagsFromString('--expose-gc');
      const gc = require('node:vm').runInNewContext('gc');
      for (let pair = 0; pair < 20; pair++) native.socketPair();
      let tries = 300;
      const look = () => {
        gc();
        if (count() - before >= 20 && tries-- > 0) setTimeout(look, 10);
        else console.log(count() - before);
      };
      setTimeout(look, 1);
    `);
    expect(Number(printed)).toBeLessThan(20);
  });

  test('does not spin when it is out of descriptors', () => {
    const printed = run(`
      const fs = require('node:fs');
      const file = '/tmp/kms-switcher-' + process.pid;
      let accepted = 0;
      const listener = native.listen(file, 0o600, () => accepted++);
      const client = native.connect(file);
      const fds = [];
      try { for (;;) fds.push(fs.openSync('/dev/null')); } catch (error) { console.log(error.code); }
      client.onData((length) => {
        console.log(length, accepted, process.cpuUsage().user < 5e6);
        for (const fd of fds) fs.closeSync(fd);
        client.close();
        listener.close();
      });
    `);
    expect(printed).toBe('EMFILE\n0 0 true\n');
  });
});
