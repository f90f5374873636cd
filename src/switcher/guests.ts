import { monotonic } from '../clock';
import type { HiddenRate } from '../config/config';
import type { Condition, Display, GuestHost, GuestInput, GuestLink, HeadSink } from '../guest/sink';
import type { FramebufferCache } from '../kms/framebuffers';
import { HeadView, type ViewOwner } from './head-view';

/** A guest of the config, and its heads while its process is connected. */
export interface GuestState {
  readonly link: GuestLink;
  readonly hidden: HiddenRate;
  /** Devices of its own, instead of the link's input. */
  readonly devices: GuestInput | undefined;
  readonly views: Map<number, HeadView>;
  /** Owns the framebuffers of one connection; null: not connected. */
  session: object | null;
  /** When it connected last (CLOCK_MONOTONIC, ms). */
  since: number;
  /** Why it is not connected; undefined: it has never been. */
  left: string | undefined;
  condition: Condition;
}

/** What the guests' side needs of the switcher. */
export interface GuestsOwner extends ViewOwner {
  guestChanged(guest: GuestState): void;
  displayFor(guest: string, head: number): Display | undefined;
}

/** All guests by name: turns what links say into views. */
export class Guests implements GuestHost {
  readonly #guests = new Map<string, GuestState>();

  constructor(
    private readonly owner: GuestsOwner,
    private readonly framebuffers: FramebufferCache,
  ) {}

  add(link: GuestLink, hidden: HiddenRate, devices?: GuestInput): void {
    this.#guests.set(link.guest, {
      link,
      hidden,
      devices,
      views: new Map(),
      session: null,
      since: 0,
      left: undefined,
      condition: 'running',
    });
  }

  get names(): string[] {
    return [...this.#guests.keys()];
  }

  all(): Iterable<GuestState> {
    return this.#guests.values();
  }

  get(name: string): GuestState | undefined {
    return this.#guests.get(name);
  }

  connected(link: GuestLink): void {
    const guest = this.#of(link);
    guest.session = {};
    guest.since = monotonic();
    guest.left = undefined;
    guest.condition = 'running';
    this.owner.guestChanged(guest);
  }

  disconnected(link: GuestLink, reason: string): void {
    const guest = this.#of(link);
    const { session } = guest;
    guest.session = null;
    guest.left = reason;
    const views = [...guest.views.values()];
    guest.views.clear();
    // The outputs move to another picture first, so that no view is asked for a frame it no longer has.
    this.owner.guestChanged(guest);
    for (const view of views) view.close();
    if (session) this.framebuffers.releaseOwner(session);
  }

  condition(link: GuestLink, condition: Condition): void {
    const guest = this.#of(link);
    if (guest.condition === condition) return;
    guest.condition = condition;
    this.owner.guestChanged(guest);
  }

  troubled(link: GuestLink): void {
    this.owner.guestChanged(this.#of(link));
  }

  head(link: GuestLink, index: number): HeadSink {
    const guest = this.#of(link);
    let view = guest.views.get(index);
    if (!view) {
      view = new HeadView(this.owner, link, guest.session ?? {}, this.framebuffers, index, guest.hidden);
      guest.views.set(index, view);
    }
    return view;
  }

  display(link: GuestLink, index: number): Display | undefined {
    return this.owner.displayFor(link.guest, index);
  }

  /** Some output has another mode or shows another head. */
  displaysChanged(): void {
    for (const { link } of this.#guests.values()) link.displaysChanged();
  }

  close(): void {
    for (const { link } of this.#guests.values()) link.close();
  }

  #of(link: GuestLink): GuestState {
    const guest = this.#guests.get(link.guest);
    if (!guest) throw new Error(`guest ${link.guest} is not in the config`);
    return guest;
  }
}
