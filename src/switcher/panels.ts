import { monotonic } from '../clock';
import type { HeadRef } from '../config/config';
import type { Condition } from '../guest/sink';
import { modeName } from '../kms/modes';
import type { Output } from '../kms/output';
import type { Log } from '../log';
import type { Guests, GuestState } from './guests';
import type { HeadView } from './head-view';
import type { HelpLine } from './help';
import { headName, type Assignment } from './layout';
import { Pictures, type Caption } from './pictures';

/**
 * A guest that has just connected has a picture in a moment: one that says it has none would cost the attaching more
 * time than all the rest of it (measured: 31 ms to the first commit instead of 12), and flicker.
 */
const SETTLE_MS = 250;

/** What an output shows instead of the head it is given. */
export type Cover = 'help' | 'panic';

/** Puts on each panel the head that its output is given, or a picture that says why there is none. */
export class Panels {
  readonly #pictures = new Pictures();
  /** The newest picture asked for per output; drawing one takes a moment. */
  readonly #wishes = new Map<Output, Promise<void>>();
  /** Guests that were shown before this process started may still come back. */
  #waits = false;
  #patience: NodeJS.Timeout | undefined;
  /** Runs while a guest settles. */
  #settling: NodeJS.Timeout | undefined;

  constructor(
    private readonly guests: Guests,
    private readonly help: (output: Output) => readonly HelpLine[],
    private readonly log: Log,
    /** What was left as it is may have to change now. */
    private readonly again: () => void,
  ) {}

  /** A panel that shows what was there before us is left alone until a guest has something for it. */
  wait(): void {
    this.#waits = true;
  }

  /** But for so long only, in ms, from now on. */
  waitNoLonger(ms: number): void {
    this.#patience = setTimeout(() => {
      this.#waits = false;
      this.again();
    }, ms);
  }

  /** Takes an output from what it shows to what it should show; `requested` as for {@link Output.show}. */
  show(output: Output, assignment: Assignment, cover: Cover | undefined, requested: number): void {
    const { head, blank } = assignment;
    const guest = head ? this.guests.get(head.guest) : undefined;
    const view = guest?.views.get(head?.head ?? 0);
    const whose = head && !blank && !cover ? headName(head) : '';
    const shown = view?.hasContent && !blank && !cover && output.lit ? view : undefined;
    for (const other of this.#viewsOn(output)) if (other !== shown) other.leave(output);
    this.#wishes.delete(output);
    if (shown) output.show(shown.showOn(output), requested, whose);
    if (shown || !output.lit || (this.#waits && output.frames === 0)) return;
    if (!blank && !cover && guest && this.#settles(guest, output)) return;
    const wish = this.#pictures.get(output, this.#captionOf(output, assignment, cover, guest)).then(
      (picture) => {
        // Something else may be wanted by now.
        if (this.#wishes.get(output) === wish) output.show(picture, requested, whose);
      },
      (error: unknown) => {
        if (this.#wishes.get(output) === wish)
          this.log.error(`${output.name}: drawing a picture: ${String(error)}`);
      },
    );
    this.#wishes.set(output, wish);
  }

  /** Guests are answered as hidden ones are; what the panel shows stays. */
  leave(output: Output): void {
    for (const view of this.#viewsOn(output)) view.leave(output);
  }

  /** The output is no more. */
  forget(output: Output): void {
    this.#wishes.delete(output);
    this.#pictures.forget(output);
    for (const { views } of this.guests.all()) for (const view of views.values()) view.forget(output);
  }

  /** Resolves when all pictures asked for are on their outputs. */
  async drawn(): Promise<void> {
    await Promise.all(this.#wishes.values());
  }

  /** Asks for nothing more. */
  stop(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#settling);
    this.#wishes.clear();
  }

  /** Frees the pictures; outputs show none of them any more. */
  close(): Promise<void> {
    return this.#pictures.close();
  }

  /** Whether a guest may yet show something, and the panel shows no other guest meanwhile. */
  #settles({ session, since, condition }: GuestState, output: Output): boolean {
    const left = since + SETTLE_MS - monotonic();
    if (!session || condition !== 'running' || left <= 0 || (output.source && !output.source.picture))
      return false;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.again();
    }, left);
    return true;
  }

  #viewsOn(output: Output): HeadView[] {
    const found: HeadView[] = [];
    for (const { views } of this.guests.all()) {
      for (const view of views.values()) if (view.isOn(output)) found.push(view);
    }
    return found;
  }

  #captionOf(
    output: Output,
    { head, blank }: Assignment,
    cover: Cover | undefined,
    guest: GuestState | undefined,
  ): Caption {
    if (cover === 'help') return { headline: 'hotkeys', lines: this.help(output) };
    if (blank) return { headline: '', detail: '' };
    if (cover === 'panic') return PANIC;
    return absence(output, head, guest);
  }
}

/** Why a guest is not on the panel. */
function absence(output: Output, head: HeadRef | null, guest: GuestState | undefined): Caption {
  const where = output.mode ? `${output.name}  ${modeName(output.mode)}` : output.name;
  if (!head || !guest) return { headline: 'no guest here', detail: where };
  const name = headName(head);
  const { link, session, left, condition } = guest;
  if (session) {
    const wake = condition === 'asleep' ? `\nwake it: kms-switcher send ${name} wake` : '';
    return { headline: CONDITIONS[condition].replace('?', name), detail: `${where}${wake}` };
  }
  const what = `${link.kind} ${link.address}`;
  if (left === undefined)
    return { headline: `waiting for ${name}`, detail: [where, link.trouble ?? what].join('\n') };
  const waiting = link.trouble ?? `${left}: waiting for it to come back`;
  return { headline: `${name} is gone`, detail: `${where}\n${waiting}` };
}

const PANIC: Caption = {
  headline: 'all guests are hidden',
  detail: 'until the same hotkey again, or kms-switcher panic --off',
};

/** What is said of a guest that shows nothing. */
const CONDITIONS: Readonly<Record<Condition, string>> = {
  running: '? has its display off',
  paused: '? is paused',
  asleep: '? is asleep',
  restarting: '? is restarting',
  crashed: '? has crashed',
  'shut down': '? has shut down',
};
