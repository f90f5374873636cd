import type { Config, HeadRef } from '../config/config';
import type { Card } from '../kms/card';
import type { Cards } from '../kms/cards';
import { assignmentOf, initialLayout, type Layout, type LayoutAction } from '../switcher/layout';
import type { Controller } from '../switcher/controller';
import { assumedBuffer, type Assumption } from './assumption';
import { makePlan, type Plan, type PlannedBuffer, type PlannedCard, type Situation } from './plan';
import { TestCommits } from './tester';

/**
 * What a running daemon would do, with another config or by an action; with its guests' own buffers where it has them.
 */
export async function planOfDaemon(
  cards: Cards,
  controller: Controller,
  wish: {
    readonly config?: Config | undefined;
    readonly action?: LayoutAction | undefined;
    readonly assumption: Assumption;
  },
): Promise<Plan> {
  // By itself: no worker must hold the locks that the questions take.
  const work = cards.all.reduce<() => Promise<Plan>>(
    (next, card) => () => card.exclusive(next),
    () => makePlan(situation(cards, controller, wish)),
  );
  return await work();
}

function plannedCard(card: Card): PlannedCard {
  const atomic = card.commit.name === 'atomic';
  return {
    card: card.native.path,
    commit: card.commit.name,
    reader: card.native,
    tester: atomic ? new TestCommits(card) : undefined,
    untested: atomic ? undefined : 'the daemon was started with --legacy, or the card is not atomic',
  };
}

function situation(
  cards: Cards,
  controller: Controller,
  { config, action, assumption }: Parameters<typeof planOfDaemon>[2],
): Situation {
  const { outputs } = controller;
  const layout: Layout = config
    ? initialLayout(config.outputs)
    : action
      ? controller.preview(action)
      : controller.layout;
  const real = (head: HeadRef): PlannedBuffer | undefined => {
    const { framebuffer, viewport } = controller.guests.get(head.guest)?.views.get(head.head)?.screen ?? {};
    if (!framebuffer || !viewport) return undefined;
    const { format, modifierHigh, modifierLow } = framebuffer.layout;
    const modifier = (BigInt(modifierHigh) << 32n) | BigInt(modifierLow);
    return { width: viewport.width, height: viewport.height, format, modifier };
  };
  const planned = new Map(cards.all.map((card) => [card, plannedCard(card)]));
  const assumes = Object.values(assumption).some((value) => value !== undefined);
  const isShown = (head: HeadRef): boolean =>
    action?.kind !== 'show' || (action.head.guest === head.guest && action.head.head === head.head);
  return {
    cards: [...planned.values()],
    cardOf: (name) => planned.get(outputs.get(name)!.card)!,
    names: (config?.outputs ?? outputs.configs).map(({ name }) => name),
    arrange: (refused, screen) =>
      outputs.preview(config?.outputs, refused, config ? config.secure !== undefined : undefined, screen),
    now: (name) => {
      const output = outputs.get(name);
      return output && { crtc: output.crtc, mode: output.settledMode, shows: controller.assignment(name) };
    },
    assignment: () => (key) => assignmentOf(layout, key),
    buffer: (head, size) => {
      if (assumes && isShown(head)) return { buffer: assumedBuffer(assumption, size), assumed: true };
      const buffer = real(head);
      // Of pixels in messages the size is known.
      const screen = controller.guests.get(head.guest)?.views.get(head.head)?.size ?? size;
      return { buffer: buffer ?? assumedBuffer(assumption, screen), assumed: buffer === undefined };
    },
  };
}
