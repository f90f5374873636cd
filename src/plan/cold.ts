import type { HeadRef, OutputConfig } from '../config/config';
import type { Connector } from '../kms/connector';
import type { Size } from '../kms/fitting';
import { arrange, resolveOutput, type Arrangement, type CardConnectors } from '../switcher/arrange';
import {
  assignmentOf,
  giveInOrder,
  initialLayout,
  perform,
  withKeys,
  type Layout,
  type LayoutAction,
} from '../switcher/layout';
import type { PlannedBuffer, PlannedCard, Situation } from './plan';

/** A card that is not driven by us, and its connectors. */
export interface ColdCard extends PlannedCard {
  readonly connectors: readonly Connector[];
}

/** What a daemon that is started now would make of cards, live or saved. */
export function coldSituation(given: {
  readonly cards: readonly ColdCard[];
  readonly outputs: readonly OutputConfig[];
  readonly guests: readonly string[];
  /** Whether the config has the secure profile. */
  readonly secure?: boolean;
  readonly action?: LayoutAction | undefined;
  buffer(head: HeadRef, size: Size): PlannedBuffer;
}): Situation {
  const { cards, outputs, guests, secure = false } = given;
  const here = cards.map(({ connectors, reader }): CardConnectors => {
    const { crtcs, maxWidth, maxHeight } = reader.resources();
    return {
      connectors: connectors.filter(({ writeback }) => !writeback),
      limits: { crtcs, maxWidth, maxHeight, indicator: secure, modeOf: (crtc) => reader.crtc(crtc).mode },
    };
  });
  const connectors = here.flatMap((card) => card.connectors);
  const isOn = (name: string, card: CardConnectors): boolean =>
    card.connectors.some((connector) => connector.name === name);
  return {
    cards,
    cardOf: (name) => cards[here.findIndex((card) => isOn(name, card))]!,
    names: outputs.map(({ name }) => name),
    arrange: (refused, screen) =>
      arrange(here, outputs, (name) => ({
        ...{ crtc: 0, mode: null, key: name, screen: screen(name) },
        refused: (mode) => refused(name, mode),
      })),
    now: (name) => {
      const crtc = connectors.find((connector) => connector.name === name)?.crtc ?? 0;
      const { limits } = here.find((card) => isOn(name, card))!;
      return { crtc, mode: crtc === 0 ? null : limits.modeOf(crtc) };
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
