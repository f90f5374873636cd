import { monotonic } from '../../src/clock';
import type { Card } from '../../src/kms/card';
import { Output } from '../../src/kms/output';
import { Outputs } from '../../src/switcher/outputs';
import {
  connector,
  connectorInfo,
  driving,
  EACCES,
  FakeCard,
  FakeFramebuffer,
  fakeLog,
  FakeSource,
  settle,
  systemError,
} from './support/fake-card';
import { FakeAtomicCard } from './support/fake-atomic-card';
import { mode } from './support/modes';
import { Random } from './support/random';

const CRTCS = [40, 41, 42];
const fullHd = mode();
const wxga = mode({ clock: 71_000, hdisplay: 1280, htotal: 1440, vdisplay: 800, vtotal: 823 });

let kernel: FakeAtomicCard;
let card: Card;
let outputs: Output[];
let buffers: FakeFramebuffer[];
let sources: FakeSource[];
let log: ReturnType<typeof fakeLog>;

beforeEach(() => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'hrtime', 'Date'],
  });
  kernel = new FakeAtomicCard();
  kernel.crtcCount = CRTCS.length;
  kernel.connectors = CRTCS.map((_, index) => connectorInfo(index + 1));
  log = fakeLog();
  buffers = CRTCS.map((_, index) => new FakeFramebuffer(index + 1));
  sources = buffers.map((buffer) => new FakeSource().draw(buffer));
});

afterEach(async () => {
  kernel.patient = false;
  while (kernel.pending.length > 0) await kernel.finish();
  jest.restoreAllMocks();
  jest.useRealTimers();
  expect(kernel.wrongs).toEqual([]);
  expect([...kernel.modeBlobs]).toEqual([]);
  expect(buffers.map(({ uses }) => uses)).toEqual([0, 0, 0]);
  expect([...kernel.openDumbs]).toEqual([]);
});

const set = (): (readonly number[])[] => kernel.waited.map(({ crtcs }) => crtcs);
const shown = (): number[][] => sources.map(({ presentedFrames }) => presentedFrames);

async function passes(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settle();
}

describe('CRTCs that are to be set', () => {
  beforeEach(async () => {
    card = kernel.open();
    outputs = CRTCS.map((_, index) => new Output(card, connector(index + 1), log));
    for (const [index, output] of outputs.entries()) {
      output.rank = index;
      await output.light(CRTCS[index]!, fullHd);
    }
  });
  afterEach(async () => {
    for (const output of outputs) await output.darken();
    card.close();
  });

  const show = (...indices: number[]): void => {
    for (const index of indices) outputs[index]!.show(sources[index]!, monotonic());
  };
  const together = async (...indices: number[]): Promise<void> => {
    card.gather(() => {
      show(...indices);
    });
    await settle();
  };

  test('in a bracket are set in one commit when it closes', async () => {
    let close: () => void = () => undefined;
    const bracket = card.gather(() => {
      show(0, 1, 2);
      return new Promise<void>((resolve) => (close = resolve));
    });
    await settle();
    expect(set()).toEqual([]);
    close();
    await bracket;
    await settle();
    expect(kernel.waited).toEqual([{ crtcs: CRTCS, seamless: false }]);
    expect(shown()).toEqual([[1], [1], [1]]);
    expect(outputs.map(({ modesets }) => modesets)).toEqual([1, 1, 1]);
    expect(kernel.sets.map(({ framebuffer }) => framebuffer)).toEqual([1, 2, 3]);
  });

  test('without a bracket are set one after another, as soon as there is something to show', async () => {
    show(0, 1);
    await settle();
    expect(set()).toEqual([[40], [41]]);
  });

  test('and are so already need no modeset', async () => {
    for (const crtc of CRTCS) kernel.modes.set(crtc, fullHd);
    await together(0, 1, 2);
    expect(kernel.waited).toEqual([{ crtcs: CRTCS, seamless: true }]);
    expect(outputs.map(({ modesets }) => modesets)).toEqual([0, 0, 0]);
  });

  test('in brackets within brackets wait for the outermost', async () => {
    card.gather(() => {
      card.gather(() => {
        show(0, 1);
      });
      show(2);
    });
    await settle();
    expect(set()).toEqual([CRTCS]);
  });

  test('are set although the work in the bracket fails', async () => {
    expect(() =>
      card.gather(() => {
        show(0, 1, 2);
        throw new Error('broken');
      }),
    ).toThrow('broken');
    const rejected = card.gather(() => Promise.reject(new Error('broken, too')));
    await expect(rejected).rejects.toThrow('broken, too');
    await settle();
    expect(set()).toEqual([CRTCS]);
  });

  test('while others are set go together when that is done', async () => {
    kernel.patient = true;
    show(0);
    await settle();
    show(1, 2);
    await kernel.finish('set 40');
    kernel.patient = false;
    await kernel.finish('set 41');
    expect(set()).toEqual([[40], [41, 42]]);
  });

  test('are asked about no more when nobody is waited for', async () => {
    await together(0, 1, 2);
    let settled = false;
    void card.settled().then(() => (settled = true));
    await settle();
    expect(settled).toBe(true);
    sources[0]!.draw(buffers[0]!);
    outputs[0]!.changed();
    expect(kernel.flips.map(({ crtc }) => crtc)).toEqual([40]);
  });

  describe('but are not ready', () => {
    test('are waited for, and no longer than it takes', async () => {
      await together(0, 1);
      await passes(40);
      expect(set()).toEqual([]);
      show(2);
      await settle();
      expect(set()).toEqual([CRTCS]);
    });

    test('do not hold the others up for more than a moment, and go alone later', async () => {
      await together(0, 1);
      let settled = false;
      void card.settled().then(() => (settled = true));
      await passes(49);
      expect(set()).toEqual([]);
      expect(settled).toBe(false);
      await passes(1);
      expect(set()).toEqual([[40, 41]]);
      expect(settled).toBe(true);
      show(2);
      await settle();
      expect(set()).toEqual([[40, 41], [42]]);
    });

    test('and never come leave no trace', async () => {
      await together();
      let settled = false;
      void card.settled().then(() => (settled = true));
      await settle();
      expect(settled).toBe(false);
      await passes(50);
      expect(settled).toBe(true);
      show(0);
      await settle();
      expect(set()).toEqual([[40]]);
    });

    test('because their last flip is under way are waited for', async () => {
      await together(0, 1, 2);
      for (const [index, output] of outputs.entries()) {
        sources[index]!.draw(buffers[index]!);
        output.changed();
      }
      card.gather(() => {
        for (const output of outputs) output.renew();
      });
      for (const crtc of CRTCS) kernel.vblank(crtc);
      await settle();
      expect(set()).toEqual([CRTCS, CRTCS]);
    });
  });

  describe('and the card refuses', () => {
    test('together are set alone, the first in the config first, so that as many as possible are lit', async () => {
      kernel.capacity = 2;
      outputs.forEach((output, index) => (output.rank = (index + 1) % 3));
      await together(0, 1, 2);
      expect(set()).toEqual([[42], [40]]);
      expect(outputs.map(({ isSet }) => isSet)).toEqual([true, false, true]);
      expect(outputs[1]!.reason).toMatch(/^cannot be lit: .*ENOSPC/);
      // Its guest goes on.
      expect(shown()).toEqual([[1], [1], [1]]);
    });

    test('one of leave the others lit', async () => {
      kernel.refused.add(41);
      await together(0, 1, 2);
      expect(set()).toEqual([[40], [42]]);
      expect(log.lines.filter((line) => line.startsWith('error'))).toEqual([
        'error: Virtual-2: cannot be lit: Error: ENOSPC, ioctl(DRM_IOCTL_MODE_ATOMIC)',
      ]);
    });

    test('although it took them when it was asked are set alone', async () => {
      kernel.setErrors = [systemError('EINVAL', -22)];
      for (const crtc of CRTCS) kernel.modes.set(crtc, fullHd);
      // The test passes: the error is that of the commit.
      const { atomicSet } = kernel;
      kernel.atomicSet = async (triples, count, flags) => {
        const errors = kernel.setErrors;
        if (flags === 0x0100) kernel.setErrors = [];
        await atomicSet(triples, count, flags).finally(() => {
          if (flags === 0x0100) kernel.setErrors = errors;
        });
      };
      await together(0, 1, 2);
      expect(set()).toEqual([[40], [41], [42]]);
      expect(outputs.map(({ modesets }) => modesets)).toEqual([0, 0, 0]);
    });

    test('because it is not ours are not even tried alone; then they are set again', async () => {
      const tries = jest.spyOn(kernel, 'atomicSet');
      kernel.setErrors = [systemError('EACCES', EACCES)];
      await together(0, 1, 2);
      expect(tries).toHaveBeenCalledTimes(2);
      expect(set()).toEqual([]);
      expect(buffers.map(({ uses }) => uses)).toEqual([0, 0, 0]);
      await passes(100);
      expect(set().flat().sort()).toEqual(CRTCS);
      expect(log.lines.filter((line) => /^(warning|error)/.test(line))).toEqual([]);
    });
  });

  describe('and meanwhile', () => {
    /** Two have joined, and wait for the third. */
    beforeEach(() => together(0, 1));

    test('the card is somebody else’s: nothing is committed before it is ours again, and then all at once', async () => {
      kernel.taken = true;
      card.inFront = false;
      await passes(50);
      expect(set()).toEqual([]);
      expect(buffers.map(({ uses }) => uses)).toEqual([0, 0, 0]);
      kernel.taken = false;
      card.inFront = true;
      card.gather(() => {
        for (const output of outputs) output.renew();
        show(2);
      });
      await settle();
      expect(set()).toEqual([CRTCS]);
      expect(log.lines.filter((line) => /^(warning|error)/.test(line))).toEqual([]);
    });

    test('the monitors go to sleep: none is lit', async () => {
      card.asleep = true;
      for (const output of outputs) await output.sleep();
      await passes(50);
      expect(set()).toEqual([[], [], []]);
    });

    test('the card goes: nothing is committed, nobody waits', async () => {
      card.lose();
      for (const output of outputs) await output.abandon();
      await card.settled();
      await passes(1000);
      expect(kernel.waited).toEqual([]);
    });

    test('one goes dark: the others are set without it', async () => {
      await outputs[0]!.darken();
      show(2);
      await settle();
      expect(set()).toEqual([[], [41, 42]]);
      expect(buffers[0]!.uses).toBe(0);
    });

    test('one is to be lit another way: that it is, and never the first', async () => {
      await outputs[0]!.light(40, wxga);
      await passes(50);
      expect(kernel.modes.get(40)).toEqual(wxga);
      expect(kernel.modes.get(41)).toEqual(fullHd);
      expect(outputs.map(({ modesets }) => modesets)).toEqual([1, 1, 0]);
    });
  });

  describe('and one that goes to another connector', () => {
    beforeEach(async () => {
      await outputs[1]!.darken();
      await outputs[2]!.darken();
      show(0);
      await settle();
      kernel.waited.length = 0;
    });
    /** The first CRTC goes to the second output. Resolves when the first output has let go of all. */
    const passOn = async (ready: boolean): Promise<void> => {
      let gone = Promise.resolve();
      await card.gather(async () => {
        gone = outputs[0]!.darken(true);
        await outputs[1]!.light(40, fullHd);
        if (ready) show(1);
      });
      await gone;
    };

    test('leaves the first in the commit that lights it, and what that showed lives until then', async () => {
      kernel.patient = true;
      const gone = passOn(true);
      await settle();
      expect(buffers[0]!.uses).toBe(1);
      kernel.patient = false;
      await kernel.finish('set 40');
      await gone;
      expect(kernel.waited).toEqual([{ crtcs: [40], seamless: true }]);
      expect(buffers[0]!.uses).toBe(0);
      expect(outputs.map(({ isSet, lit }) => isSet && lit)).toEqual([false, true, false]);
    });

    test('is switched off first where that has nothing to show yet', async () => {
      const gone = passOn(false);
      await settle();
      expect(kernel.waited).toEqual([]);
      await passes(50);
      await gone;
      expect(set()).toEqual([[]]);
      show(1);
      await settle();
      expect(set()).toEqual([[], [40]]);
    });

    test('is switched off if the other cannot be lit', async () => {
      kernel.refused.add(40);
      await passOn(true);
      await settle();
      expect(set()).toEqual([[]]);
      expect(buffers[0]!.uses).toBe(0);
    });

    test('is let go of when the card goes', async () => {
      const gone = passOn(false);
      await settle();
      card.lose();
      await gone;
      expect(kernel.waited).toEqual([]);
      expect(buffers[0]!.uses).toBe(0);
    });
  });
});

describe('whatever happens in whatever order', () => {
  test.each([1, 2, 3, 4, 5, 6])('all are set in the end, and nothing is left (seed %i)', async (seed) => {
    const random = new Random(seed);
    card = kernel.open();
    outputs = CRTCS.map((_, index) => new Output(card, connector(index + 1), log));
    const bracket = (work: () => void): void => {
      const wait = random.chance(0.3);
      void card.gather(async () => {
        work();
        if (wait) await new Promise((resolve) => setTimeout(resolve, random.below(80)));
      });
    };
    const light = (index: number): Promise<void> =>
      outputs[index]!.light(CRTCS[index]!, random.chance(0.5) ? fullHd : wxga, { fit: 'none', turn: 0 });
    /** Of each output: one after another, as a look at the connectors has it. */
    const doings = CRTCS.map(() => Promise.resolve());
    const next = (index: number, work: () => Promise<void>): void => {
      doings[index] = doings[index]!.then(work);
    };
    const finish = (): void => {
      if (kernel.pending.length > 0) void kernel.finish();
    };
    for (let step = 0; step < 400; step++) {
      const index = random.below(3);
      const output = outputs[index]!;
      const deeds: (() => void)[] = [
        () => {
          bracket(() => {
            outputs.forEach((each) => {
              each.renew();
            });
          });
        },
        () => {
          bracket(() => {
            next(index, () => light(index));
          });
        },
        () => {
          if (random.chance(0.3)) next(index, () => output.darken());
        },
        () => {
          bracket(() => {
            output.show(sources[index]!, monotonic());
          });
        },
        () => {
          sources[index]!.draw(buffers[index]!);
          output.changed();
        },
        () => {
          kernel.vblank(CRTCS[index]!);
        },
        () => (kernel.patient = random.chance(0.3)),
        finish,
        finish,
        () => (kernel.setErrors = random.chance(0.5) ? [systemError('EACCES', EACCES)] : []),
        () => (kernel.capacity = random.chance(0.5) ? 2 : Infinity),
        () => {
          kernel.taken = random.chance(0.1);
          kernel.master = !kernel.taken;
          card.inFront = random.chance(0.9);
        },
      ];
      random.pick(deeds)();
      await passes(random.below(60));
    }
    kernel.taken = kernel.patient = false;
    card.inFront = true;
    kernel.capacity = Infinity;
    kernel.setErrors = [];
    const endAll = async (): Promise<void> => {
      for (let round = 0; round < 10; round++) {
        while (kernel.pending.length > 0) await kernel.finish();
        for (const crtc of CRTCS) kernel.vblank(crtc);
        await passes(100);
      }
    };
    await endAll();
    await Promise.all(doings);
    for (const [index, output] of outputs.entries()) {
      await light(index);
      output.show(sources[index]!, monotonic());
      sources[index]!.draw(buffers[index]!);
      output.renew();
    }
    await endAll();
    expect(outputs.map(({ isSet }) => isSet)).toEqual([true, true, true]);
    expect(shown().map((frames) => frames.at(-1))).toEqual(sources.map(({ frame }) => frame));
    await card.settled();
    for (const output of outputs) await output.darken();
    card.close();
  });
});

describe('a look at the connectors', () => {
  const look = async (card: FakeCard, drawn?: () => Promise<void>): Promise<Outputs> => {
    const cards = driving(card);
    const looking: Outputs = new Outputs(
      cards,
      [],
      log,
      () => {
        for (const [index, output] of looking.lit().entries()) output.show(sources[index]!, monotonic());
      },
      undefined,
      drawn,
    );
    await looking.scan();
    await settle();
    for (const output of looking.lit()) await output.darken();
    await looking.close();
    cards.close();
    return looking;
  };

  test('lights all that it finds in one commit', async () => {
    await look(kernel);
    expect(set()).toEqual([CRTCS, [], [], []]);
  });

  test('waits until our own pictures are drawn', async () => {
    await look(kernel, () => {
      expect(set()).toEqual([]);
      return Promise.resolve();
    });
    expect(set()[0]).toEqual(CRTCS);
  });

  test('lights one after another where the card has no atomic commits', async () => {
    const plain = new FakeCard();
    plain.crtcCount = CRTCS.length;
    plain.connectors = kernel.connectors;
    await look(plain, async () => {
      await settle();
      // Nobody waits for the bracket.
      expect(plain.sets.map(({ crtc }) => crtc)).toEqual(CRTCS);
    });
    expect(plain.wrongs).toEqual([]);
  });
});
