import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { ask, converse, NotRunning } from '../../src/control/client';

let directory: string;
let file: string;
let server: net.Server | undefined;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'control-'));
  file = path.join(directory, 'control.sock');
});
afterEach(() => {
  server?.close();
  server = undefined;
  fs.rmSync(directory, { recursive: true });
});

/** A daemon that answers the first line it gets with these pieces, then does as told. */
async function daemon(pieces: readonly (string | Buffer)[], end = false): Promise<string[]> {
  const heard: string[] = [];
  server = net.createServer((socket) => {
    socket.setEncoding('utf8').once('data', (line: string) => {
      heard.push(line);
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        if (end) socket.end();
      })();
    });
  });
  await new Promise<void>((resolve) => server!.listen(file, resolve));
  return heard;
}

describe('asking the daemon', () => {
  test('sends one line and gives back what is ok', async () => {
    const heard = await daemon(['{"id":1,"ok":{"version":"1"}}\n']);
    expect(await ask(file, { command: 'status' })).toEqual({ version: '1' });
    expect(heard).toEqual(['{"id":1,"command":"status"}\n']);
  });

  test('puts an answer together, wherever it is cut, in a character too', async () => {
    const answer = Buffer.from('{"id":1,"ok":"caf\u00e9 \u{1f600}"}\n');
    await daemon([...answer].map((byte) => Buffer.from([byte])));
    expect(await ask(file, { command: 'status' })).toBe('caf\u00e9 \u{1f600}');
  });

  test('throws the daemon’s own words', async () => {
    await daemon(['{"id":1,"error":"there is no output DP-7"}\n']);
    await expect(ask(file, { command: 'screenshot', output: 'DP-7' })).rejects.toThrow(
      /^there is no output DP-7$/,
    );
  });

  test('notices an end without an answer, and half an answer', async () => {
    await daemon([], true);
    await expect(ask(file, { command: 'status' })).rejects.toThrow('closed the connection without an answer');
    server?.close();
    fs.rmSync(file, { force: true });
    await daemon(['{"id":1,"o'], true);
    await expect(ask(file, { command: 'status' })).rejects.toThrow('closed the connection without an answer');
  });

  test('says when there is no daemon, and when it died and left its socket', async () => {
    await expect(ask(file, { command: 'status' })).rejects.toThrow(NotRunning);
    await expect(ask(file, { command: 'status' })).rejects.toThrow(`no daemon at ${file}`);
    fs.writeFileSync(file, '');
    await expect(ask(file, { command: 'status' })).rejects.toThrow(NotRunning);
  });
});

test('a conversation yields line after line, several at once too, until it ends', async () => {
  await daemon(['{"id":1,"ok":null}\n{"event":"a"}\n{"ev', 'ent":"b"}\n', '{"event":"c"}\n'], true);
  const lines: unknown[] = [];
  for await (const line of converse(file, { command: 'watch' })) lines.push(line);
  expect(lines).toEqual([{ id: 1, ok: null }, { event: 'a' }, { event: 'b' }, { event: 'c' }]);
});
