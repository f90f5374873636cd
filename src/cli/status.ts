import type { CardStatus, GuestStatus, OutputStatus, Status } from '../control/protocol';
import { formatRows } from '../input/seamless';
import { formatSettings } from '../kms/signal';
import { table } from './table';

/** `status` for people: a line per output, a line per guest, and what is not as it should be. */
export function formatStatus(status: Status): string {
  const several = status.cards.length > 1;
  const outputs = table(
    [
      'OUTPUT',
      ...(several ? ['CARD'] : []),
      'MODE',
      'GUEST',
      'LINK',
      'FRAME',
      'PATH',
      'FRAMES',
      'LAST SWITCH',
    ],
    status.outputs.map((output) => [
      `${output.output}${output.focused ? ' *' : ''}`,
      ...(several ? [output.card] : []),
      output.mode ?? (output.connected ? 'dark' : 'disconnected'),
      guestName(output),
      output.link ?? '-',
      output.frame
        ? `${output.frame.width}x${output.frame.height}${output.frame.fits ? '' : ' (not the mode)'}`
        : '-',
      output.path ?? '-',
      String(output.frames),
      lastSwitch(output),
    ]),
  );
  const notes = status.outputs.flatMap(({ output, mirrors, reason, cursor, modeNote, signal = [] }) =>
    [
      mirrors && `mirrors ${mirrors}, whose size its guest is told`,
      reason,
      cursor && `cursor: ${cursor}`,
      modeNote,
      ...formatSettings(signal),
    ]
      .filter((note) => note !== undefined)
      .map((note) => `${output}: ${note}`),
  );
  const guests = status.guests.map(
    (guest) => `${guest.guest}: ${guestState(guest)} (${guest.kind} ${guest.address})${inputNote(guest)}`,
  );
  const [first, ...others] = status.cards;
  const head = [
    `${formatCard(first!, [`up ${status.uptimeSeconds} s`])}, * has the focus`,
    ...others.map((card) => formatCard(card)),
  ];
  const escaped = status.escaped
    ? ['keyboard and pointer are taken from all guests; the escape hotkey gives them back']
    : [];
  const panic = status.panic ? ['panic: no guest has picture or input (undo: kms-switcher panic --off)'] : [];
  return [...head, ...panic, outputs, ...escaped, ...notes, ...seats(status), ...guests].join('\n');
}

/** A line per seat, where there are several, and where its pointer goes. */
function seats({ seats: all }: Status): string[] {
  if (all.length === 1) return all[0]?.seamless ? [`seamless: ${formatRows(all[0].seamless)}`] : [];
  return all.map(({ seat, outputs, focused, devices, seamless }) => {
    const names = outputs.map((output) => (output === focused ? `${output} *` : output));
    const what = devices.map(({ device }) => device);
    return `seat ${seat}: ${names.join(', ') || 'no output'}; ${what.join(', ') || 'no device'}${seamless ? `; seamless: ${formatRows(seamless)}` : ''}`;
  });
}

function formatCard({ card, driver, commit, state }: CardStatus, more: readonly string[] = []): string {
  return [`${card} (${driver})`, `${commit} commits`, ...more, ...STATES[state]].join(', ');
}

const STATES: Readonly<Record<CardStatus['state'], readonly string[]>> = {
  shown: [],
  paused: ['paused (another session or program has the card)'],
  asleep: ['asleep (until a key or the mouse is used)'],
};

function guestState({ connected, condition, reason, trouble }: GuestStatus): string {
  const state = connected ? (condition === 'running' ? 'connected' : condition) : reason;
  return [state ?? (trouble === undefined ? 'has not connected yet' : undefined), trouble]
    .filter((part) => part !== undefined)
    .join(': ');
}

function inputNote({ inputTrouble }: GuestStatus): string {
  return inputTrouble === undefined ? '' : `; no keyboard and no pointer: ${inputTrouble}`;
}

function guestName({ guest, head, blank }: OutputStatus): string {
  if (guest === null) return blank ? 'blank' : '-';
  return `${guest}${head ? `:${head}` : ''}${blank ? ' (blank)' : ''}`;
}

function lastSwitch({ lastSwitch: last }: OutputStatus): string {
  if (last?.shownMs == null) return '-';
  return `${last.shownMs.toFixed(1)} ms, ${Math.round(last.agoMs / 1000)} s ago`;
}
