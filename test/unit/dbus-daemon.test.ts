import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { Bus } from '../../src/dbus/bus';
import type { BusMessage, BusValue } from '../../src/dbus/values';
import { native } from '../../src/native';
import { INTERFACE, PATH, closed, message, receivedFds, serve } from './support/dbus';
import { openFds, until } from './support/wire';

const NAME = `kms-switcher-${process.pid}`;
const DAEMON = 'org.freedesktop.DBus';

const daemonCall = (member: string, signature: string, values: readonly BusValue[]): BusMessage => ({
  destination: DAEMON,
  path: '/org/freedesktop/DBus',
  interface: DAEMON,
  member,
  signature,
  values,
});

/** Needs the dbus-daemon that Debian has in a package of that name. */
describe('a bus with a daemon', () => {
  let directory: string;
  let daemon: ChildProcess;
  let before: number;
  let first: Bus;
  let second: Bus;

  beforeAll(async () => {
    directory = fs.mkdtempSync('/tmp/kms-switcher-');
    const config = path.join(directory, 'bus.conf');
    const socket = path.join(directory, 'bus');
    fs.writeFileSync(
      config,
      `<busconfig><type>session</type><listen>unix:path=${socket}</listen><listen>unix:abstract=${NAME}</listen><auth>EXTERNAL</auth>
       <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
       </busconfig>`,
    );
    daemon = spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--nopidfile'], {
      stdio: 'ignore',
    });
    // The socket is there a moment before it takes connections.
    await until(() => {
      try {
        native.connect(socket).close();
        return true;
      } catch {
        return false;
      }
    });
  });
  afterAll(async () => {
    daemon.kill();
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    fs.rmSync(directory, { recursive: true });
  });

  const address = (): string => `unix:path=${directory}/bus`;
  beforeEach(() => {
    before = openFds().length;
    first = new Bus({ address: address() });
    second = new Bus({ address: address() });
  });
  afterEach(async () => {
    first.close();
    second.close();
    await until(() => openFds().length <= before);
  });

  test('has names', async () => {
    expect(first.name).toBe('');
    const [id] = await first.call(daemonCall('GetId', '', []));
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(first.name).toMatch(/^:1\.\d+$/);
    expect(await second.call(daemonCall('GetNameOwner', 's', [first.name]))).toEqual([first.name]);
    await expect(second.call(daemonCall('GetNameOwner', 's', ['org.example.None']))).rejects.toMatchObject({
      code: 'org.freedesktop.DBus.Error.NameHasNoOwner',
    });
  });

  test('may be at an abstract address, or one with characters that are escaped', async () => {
    for (const at of [`unix:abstract=${NAME},guid=0`, `unix:path=${directory.replace('-', '%2d')}/bus`]) {
      const bus = new Bus({ address: at });
      expect(await bus.call(daemonCall('NameHasOwner', 's', [DAEMON]))).toEqual([true]);
      bus.close();
    }
    for (const at of ['unix:path=/a%2', 'unix:abstract=a%00', 'unix:path=/a,abstract=b', 'unix:dir=/tmp']) {
      expect(await closed(new Bus({ address: at }))).toBe(os.constants.errno.EINVAL);
    }
  });

  test('carries calls and file descriptors between its clients', async () => {
    const inodes: number[] = [];
    serve(second, { Take: 'hu' }, ({ serial }) => {
      const fds = receivedFds();
      second.reply(serial, 'uah', [fds.length, fds.map(({ fd }) => fd)]);
      inodes.push(...fds.map(({ fd }) => fs.fstatSync(fd).ino));
      for (const { fd } of fds) fs.closeSync(fd);
    });
    await second.call(daemonCall('RequestName', 'su', ['org.example.Second', 4]));
    const call = { ...message('Take', 'hu', [0, 7]), destination: 'org.example.Second' };
    expect(await first.call(call)).toEqual([1, [-1]]);
    expect(inodes).toEqual([fs.fstatSync(0).ino]);
  });

  test('carries signals to those that asked for them', async () => {
    const members: string[] = [];
    first.onSignal(`type='signal',interface='${INTERFACE}'`, ({ member }) => members.push(member));
    first.onSignal(`type='signal',member='NameOwnerChanged',arg0='org.example.Third'`, ({ values }) => {
      members.push((values as string[]).slice(0, 2).join(' '));
    });
    await first.call(daemonCall('GetId', '', []));
    second.emit({ path: PATH, interface: INTERFACE, member: 'Changed', signature: '', values: [] });
    await second.call(daemonCall('RequestName', 'su', ['org.example.Third', 4]));
    await until(() => members.length === 2);
    expect(members).toEqual(['Changed', 'org.example.Third ']);
  });

  test('rejects calls to nobody, and those under way when their peer goes', async () => {
    const nobody = { ...message('Any'), destination: 'org.example.Nobody' };
    await expect(first.call(nobody)).rejects.toMatchObject({
      code: 'org.freedesktop.DBus.Error.ServiceUnknown',
    });
    await second.call(daemonCall('GetId', '', []));
    serve(second, { Wait: '' }, () => {
      second.close();
    });
    await expect(first.call({ ...message('Wait'), destination: second.name })).rejects.toMatchObject({
      code: 'org.freedesktop.DBus.Error.NoReply',
    });
  });

  test('lets libdbus talk to us', async () => {
    serve(first, { Echo: 'sxdasv' }, ({ serial, values }) => {
      first.reply(serial, 'sxdasv', values ?? []);
    });
    await first.call(daemonCall('GetId', '', []));
    const send = async (...args: string[]): Promise<string> => {
      const dbus = ['--print-reply=literal', `--bus=${address()}`, `--dest=${first.name}`, PATH];
      const { stdout } = await promisify(execFile)('dbus-send', [...dbus, ...args]);
      return stdout.replace(/\s+/g, ' ').trim();
    };
    const xml = await send('org.freedesktop.DBus.Introspectable.Introspect');
    expect(xml).toContain('<method name="Echo"><arg type="s" direction="in"/>');
    await expect(send(`${INTERFACE}.Other`)).rejects.toThrow(/UnknownMethod: there is no such method/);
    await expect(send(`${INTERFACE}.Echo`, 'int32:1')).rejects.toThrow(/InvalidArgs: expected 'sxdasv'/);
    await send('org.freedesktop.DBus.Peer.Ping');
    const said = await send(
      ...[`${INTERFACE}.Echo`, 'string:ä', 'int64:-5', 'double:0.5', 'array:string:a,b', 'variant:uint32:7'],
    );
    expect(said).toBe('ä int64 -5 double 0.5 array [ a b ] variant uint32 7');
  });

  test('is lost with its daemon', async () => {
    await first.call(daemonCall('GetId', '', []));
    const ends = [closed(first), closed(second)];
    daemon.kill();
    await Promise.all(ends);
    expect(first.name).toBe('');
  });
});
