import * as fs from 'node:fs';
import type { Config } from '../config/config';
import { listConnectors } from '../config/connectors';
import { loadConfig } from '../config/load';
import { settings, type Flags } from '../config/settings';
import type { ControlServer } from '../control/server';
import { VhostUserGpuLink } from '../guest/vhost-user-gpu/link';
import { Keyboards } from '../input/keyboards';
import { Card, CardError, connectedNames, listCards } from '../kms/card';
import type { Log } from '../log';
import { native } from '../native';
import { Controller } from '../switcher/controller';
import { CommandError } from '../switcher/layout';
import { DaemonLog } from './daemon-log';
import { Exit, Failure } from './exit';

/** A second signal within this time after the first ends the process at once. */
const STOP_MS = 5000;

/** The daemon: shows guests until it is told to stop. Resolves with the exit code. */
export async function run(flags: Flags): Promise<number> {
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
  try {
    const daemon = await Daemon.start(config, log);
    const code = await untilStopped(daemon, log);
    await daemon.stop();
    log.info('stopped: the displays are as they were before');
    return code;
  } finally {
    await log.close();
  }
}

/** Everything that runs, and the order in which it stops. */
class Daemon {
  readonly #lost: Promise<Error>;

  private constructor(
    private readonly parts: {
      readonly card: Card;
      readonly controller: Controller;
      readonly keyboards: Keyboards;
      readonly control: ControlServer;
      readonly uevents: { close(): void };
    },
    lost: Promise<Error>,
  ) {
    this.#lost = lost;
  }

  /** Resolves when the card has gone. */
  get lost(): Promise<Error> {
    return this.#lost;
  }

  static async start(config: Config, log: DaemonLog): Promise<Daemon> {
    let lose: (error: Error) => void = () => undefined;
    const lost = new Promise<Error>((resolve) => (lose = resolve));
    const card = openCard(config, (error) => {
      lose(error);
    });
    log.info(
      `${card.native.path} (${card.native.driverName()}): ${card.crtcs.length} CRTCs, ${card.commit.name} commits`,
    );
    const device = fs.realpathSync(card.native.path);
    const controller = new Controller(card, config, log);
    const closers: (() => void)[] = [];
    try {
      for (const { name, link } of config.guests) {
        const opened = new VhostUserGpuLink(name, link.listen, controller.guests, log);
        controller.addGuest(opened);
        opened.open();
      }
      const uevents = native.watchUevents('drm', ({ ACTION, DEVNAME }) => {
        // The kernel says nothing on the card's own descriptor when the card goes.
        if (ACTION === 'remove' && DEVNAME === device) lose(new Error(`${device} has been removed`));
        else controller.outputs.hotplug();
      });
      closers.push(() => {
        uevents.close();
      });
      await controller.outputs.scan();
      // What follows can wait until the monitors have something to show.
      await controller.pictured();
      await log.open();
      const { ControlServer } = await import('../control/server.js');
      const control = await ControlServer.open(config.control, card, controller, log);
      closers.push(() => {
        control.close();
      });
      const keyboards = new Keyboards(config.hotkeys, log, (action, at) => {
        try {
          controller.perform(action, at);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          log.notice(`hotkey ${action.kind}: ${error.message}`);
        }
      });
      keyboards.open();
      log.info(
        `ready after ${Math.round(performance.now())} ms: ${config.guests.length} guests, control at ${config.control}`,
      );
      return new Daemon({ card, controller, keyboards, control, uevents }, lost);
    } catch (error) {
      for (const close of closers) close();
      await controller.close();
      card.close();
      throw error instanceof CardError
        ? error
        : new Failure(Exit.FAILURE, messageOf(error), { cause: error });
    }
  }

  async stop(): Promise<void> {
    const { card, controller, keyboards, control, uevents } = this.parts;
    keyboards.close();
    control.close();
    uevents.close();
    await controller.close();
    card.close();
  }
}

/** The configured card, else the first with a connected monitor, else the first that has connectors at all. */
function openCard(config: Config, onLost: (error: Error) => void): Card {
  const named = config.card;
  if (named !== undefined) return Card.open(named, onLost);
  const files = listCards();
  let fallback: string | undefined;
  let problem: unknown;
  for (const file of files) {
    try {
      const probe = native.openCard(file);
      try {
        if (connectedNames(probe).length > 0) {
          probe.close();
          return Card.open(file, onLost);
        }
        if (fallback === undefined && probe.resources().connectors.length > 0) fallback = file;
      } finally {
        probe.close();
      }
    } catch (error) {
      // A card that cannot even be asked is worth a word only when none is left.
      problem ??= error;
    }
  }
  if (fallback !== undefined) return Card.open(fallback, onLost);
  if (files[0] !== undefined && problem !== undefined) return Card.open(files[0], onLost);
  throw new CardError(
    'absent',
    'this machine has no card that can drive displays (/dev/dri is empty): a GPU with a loaded kernel driver is needed',
  );
}

function untilStopped(daemon: Daemon, log: Log): Promise<number> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      log.info(`${signal}: stopping`);
      process.on(signal, () => process.exit(Exit.FAILURE));
      setTimeout(() => {
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
