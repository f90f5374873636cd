import type { HeadRef, OutputConfig } from '../config/config';
import type { Connector } from '../kms/connector';
import type { CardReader } from '../kms/reader';
import type { ModeInfo } from '../native';
import { arrange, resolveOutput, type Arrangement } from '../switcher/arrange';
import {
  assignmentOf,
  giveInOrder,
  initialLayout,
  perform,
  withKeys,
  type Layout,
  type LayoutAction,
} from '../switcher/layout';
import type { PlannedBuffer, Situation, Size, Tester } from './plan';

/** What a daemon that is started now would make of a card, live or saved. */
export function coldSituation(given: {
  readonly card: string;
  readonly commit: string;
  readonly reader: CardReader;
  readonly connectors: readonly Connector[];
  readonly outputs: readonly OutputConfig[];
  readonly guests: readonly string[];
  /** Whether the config has the secure profile. */
  readonly secure?: boolean;
  readonly action?: LayoutAction | undefined;
  buffer(head: HeadRef, size: Size): PlannedBuffer;
  readonly tester?: Tester | undefined;
  readonly untested?: string | undefined;
}): Situation {
  const { card, commit, reader, outputs, guests, secure = false, tester, untested } = given;
  const connectors = given.connectors.filter(({ writeback }) => !writeback);
  const { crtcs, maxWidth, maxHeight } = reader.resources();
  const modeOf = (crtc: number): ModeInfo | null => reader.crtc(crtc).mode;
  return {
    ...{ card, commit, reader, tester, untested },
    names: outputs.map(({ name }) => name),
    arrange: (refused) =>
      arrange(connectors, outputs, { crtcs, maxWidth, maxHeight, modeOf, indicator: secure }, (name) => ({
        ...{ crtc: 0, mode: null, key: name },
        refused: (mode) => refused(name, mode),
      })),
    now: (name) => {
      const crtc = connectors.find((connector) => connector.name === name)?.crtc ?? 0;
      return { crtc, mode: crtc === 0 ? null : modeOf(crtc) };
    },
    assignment: (arrangement) => {
      const layout = layoutOf(arrangement);
      return (key) => assignmentOf(layout, key);
    },
    buffer: (head, size) => ({ buffer: given.buffer(head, size), assumed: true }),
  };

  function layoutOf(arrangement: Arrangement): Layout {
    const lit = arrangement.outputs.filter(({ crtc }) => crtc !== 0);
    const inOrder = [...lit].sort(
      (a, b) => connectors.indexOf(a.connector) - connectors.indexOf(b.connector),
    );
    const now = { outputs: inOrder.map(({ key }) => key), guests };
    // The first that is lit has the focus.
    let layout: Layout = { ...initialLayout(outputs), focus: lit[0]?.key ?? null };
    if (outputs.length === 0) layout = giveInOrder(layout, now);
    if (!given.action) return layout;
    return perform(
      layout,
      withKeys(given.action, (text) => resolveOutput(text, arrangement.outputs, outputs)),
      now,
    );
  }
}
