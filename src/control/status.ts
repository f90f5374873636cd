import { monotonic } from '../clock';
import type { Card } from '../kms/card';
import type { Cards } from '../kms/cards';
import type { Placement } from '../kms/fit';
import { fourccName } from '../fourcc';
import { modeName } from '../kms/modes';
import { monitorName } from '../kms/monitor';
import type { Output } from '../kms/output';
import type { Controller } from '../switcher/controller';
import type { GuestState } from '../switcher/guests';
import { settingStatus } from '../kms/signal';
import type { Seat } from '../switcher/seats';
import type { NativeInputDevice } from '../native';
import type { CardStatus, GuestStatus, OutputStatus, SeatStatus, Status } from './protocol';
import { version } from '../version';

/** Which devices there are at a seat. */
export interface Plugged {
  devicesOf(seat: string): readonly NativeInputDevice[];
}

/** Everything a user may ask about, read at this moment. */
export function readStatus(cards: Cards, controller: Controller, input: Plugged): Status {
  return {
    version,
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    ...cardStatus(cards.all[0]!),
    cards: cards.all.map(cardStatus),
    framebuffers: cards.framebuffers.size,
    memoryReducer: !process.execArgv.includes('--no-memory-reducer'),
    escaped: controller.escaped,
    panic: controller.layout.panic === true,
    seats: controller.seats.map((seat) => seatStatus(seat, controller, input)),
    outputs: controller.outputs.all().map((output) => outputStatus(output, controller)),
    guests: [...controller.guests.all()].map((guest) => guestStatus(guest, controller)),
  };
}

function cardStatus({ native, commit, paused, asleep }: Card): CardStatus {
  return {
    card: native.path,
    driver: native.driverName(),
    commit: commit.name,
    state: paused ? 'paused' : asleep ? 'asleep' : 'shown',
  };
}

function outputStatus(output: Output, controller: Controller): OutputStatus {
  const { head, blank } = controller.assignment(output.name);
  const guest = head ? controller.guests.get(head.guest) : undefined;
  const view = guest?.views.get(head?.head ?? 0);
  const { mode } = output;
  const { identity } = output.connector;
  const { width, height } = view?.screen.viewport ?? { width: 0, height: 0 };
  const refusal = output.cursorRefusal;
  const leader = head ? controller.leader(head) : undefined;
  return {
    output: output.name,
    card: output.card.name,
    connected: output.connector.connected,
    lit: output.lit,
    seat: controller.seatOf(output).name,
    focused: controller.focused(output),
    mode: mode && modeName(mode),
    ...(output.modeNote === undefined ? {} : { modeNote: output.modeNote }),
    ...(output.lit && output.signal.length > 0 ? { signal: output.signal.map(settingStatus) } : {}),
    monitor: identity ? monitorName(identity) : null,
    config: controller.outputs.configOf(output.name)?.name ?? null,
    guest: head?.guest ?? null,
    head: head?.head ?? null,
    ...(output.lit && leader && leader !== output ? { mirrors: leader.name } : {}),
    blank,
    link: guest ? linkState(guest) : null,
    frame:
      view?.hasContent && mode
        ? { width, height, fits: width === output.width && height === output.height }
        : null,
    path: output.lit ? output.path : null,
    ...(output.lit && output.placement ? { placement: placementStatus(output.placement) } : {}),
    ...(output.reason === undefined ? {} : { reason: output.reason }),
    ...(refusal === undefined ? {} : { cursor: refusal }),
    frames: output.frames,
    modesets: output.modesets,
    idleVblanks: output.idleVblanks,
    crtc: output.lit ? output.crtc : null,
    lastSwitch: switchTimes(output),
  };
}

function seatStatus(seat: Seat, controller: Controller, input: Plugged): SeatStatus {
  const seamless = controller.rowsOf(seat);
  return {
    seat: seat.name,
    outputs: controller.outputs
      .lit()
      .filter((output) => controller.seatOf(output) === seat)
      .map(({ name }) => name),
    focused: controller.focusedBy(seat),
    ...(seamless.length > 0 && { seamless }),
    devices: input
      .devicesOf(seat.name)
      .map(({ name, sysname, links, seat: udevSeat, keyboard, pointer, touch }) => ({
        device: name,
        node: `/dev/input/${sysname}`,
        ...{ links, udevSeat, keyboard, pointer, touch },
      })),
  };
}

function placementStatus({ x, y, width, height, turn }: Placement): NonNullable<OutputStatus['placement']> {
  return { x, y, width, height, rotate: turn * 90 };
}

function linkState({ session, left }: GuestState): 'connected' | 'waiting' | 'gone' {
  if (session) return 'connected';
  return left === undefined ? 'waiting' : 'gone';
}

function switchTimes({ lastSwitch }: Output): OutputStatus['lastSwitch'] {
  if (!lastSwitch) return null;
  const { requested, committed, shown } = lastSwitch;
  const since = (at: number): number | null =>
    Number.isNaN(at) ? null : Math.round((at - requested) * 1000) / 1000;
  return { commitMs: since(committed), shownMs: since(shown), agoMs: Math.round(monotonic() - requested) };
}

function guestStatus(
  { link, session, left, condition, views, devices }: GuestState,
  controller: Controller,
): GuestStatus {
  return {
    guest: link.guest,
    kind: link.kind,
    address: link.address,
    connected: session !== null,
    condition,
    reason: left ?? null,
    ...(link.trouble === undefined ? {} : { trouble: link.trouble }),
    input: devices ? 'uinput' : link.input ? 'link' : null,
    ...(devices?.links && { devices: devices.links }),
    ...(devices?.trouble === undefined ? {} : { inputTrouble: devices.trouble }),
    heads: [...views.values()].map((view) => {
      const { framebuffer, canvas, viewport } = view.screen;
      const outputs = controller.outputs.inOrder().filter((output) => view.isOn(output));
      const first = outputs[0];
      return {
        head: view.index,
        width: view.hasContent ? viewport.width : 0,
        height: view.hasContent ? viewport.height : 0,
        content: framebuffer ? 'buffer' : canvas ? 'pixels' : 'off',
        format: framebuffer
          ? fourccName(framebuffer.layout.format)
          : canvas
            ? fourccName(canvas.format)
            : null,
        output: first?.name ?? null,
        outputs: outputs.map(({ name }) => name),
        path: first?.path ?? null,
        ...(first?.reason === undefined ? {} : { reason: first.reason }),
        frames: view.frames,
      };
    }),
  };
}
