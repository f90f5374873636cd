import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { Bench } from '../mock-qemu/harness';
import type { MockQemu } from '../mock-qemu/mock-qemu';
import { turn, until } from './support/wire';

const UUIDS = ['aaaaaaaa-0000-0000-0000-000000000001', 'aaaaaaaa-0000-0000-0000-000000000002'];

let bench: Bench;
let address: string;
let daemon: ChildProcess | undefined;

beforeEach(() => {
  bench = new Bench();
  address = `unix:path=${bench.folder}/bus`;
});
afterEach(async () => {
  stopBus();
  await bench.close();
});

async function startBus(): Promise<void> {
  const args = ['--session', `--address=${address}`, '--nofork', '--nopidfile', '--print-address'];
  const child = spawn('dbus-daemon', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  daemon = child;
  // It says its address once it listens; the socket is there before.
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', resolve);
  });
}

function stopBus(): void {
  daemon?.kill('SIGKILL');
  daemon = undefined;
}

function start(name: string, uuid: string): MockQemu {
  const qemu = bench.start({ bus: address, name, uuid });
  return qemu;
}

/** Without its QMP server, which a QEMU on a bus need not have. */
function vm(index: number, name = `vm${index}`): MockQemu {
  bench.qemus.at(-1)?.qmp?.close();
  return start(name, UUIDS[index]!);
}

/** A virsh that answers with these, whatever the domain. */
function virsh(answers: Readonly<Record<'dumpxml' | 'domstate' | 'qemu-monitor-event', string>>): void {
  const cases = Object.entries(answers).map(([command, script]) => `*${command}*) ${script} ;;`);
  const script = `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\nesac\n`;
  fs.writeFileSync(`${bench.folder}/virsh`, script, { mode: 0o755 });
}

describe('a libvirt domain on its bus', () => {
  const { PATH } = process.env;
  beforeEach(startBus);
  afterEach(() => {
    process.env.PATH = PATH;
  });

  test('says what it does, as virsh hears it', async () => {
    process.env.PATH = `${bench.folder}:${PATH!}`;
    const pipe = `${bench.folder}/events`;
    execFileSync('mkfifo', [pipe]);
    virsh({
      dumpxml: `echo "<domain id='1'><graphics type='dbus' address='${address}'/></domain>"`,
      domstate: 'echo paused; echo',
      'qemu-monitor-event': `exec cat ${pipe}`,
    });
    const qemu = vm(0);
    bench.open({ kind: 'libvirt', domain: 'win', viewers: 'take-back' });
    await bench.registered(qemu);
    const told = fs.createWriteStream(pipe);
    await until(() => bench.host.events.at(-1) === 'paused');
    told.write("event RESUME at 1.2 for domain 'win': <null>\nrubbish\n");
    await until(() => bench.host.events.at(-1) === 'running');
    told.write(`event SHUTDOWN at 1.2 for domain 'win': {"guest":false}\n`);
    told.write(`event SHUTDOWN at 1.3 for domain 'win': {"guest":true}\n`);
    await until(() => bench.host.events.at(-1) === 'shut down');
    qemu.close();
    await until(() => bench.host.events.at(-1) === 'disconnected: the guest has shut down');
    told.destroy();
  });
});

describe('a QEMU on a bus', () => {
  beforeEach(startBus);

  test('is found, shown, and missed', async () => {
    const qemu = vm(0);
    bench.open({ at: { bus: address } });
    await bench.registered(qemu);
    expect(bench.log.lines).toEqual([`info guest win: connected to VM vm0 (${UUIDS[0]!}), 1 head(s)`]);
    qemu.console.change(qemu.main!, { absolute: true });
    await until(() => bench.link.input!.absolute(0));
    bench.link.input!.key(0, 30, true);
    await until(() => qemu.console.calls.includes('Keyboard.Press 30'));
    qemu.close();
    await until(() => !bench.host.isConnected);
    expect(bench.host.events).toEqual(['connected', 'disconnected: QEMU has ended']);
    const again = vm(0);
    await bench.registered(again);
  });

  test('is chosen among several by name or UUID', async () => {
    const [first, second] = [vm(0), vm(1)];
    await turn(50);
    bench.open({ at: { bus: address, vm: 'vm1' } });
    await bench.registered(second);
    expect(first.console.ready).toBe(false);
    // What others on the bus say is none of it.
    first.console.change(first.main!, { absolute: true });
    await turn(20);
    expect(bench.link.input!.absolute(0)).toBe(false);
    first.close();
    await turn(100);
    expect(bench.host.isConnected).toBe(true);
  });

  test('is asked for where there are several', async () => {
    vm(0, 'same\u001b[31m');
    vm(1, 'same\u001b[31m');
    await turn(50);
    bench.open({ at: { bus: address } });
    await bench.said('there are 2 VMs on the bus');
    const line = bench.log.warnings[0]!;
    for (const uuid of UUIDS) expect(line).toContain(`same?[31m (${uuid})`);
    expect(line).toContain('say which with vm: NAME or UUID');
    bench.link.close();
    bench.open({ at: { bus: address, vm: 'other' } });
    await bench.said('no VM called other on the bus');
    bench.link.close();
    bench.open({ at: { bus: address, vm: UUIDS[1]! } });
    await until(() => bench.host.isConnected);
  });

  test('may come later, once', async () => {
    bench.open({ at: { bus: address } });
    await bench.said('start QEMU with -display dbus,addr=ADDRESS');
    await turn(400);
    expect(bench.log.warnings).toHaveLength(1);
    await bench.registered(vm(0));
  });

  test('sends pictures although its bus has gone', async () => {
    const qemu = vm(0);
    bench.open({ at: { bus: address } });
    await bench.registered(qemu);
    stopBus();
    await bench.said('pictures still come, but no keys can be sent');
    qemu.console.scanout(8, 2, 32, 0x20020888, new Uint8Array(64));
    await until(() => bench.head.events.length === 2);
    qemu.console.dropListener();
    await until(() => !bench.host.isConnected);
    await bench.said('there is no D-Bus bus at');
  });

  test('that draws without a picture sleeps, and is woken by a key', async () => {
    const qemu = vm(0);
    bench.open({ at: { bus: address } });
    await bench.registered(qemu);
    await qemu.console.updateDmabuf(0, 0, 1, 1);
    expect(bench.host.events).toEqual(['connected']);
    qemu.console.scanout(8, 2, 32, 0x20020888, new Uint8Array(64));
    qemu.console.send('Disable', '', []);
    await until(() => bench.head.events.at(-1) === 'off');
    await qemu.console.updateDmabuf(0, 0, 1, 1);
    expect(bench.host.events).toEqual(['connected', 'asleep']);
    bench.link.wanted();
    await until(() => qemu.console.calls.includes('Keyboard.Release 42'));
    qemu.console.scanout(8, 2, 32, 0x20020888, new Uint8Array(64));
    await until(() => bench.host.events.at(-1) === 'running');
  });
});

describe('a bus that is none', () => {
  test.each([
    ['unix:path=/nowhere/bus', 'there is no D-Bus bus at unix:path=/nowhere/bus'],
    ['tcp:host=127.0.0.1,port=1', 'is not one: it looks like unix:path=/run/vm/bus'],
    ['rubbish', 'is not one: it looks like unix:path=/run/vm/bus'],
  ])('%s', async (bus, words) => {
    bench.open({ at: { bus } });
    await bench.said(words);
    await turn(300);
    expect(bench.log.warnings).toHaveLength(1);
    expect(bench.link.trouble).toContain(words);
  });
});
