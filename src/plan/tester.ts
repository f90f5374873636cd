import { XR24 } from '../fourcc';
import type { Card } from '../kms/card';
import type { Target } from '../kms/commit';
import { opaque } from '../kms/formats';
import { isNativeError, type NativeDumb } from '../native';
import type { PlannedBuffer, Probe, Tester } from './plan';

/** Asks a card of which we are the master, with buffers of its own that live as long as the question. */
export class TestCommits implements Tester {
  constructor(private readonly card: Card) {}

  async probe(
    target: Target,
    lit: boolean,
    { width, height, format }: PlannedBuffer,
  ): Promise<Probe | undefined> {
    // Some formats only guests can make: where they lie is asked about with another.
    const dumb = (await this.#dumb(width, height, format)) ?? (await this.#dumb(width, height, XR24));
    return (
      dumb && {
        framebuffer: dumb.framebuffer,
        accepts: (scanout) => this.card.commit.accepts(target, lit, scanout),
        isSeamless: (scanout) => this.card.commit.isSeamless(target, scanout),
        close: () => {
          dumb.close();
        },
      }
    );
  }

  async #dumb(width: number, height: number, format: number): Promise<NativeDumb | undefined> {
    try {
      const options = { width, height, format: opaque(format), fill: 0, framebuffer: true };
      return await this.card.native.createDumb(options);
    } catch (error) {
      if (isNativeError(error)) return undefined;
      throw error;
    }
  }
}
