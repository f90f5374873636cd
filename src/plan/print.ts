import { table } from '../cli/table';
import { formatSettings } from '../kms/signal';
import { headName } from '../switcher/layout';
import type { CardPlan, OutputPlan, Plan } from './plan';

const CHANGES: Readonly<Record<OutputPlan['change'], string>> = {
  none: 'stays',
  flip: 'flip, seamless',
  modeset: 'modeset, blinks',
  off: 'goes dark',
  dark: 'dark',
};

/** A plan for people: a table, and under it why each is so. */
export function formatPlan({ cards, outputs, warnings }: Plan): string {
  const rows = outputs.map((output) => [
    output.output,
    text(output.crtc),
    text(output.plane),
    output.mode ?? '-',
    CHANGES[output.change],
    output.guest === null ? '-' : headName({ guest: output.guest, head: output.head ?? 0 }),
    bufferText(output),
    output.path ?? '-',
  ]);
  return [
    ...cards.map(formatCard),
    table(['OUTPUT', 'CRTC', 'PLANE', 'MODE', 'CHANGE', 'GUEST', 'BUFFER', 'PATH'], rows),
    ...outputs.flatMap(explain),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

function formatCard({ card, driver, commit, by, byWhy }: CardPlan): string {
  const said =
    by === 'test commits' ? 'the card was asked (TEST_ONLY)' : `by properties only: ${byWhy ?? 'not asked'}`;
  return `${card} (${driver}), ${commit} commits; ${said}; nothing was changed`;
}

const text = (id: number | null): string => (id === null ? '-' : String(id));

function bufferText({ buffer }: OutputPlan): string {
  if (!buffer) return '-';
  const { width, height, format, modifier, assumed } = buffer;
  const layout = modifier === '0x0' ? '' : ` ${modifier}`;
  return `${width}x${height} ${format}${layout}${assumed ? ' (assumed)' : ''}`;
}

function explain(plan: OutputPlan): string[] {
  const {
    output,
    config,
    monitor,
    modeWhy,
    modeNote,
    mirrors,
    signal = [],
    change,
    why,
    reason,
    path,
  } = plan;
  const who = [config !== null && config !== output ? `"${config}" in the config` : '', monitor ?? ''];
  const lines = [
    who.filter((part) => part !== '').join(', '),
    modeWhy === null ? '' : `mode: ${modeNote ?? modeWhy}`,
    ...formatSettings(signal),
    mirrors === undefined ? '' : `mirrors ${mirrors}, whose size its guest is told`,
    why === undefined ? '' : `${CHANGES[change]}: ${why}`,
    reason === undefined ? '' : `${path}: ${reason}`,
  ];
  return lines.filter((line) => line !== '').map((line) => `${output}: ${line}`);
}
