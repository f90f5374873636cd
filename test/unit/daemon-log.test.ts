import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

const file = path.join(__dirname, '../../dist/cli/daemon-log.js');

test('what is said before the log is open is written then, and what is said after its end is not lost', () => {
  const script = `
    const { DaemonLog } = require(${JSON.stringify(file)});
    const log = new DaemonLog('info');
    log.info('early');
    log.debug('not asked for');
    log.open().then(() => {
      log.warning('open');
      return log.close();
    }).then(() => log.error('late'));`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  const lines = stderr.trim().split('\n');
  expect({ status, said: lines.map((line) => line.split(' ').slice(-2).join(' ')) }).toEqual({
    status: 0,
    said: ['info: early', 'warning: open', 'error: late'],
  });
});
