import type { GuestInput, Place } from '../guest/sink';
import { neighbour, type Border } from '../input/seamless';
import type { GuestState } from './guests';
import type { Seat } from './seats';

/** A head that takes keys and a pointer. */
export interface Taker {
  readonly guest: GuestState;
  readonly input: GuestInput;
  readonly head: number;
}

/**
 * What is around the screen that has a seat's pointer. `takerOn`: who would take it on another output of the seat;
 * `enter`: the pointer comes there, at a place of the screen.
 */
export function borderOf(
  seat: Seat,
  from: Taker,
  takerOn: (key: string) => Taker | undefined,
  enter: (key: string, at: Place) => void,
): Border {
  // A screen that the pointer could not leave again is not entered without a hotkey.
  const takes = (key: string): boolean => {
    const to = takerOn(key);
    if (!to || (to.input === from.input && to.head === from.head)) return false;
    return to.input.absolute(to.head) || pointerOf(to, { x: 0, y: 0 });
  };
  return {
    pointer: (at) => pointerOf(from, at),
    crossed: (edge, at) => {
      if (seat.focus === null || seat.help !== null) return;
      const to = neighbour(seat.rows, seat.focus, edge, at, takes);
      if (to !== undefined) enter(to, at);
    },
  };
}

/** Where a head's pointer is: where it was told to be, else where its guest shows it; false: nobody knows. */
function pointerOf({ guest, input, head }: Taker, at: Place): boolean {
  if (input.absolute(head)) return input.pointer?.(head, at) ?? false;
  return guest.views.get(head)?.pointer(at) ?? false;
}
