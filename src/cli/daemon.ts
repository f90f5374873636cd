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
import { Card, CardError, listCards, type Pause } from '../kms/card';
import { Cards } from '../kms/cards';
import type { Log } from '../log';
import { native } from '../native';
import { Handover } from '../session/handover';
import { openSession } from '../session/open';
import { ServiceManager } from '../session/service-manager';
import type { Session } from '../session/session';
import { Controller } from '../switcher/controller';
import { CommandError } from '../switcher/layout';
import { meantCards, openCards } from './cards';
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
      readonly cards: Cards;
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

  /** Resolves when the last card has gone, or the session. */
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
    const cards = new Cards((file, gone) => Card.open(file, gone, legacy, session), log);
    cards.onLast = lose;
    const announce = (card: Card): void => {
      handover.store(card.name, card.fd);
      log.info(
        `${card.native.path} (${card.native.driverName()}): ${card.crtcs.length} CRTCs, ${card.commit.name} commits`,
      );
    };
    try {
      await openCards(config.cards, session, async (file) => {
        announce(await takeCard(() => cards.open(file), handover, log));
      });
    } catch (error) {
      cards.close();
      session.close();
      throw error;
    }
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
    const controller = new Controller(cards, config, log, (target, seat) => {
      input.focus(target, seat);
    });
    cards.onPaused = (card, by) => {
      const which = cards.all.length > 1 ? `${card.name}: ` : '';
      log.notice(`${which}${by === null ? 'the card is ours again: showing everything anew' : PAUSES[by]}`);
      controller.updateVisibility(card);
    };
    cards.onCome = (card) => {
      announce(card);
      controller.cardCame(card).catch((error: unknown) => {
        log.error(`${card.name}: ${messageOf(error)}`);
      });
    };
    cards.onGone = async (card, error) => {
      log.notice(`${error.message}: its outputs are gone until it comes back`);
      handover.drop(card.name);
      await controller.cardGone(card);
    };
    const lookForCards = (): void => {
      const others = listCards().filter((file) => !cards.drives(file));
      meantCards(config, others)
        .then((files) => {
          for (const file of files) cards.come(file);
        })
        .catch((error: unknown) => {
          log.error(`looking for more cards: ${messageOf(error)}`);
        });
    };
    session.onActive((active) => {
      cards.inFront = active;
      if (active) {
        lookForCards();
        input.resume();
      } else input.suspend();
      idle?.active();
    });
    const idle = sleepWhenIdle(config, controller, input, log);
    const { taking } = handover;
    if (taking) {
      log.info('taking over from a daemon before this one: its pictures stay until there are others');
      controller.wait();
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
        if (ACTION === 'remove' && DEVNAME !== undefined) cards.go(DEVNAME);
        else {
          controller.outputs.hotplug();
          lookForCards();
        }
      });
      lookForCards();
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
        cards,
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
      if (taking) controller.waitNoLonger(PATIENCE_MS);
      log.info(
        `ready after ${Math.round(performance.now())} ms: ${config.guests.length} guests, control at ${config.control}`,
      );
      manager.ready();
      reportStatus(manager, controller, cards);
      finishWhenShown(handover, controller);
      return new Daemon(
        { session, handover, cards, controller, input, idle, control, uevents, devices },
        lost,
      );
    } catch (error) {
      for (const close of closers) close();
      await controller.close();
      cards.close();
      session.close();
      throw error instanceof CardError
        ? error
        : new Failure(Exit.FAILURE, messageOf(error), { cause: error });
    }
  }

  async stop(): Promise<void> {
    const { session, handover, cards, controller, input, idle, control, uevents, devices } = this.parts;
    idle?.close();
    input.close();
    control.close();
    uevents.close();
    cards.stop();
    await controller.close(handover.keeping);
    for (const device of devices.values()) device.close();
    if (handover.keeping) return;
    cards.close();
    session.close();
  }
}

/** Opens a card; where only a predecessor's file, which is kept, stands in the way, without its pictures. */
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
function reportStatus(manager: ServiceManager, controller: Controller, cards: Cards): void {
  if (!manager.listens) return;
  const report = (): void => {
    const guests = [...controller.guests.all()];
    const connected = guests.filter(({ session }) => session !== null).length;
    const outputs = controller.outputs.lit().length;
    const paused = cards.all.filter((card) => card.paused);
    const asleep = cards.all.every((card) => card.asleep);
    const which = paused.length < cards.all.length ? paused.map(({ name }) => name).join(', ') : 'the card';
    const state = paused.length > 0 ? `, paused: ${which} is not ours for now` : asleep ? ', asleep' : '';
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
