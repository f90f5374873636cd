import * as fs from 'node:fs';
import * as path from 'node:path';
import { defaultSeat, type Action, type Config, type GuestConfig } from '../config/config';
import type { ControlServer } from '../control/server';
import { messageOf } from '../error';
import type { GuestHost, GuestLink } from '../guest/sink';
import { VhostUserGpuLink } from '../guest/vhost-user-gpu/link';
import type { DeviceFiles } from '../input/devices';
import { Idle } from '../input/idle';
import { Input } from '../input/input';
import type { HotkeyHandler } from '../input/router';
import { Selector } from '../input/selector';
import { VirtualDevices } from '../input/virtual-devices';
import { vtHotkeys } from '../input/vt-hotkeys';
import { Card, CardError, CardNode, connectedNames, listCards, type Devices, type Pause } from '../kms/card';
import type { Log } from '../log';
import { native } from '../native';
import { Handover } from '../session/handover';
import { openSession } from '../session/open';
import { ServiceManager } from '../session/service-manager';
import type { Session } from '../session/session';
import { Controller } from '../switcher/controller';
import { CommandError } from '../switcher/layout';
import { DaemonLog } from './daemon-log';
import { Exit, Failure } from './exit';

/** So long a predecessor's last pictures wait for their guests to come back. */
const PATIENCE_MS = 5000;
const SHOWN_CHECK_MS = 100;
/** How often, and how many times, a card is asked for that a predecessor's file still holds. */
const YIELD_MS = 100;
const YIELD_TRIES = 20;

/** Everything that runs, and the order in which it stops. */
export class Daemon {
  readonly #lost: Promise<Error>;

  private constructor(
    private readonly parts: {
      readonly session: Session;
      readonly handover: Handover;
      readonly card: Card;
      readonly controller: Controller;
      readonly input: Input;
      readonly idle: Idle | undefined;
      readonly control: ControlServer;
      readonly uevents: { close(): void };
      readonly devices: ReadonlyMap<string, VirtualDevices>;
    },
    lost: Promise<Error>,
  ) {
    this.#lost = lost;
  }

  /** Resolves when the card has gone. */
  get lost(): Promise<Error> {
    return this.#lost;
  }

  /** Whether the panels show the same when this has stopped. */
  get keepsPictures(): boolean {
    return this.parts.handover.keeping;
  }

  static async start(
    config: Config,
    log: DaemonLog,
    legacy: boolean,
    manager: ServiceManager,
  ): Promise<Daemon> {
    let lose: (error: Error) => void = () => undefined;
    const lost = new Promise<Error>((resolve) => (lose = resolve));
    const handover = new Handover(manager, config.handover === 'keep');
    const session = await openSession(log, lose);
    const open = (): Card => openCard(config, session, (file) => Card.open(file, lose, legacy, session));
    let card: Card;
    try {
      card = await takeCard(open, handover, log);
    } catch (error) {
      session.close();
      throw error;
    }
    handover.store(card.fd);
    log.info(
      `${card.native.path} (${card.native.driverName()}): ${card.crtcs.length} CRTCs, ${card.commit.name} commits`,
    );
    const device = fs.realpathSync(card.native.path);
    const handlerOf = (seat: string): HotkeyHandler => ({
      fired: (action, at) => {
        try {
          if (action.kind === 'vt') switchTerminal(session, action.vt);
          else if (action.kind === 'send') sendKeys(controller, action, seat, log);
          else controller.perform(action, at, seat);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          log.notice(`hotkey ${action.kind}: ${error.message}`);
        }
      },
      released: (action) => {
        controller.released(action, seat);
      },
    });
    const seats = config.seats.map(({ name, devices, hotkeys }) => ({
      name,
      devices,
      bindings: {
        hotkeys: [...vtHotkeys, ...(config.escape ? [config.escape] : []), ...hotkeys],
        passthrough: config.passthrough,
      },
      handler: handlerOf(name),
    }));
    const { secure } = config;
    const selector =
      secure &&
      new Selector(secure.device, secure.keys, log, (action, at) => {
        handlerOf(defaultSeat).fired(action, at);
      });
    const files: DeviceFiles = {
      open: (path, mode) => session.openDevice(path, mode),
      close: (fd) => {
        session.closeDevice(fd);
      },
    };
    const input = new Input(seats, log, files, selector);
    const controller = new Controller(card, config, log, (target, seat) => {
      input.focus(target, seat);
    });
    card.onPaused = (by) => {
      log.notice(by === null ? 'the card is ours again: showing everything anew' : PAUSES[by]);
      controller.updateVisibility();
    };
    session.onActive((active) => {
      card.inFront = active;
      if (active) input.resume();
      else input.suspend();
      idle?.active();
    });
    const idle = sleepWhenIdle(config, controller, input, log);
    if (handover.taking) {
      log.info('taking over from a daemon before this one: its pictures stay until there are others');
      controller.wait(PATIENCE_MS);
    }
    const devices = new Map<string, VirtualDevices>();
    const closers: (() => void)[] = [
      () => idle?.close(),
      () => {
        for (const device of devices.values()) device.close();
      },
    ];
    try {
      const links: Link[] = [];
      for (const guest of config.guests) {
        const link = await makeLink(guest, controller.guests, log);
        if (guest.input === 'uinput') {
          devices.set(
            guest.name,
            new VirtualDevices(guest.name, path.join(path.dirname(config.control), 'input')),
          );
        }
        controller.addGuest(link, guest.hidden, devices.get(guest.name));
        links.push(link);
      }
      for (const link of links) if (link instanceof VhostUserGpuLink) link.open();
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
      await openDevices(devices, log);
      await log.open();
      const { ControlServer } = await import('../control/server.js');
      const control = await ControlServer.open(
        config.control,
        card,
        controller,
        input,
        log,
        secure !== undefined,
      );
      closers.push(() => {
        control.close();
      });
      input.open();
      if (!session.active) input.suspend();
      // QEMU waits for our answers: it is called only once nothing keeps us from giving them.
      for (const link of links) if (!(link instanceof VhostUserGpuLink)) link.open();
      log.info(
        `ready after ${Math.round(performance.now())} ms: ${config.guests.length} guests, control at ${config.control}`,
      );
      manager.ready();
      reportStatus(manager, controller, card);
      finishWhenShown(handover, controller);
      return new Daemon(
        { session, handover, card, controller, input, idle, control, uevents, devices },
        lost,
      );
    } catch (error) {
      for (const close of closers) close();
      await controller.close();
      card.close();
      session.close();
      throw error instanceof CardError
        ? error
        : new Failure(Exit.FAILURE, messageOf(error), { cause: error });
    }
  }

  async stop(): Promise<void> {
    const { session, handover, card, controller, input, idle, control, uevents, devices } = this.parts;
    idle?.close();
    input.close();
    control.close();
    uevents.close();
    await controller.close(handover.keeping);
    for (const device of devices.values()) device.close();
    if (handover.keeping) return;
    card.close();
    session.close();
  }
}

/** Opens the card; where only a predecessor's file, which is kept, stands in the way, without its pictures. */
async function takeCard(open: () => Card, handover: Handover, log: Log): Promise<Card> {
  for (let tries = 0; ; tries++) {
    try {
      return open();
    } catch (error) {
      const busy = error instanceof CardError && error.reason === 'busy';
      if (!busy || tries === YIELD_TRIES || (tries === 0 && !handover.taking)) throw error;
      if (handover.taking) log.notice('the last pictures cannot be taken over without root: they go first');
      handover.finish();
      await new Promise((resolve) => setTimeout(resolve, YIELD_MS));
    }
  }
}

function sleepWhenIdle({ power }: Config, controller: Controller, input: Input, log: Log): Idle | undefined {
  if (power.blankAfter === undefined) return undefined;
  const idle = new Idle(power.blankAfter, (asleep) => {
    log.info(asleep ? 'nobody is there: the monitors sleep' : 'somebody is there: the monitors wake up');
    controller.sleep(asleep);
  });
  // After the key has gone where keys go while all sleep, nowhere: no guest sees the one that wakes.
  input.onActivity = () => {
    idle.active();
  };
  return idle;
}

/** Lets go of what a predecessor left once every panel shows something of ours. */
function finishWhenShown(handover: Handover, controller: Controller): void {
  if (!handover.taking) return;
  const timer = setInterval(() => {
    if (!controller.outputs.lit().every(({ frames }) => frames > 0)) return;
    clearInterval(timer);
    handover.finish();
  }, SHOWN_CHECK_MS).unref();
}

/** Keeps `systemctl status` up to date. */
function reportStatus(manager: ServiceManager, controller: Controller, card: Card): void {
  if (!manager.listens) return;
  const report = (): void => {
    const guests = [...controller.guests.all()];
    const connected = guests.filter(({ session }) => session !== null).length;
    const outputs = controller.outputs.lit().length;
    const state = card.paused ? ', paused: the card is not ours for now' : card.asleep ? ', asleep' : '';
    manager.status(`${outputs} outputs lit, ${connected} of ${guests.length} guests connected${state}`);
  };
  controller.onEvent(report);
  report();
}

/** Guests whose devices cannot be made are shown all the same. */
async function openDevices(devices: ReadonlyMap<string, VirtualDevices>, log: Log): Promise<void> {
  const opening = [...devices].map(async ([guest, device]) => {
    try {
      await device.open();
      log.info(`guest ${guest}: its input devices are ${device.links.join(', ')}`);
    } catch (error) {
      log.warning(`guest ${guest}: no keyboard and no pointer: ${messageOf(error)}`);
    }
  });
  await Promise.all(opening);
}

type Link = GuestLink & { open(): void };

async function makeLink({ name, link }: GuestConfig, host: GuestHost, log: Log): Promise<Link> {
  if (link.kind === 'vhost-user-gpu') return new VhostUserGpuLink(name, link.listen, host, log);
  // Who has no QEMU need not wait for what only QEMUs need.
  const { QemuLink } = await import('../guest/qemu/link.js');
  return new QemuLink(name, link, host, log);
}

/** The configured card, else the first with a connected monitor, else the first that has connectors at all. */
function openCard(config: Config, devices: Devices, open: (file: string) => Card): Card {
  const named = config.card;
  if (named !== undefined) return open(named);
  const files = listCards();
  let fallback: string | undefined;
  let problem: unknown;
  for (const file of files) {
    try {
      const probe = CardNode.open(file, devices);
      let connected: boolean;
      try {
        connected = connectedNames(probe.native).length > 0;
        if (fallback === undefined && probe.native.resources().connectors.length > 0) fallback = file;
      } finally {
        probe.close();
      }
      if (connected) return open(file);
    } catch (error) {
      // A card that cannot even be asked is worth a word only when none is left.
      problem ??= error;
    }
  }
  if (fallback !== undefined) return open(fallback);
  if (files[0] !== undefined && problem !== undefined) return open(files[0]);
  throw new CardError(
    'absent',
    'this machine has no card that can drive displays (/dev/dri is empty): a GPU with a loaded kernel driver is needed',
  );
}

/** Throws what is wrong from the start. */
function sendKeys(
  controller: Controller,
  { keys, to }: Extract<Action, { readonly kind: 'send' }>,
  seat: string,
  log: Log,
): void {
  controller.send(keys, to, seat).catch((error: unknown) => {
    log.notice(`hotkey send ${keys}: ${messageOf(error)}`);
  });
}

function switchTerminal(session: Session, vt: number): void {
  const problem = session.switchTo(vt);
  if (problem !== undefined) throw new CommandError(problem);
}

const PAUSES: Readonly<Record<Pause, string>> = {
  session: 'another session is in front: paused until this one is again',
  master: 'another program has become master of the card: paused until it lets go',
  suspend: 'the machine was suspended',
};
