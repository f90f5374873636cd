import type { Output } from '../kms/output';
import { Picture } from '../kms/picture';

/** What a picture of our own says: a few words, or a table of lines with two columns. */
export type Caption =
  | { readonly headline: string; readonly detail: string }
  | { readonly headline: string; readonly lines: readonly (readonly [string, string])[] };

/** The pictures of outputs that show no guest: one per output, drawn when first wanted, freed once off the panel. */
export class Pictures {
  readonly #current = new Map<Output, { key: string; picture: Promise<Picture> }>();
  readonly #retired = new Set<{ output: Output; picture: Picture }>();
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** The picture with this caption in the size of the output's mode. The last one of this output is given up. */
  get(output: Output, caption: Caption): Promise<Picture> {
    const { width, height } = output;
    const key = `${width}x${height} ${JSON.stringify(caption)}`;
    const current = this.#current.get(output);
    if (current?.key === key) return current.picture;
    if (current) this.#retire(output, current.picture);
    const { native } = output.card;
    const picture =
      'lines' in caption
        ? Picture.table(native, width, height, caption.headline, caption.lines)
        : Picture.draw(native, width, height, caption.headline, caption.detail);
    this.#current.set(output, { key, picture });
    // One that could not be drawn is drawn anew when it is wanted again.
    picture.catch(() => {
      if (this.#current.get(output)?.picture === picture) this.#current.delete(output);
    });
    return picture;
  }

  /** The output is no more: frees what it showed. */
  forget(output: Output): void {
    const current = this.#current.get(output);
    this.#current.delete(output);
    if (current) this.#retire(output, current.picture);
  }

  /** Frees everything; outputs show none of it any more. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#closed = true;
    for (const { picture } of this.#retired) picture.close();
    for (const { picture } of this.#current.values()) (await picture).close();
  }

  #retire(output: Output, drawing: Promise<Picture>): void {
    drawing.then(
      (picture) => {
        if (this.#closed) {
          picture.close();
          return;
        }
        this.#retired.add({ output, picture });
        // A picture may be in flight or on the panel for some vblanks more.
        this.#sweep ??= setInterval(() => {
          this.#free();
        }, 500);
      },
      () => undefined, // It was never drawn; whoever asked for it has been told.
    );
  }

  #free(): void {
    for (const retired of this.#retired) {
      if (retired.output.holds(retired.picture)) continue;
      retired.picture.close();
      this.#retired.delete(retired);
    }
    if (this.#retired.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
