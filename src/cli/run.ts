import { listConnectors } from '../config/connectors';
import { loadConfig } from '../config/load';
import { settings, type Flags } from '../config/settings';
import type { Log } from '../log';
import { ServiceManager } from '../session/service-manager';
import { Daemon } from './daemon';
import { DaemonLog } from './daemon-log';
import { Exit } from './exit';

/** A second signal within this time after the first ends the process at once. */
const STOP_MS = 5000;
/** The daemon: shows guests until it is told to stop. Resolves with the exit code. */
export async function run(flags: Flags, legacy: boolean): Promise<number> {
  const chosen = settings(flags, process.env);
  const config = await loadConfig(chosen, listConnectors());
  const log = new DaemonLog(config.log.level);
  for (const note of config.notes) log.notice(note);
  if (!process.execArgv.includes('--no-memory-reducer')) {
    log.warning(
      'started without node --no-memory-reducer: V8 will pause for some 30 ms now and then, and frames will be late ' +
        '(start the installed kms-switcher command, or node --no-memory-reducer dist/cli/main.js)',
    );
  }
  // Listened for from the start: what is lit by then has to be given back.
  const stop = stopSignal(log);
  const manager = new ServiceManager();
  let daemon: Daemon;
  let code: number;
  try {
    daemon = await Daemon.start(config, log, legacy, manager);
    code = await untilStopped(daemon, stop.told, log);
    manager.stopping();
    await daemon.stop();
    log.info(
      daemon.keepsPictures
        ? 'stopped: the displays keep the last pictures until the next start'
        : 'stopped: the displays are as they were before',
    );
  } finally {
    await log.close();
    stop.done();
  }
  // What was left on the panels must not be closed one by one: it goes with the process.
  if (daemon.keepsPictures) process.exit(code);
  return code;
}

/** `told` resolves with the exit code when the user tells the daemon to stop; that it has, `done` says, in time. */
function stopSignal(log: Log): { readonly told: Promise<number>; done(): void } {
  let deadline: NodeJS.Timeout | undefined;
  const told = new Promise<number>((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      log.info(`${signal}: stopping`);
      process.on(signal, () => process.exit(Exit.FAILURE));
      deadline ??= setTimeout(() => {
        log.error('stopping takes too long: ending now');
        process.exit(Exit.FAILURE);
      }, STOP_MS).unref();
      resolve(Exit.OK);
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    process.on('SIGHUP', () => log.info('SIGHUP: the config is read at start only: restart to change it'));
    // Node's own meaning of SIGUSR1 is a debugger on a TCP port; not in a daemon.
    process.on('SIGUSR1', () => log.info('SIGUSR1: ignored'));
  });
  return {
    told,
    done: () => {
      clearTimeout(deadline);
    },
  };
}

/** Resolves with the exit code when the daemon has to end, of itself or because it is told to. */
function untilStopped(daemon: Daemon, told: Promise<number>, log: Log): Promise<number> {
  return new Promise((resolve) => {
    void told.then(resolve);
    const fail = (error: unknown): void => {
      log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      resolve(Exit.FAILURE);
    };
    process.on('uncaughtException', fail);
    process.on('unhandledRejection', fail);
    void daemon.lost.then((error) => {
      log.error(`${error.message}: ending, so that a restart can find another`);
      resolve(Exit.UNAVAILABLE);
    });
  });
}
