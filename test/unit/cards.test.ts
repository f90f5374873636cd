import { CardError, type Card } from '../../src/kms/card';
import { Cards } from '../../src/kms/cards';
import { meantCards, openCards } from '../../src/cli/cards';
import type { Config, OutputConfig } from '../../src/config/config';
import { FakeCard, fakeLog, settle, systemError } from './support/fake-card';

const [FIRST, SECOND] = ['/dev/dri/card1', '/dev/dri/card2'];

let kernels: Map<string, FakeCard>;
/** What the next openings of a card fail with. */
let refusals: CardError['reason'][];
let opened: string[];
let log: ReturnType<typeof fakeLog>;
let cards: Cards;
let come: Card[];
let gone: string[];
let last: string[];

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  kernels = new Map([FIRST, SECOND].map((file) => [file, new FakeCard(file)]));
  refusals = [];
  [opened, come, gone, last] = [[], [], [], []];
  log = fakeLog();
  cards = new Cards((file, onLost) => {
    opened.push(file);
    const reason = refusals.shift();
    if (reason) throw new CardError(reason, `${file}: ${reason}`);
    return kernels.get(file)!.open(onLost);
  }, log);
  cards.onCome = (card) => come.push(card);
  cards.onGone = (card, error) => {
    gone.push(`${card.name}: ${error.message}`);
    return Promise.resolve();
  };
  cards.onLast = (error) => last.push(error.message);
});
afterEach(() => {
  cards.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('a card that comes', () => {
  beforeEach(() => {
    cards.open(FIRST);
    opened = [];
  });

  test('is opened at once, and once', () => {
    cards.come(SECOND);
    cards.come(SECOND);
    cards.come(FIRST);
    expect(opened).toEqual([SECOND]);
    expect(come.map(({ name }) => name)).toEqual(['card2']);
    expect(cards.all.map(({ device }) => device)).toEqual([FIRST, SECOND]);
  });

  test('is asked for again until its permissions are set', () => {
    refusals = ['permission', 'permission', 'busy'];
    cards.come(SECOND);
    cards.come(SECOND);
    expect([opened.length, come.length]).toEqual([1, 0]);
    jest.advanceTimersByTime(300);
    expect([opened.length, come.length]).toEqual([4, 1]);
    expect(log.lines).toEqual([]);
  });

  test.each(['permission', 'busy'] as const)(
    'that does not let us in (%s) is left alone, until it is told of again',
    (reason) => {
      refusals = Array.from({ length: 30 }, () => reason);
      cards.come(SECOND);
      jest.advanceTimersByTime(60_000);
      expect(opened).toHaveLength(30);
      expect(log.lines).toEqual([`warning: ${SECOND}: ${reason}`]);
      expect(cards.all).toHaveLength(1);
      cards.come(SECOND);
      expect(come).toHaveLength(1);
    },
  );

  test('and goes again meanwhile is not asked for any more', () => {
    refusals = ['permission'];
    cards.come(SECOND);
    cards.go(SECOND);
    jest.advanceTimersByTime(60_000);
    expect([opened.length, come.length, gone.length]).toEqual([1, 0, 0]);
  });

  test('and only renders is not asked again before another has its name', () => {
    refusals = ['unusable'];
    cards.come(SECOND);
    cards.come(SECOND);
    expect(opened).toHaveLength(1);
    expect(log.lines).toEqual([`debug: ${SECOND}: unusable`]);
    cards.go(SECOND);
    cards.come(SECOND);
    expect(come).toHaveLength(1);
  });

  test('sleeps if the others do', () => {
    cards.asleep = true;
    cards.come(SECOND);
    expect(cards.all.map(({ hidden }) => hidden)).toEqual([true, true]);
    cards.asleep = false;
    expect(cards.all.map(({ hidden }) => hidden)).toEqual([false, false]);
  });
});

test('none comes any more at the end', () => {
  cards.open(FIRST);
  cards.stop();
  cards.come(SECOND);
  expect(opened).toEqual([FIRST]);
});

describe('a card that goes', () => {
  let second: Card;
  beforeEach(() => {
    cards.open(FIRST);
    second = cards.open(SECOND);
  });

  test.each([
    [
      'udev says so',
      () => {
        cards.go(SECOND);
      },
      `${SECOND} has been removed`,
    ],
    [
      'it says so itself',
      () => {
        kernels.get(SECOND)!.vanish();
      },
      'card2: the card is gone (errno 19)',
    ],
    [
      'it cannot be read',
      () => {
        cards.check(second, systemError('ENODEV', -19));
      },
      `${SECOND} has gone`,
    ],
  ])(
    '%s: nothing is committed there any more, and it is closed when nobody uses it',
    async (_name, vanish, message) => {
      // prettier-ignore
      let unused: () => void = () => undefined;
      cards.onGone = (card, error) => {
        gone.push(`${card.name}: ${error.message}`);
        return new Promise((resolve) => (unused = resolve));
      };
      vanish();
      vanish();
      expect(gone).toEqual([`card2: ${message}`]);
      expect(cards.all.map(({ device }) => device)).toEqual([FIRST]);
      expect([second.paused, second.busy]).toEqual([true, true]);
      expect(kernels.get(SECOND)!.abandoned).toBe(false);
      unused();
      await settle();
      expect(kernels.get(SECOND)!.abandoned).toBe(true);
      expect(last).toEqual([]);
    },
  );

  test('and cannot be let go of in peace is closed all the same', async () => {
    cards.onGone = () => Promise.reject(new Error('no'));
    cards.go(SECOND);
    await settle();
    expect(kernels.get(SECOND)!.abandoned).toBe(true);
    expect(log.lines).toEqual(['error: card2: Error: no']);
  });

  test('comes back, and is another', async () => {
    cards.go(SECOND);
    await settle();
    kernels.set(SECOND, new FakeCard(SECOND));
    cards.come(SECOND);
    expect(come).toHaveLength(1);
    expect(come[0]).not.toBe(second);
    expect(cards.all).toHaveLength(2);
  });

  test('as the last one is said, and stays what there is', () => {
    cards.go(FIRST);
    cards.go(SECOND);
    kernels.get(SECOND)!.vanish();
    expect(last).toEqual([`${SECOND} has been removed`, 'card2: the card is gone (errno 19)']);
    expect(cards.all.map(({ device }) => device)).toEqual([SECOND]);
  });

  test('but not for an error that says something else', () => {
    expect(cards.check(second, systemError('EINVAL', -22))).toBe(true);
    expect(cards.all).toHaveLength(2);
  });
});

describe('of the cards that are here', () => {
  const dell = {
    maker: 'DEL',
    manufacturer: 'DEL',
    product: 1,
    name: 'DELL U2720Q',
    serial: 0,
    serialText: 'X1',
  };
  const connectors = [
    { card: 'card1', name: 'DP-1' },
    { card: 'card2', name: 'HDMI-A-1', identity: dell as never },
  ];
  const here = (choice: Config['cards'], ...names: string[]): Promise<readonly string[]> => {
    const outputs = names.map((name): OutputConfig => ({ name, mode: 'preferred' }));
    return meantCards({ cards: choice, outputs }, [FIRST, SECOND], (card) =>
      Promise.resolve(connectors.filter((connector) => connector.card === card)),
    );
  };

  test.each<[string, Config['cards'], string[], string[]]>([
    ['all', { by: 'all' }, [], [FIRST, SECOND]],
    ['those that are named', { by: 'name', files: [SECOND, '/dev/dri/card9'] }, ['DP-1'], [SECOND]],
    ['those that had outputs of the config', { by: 'outputs', files: [FIRST] }, [], [FIRST]],
    ['those that have some now', { by: 'outputs', files: ['/dev/dri/card9'] }, ['HDMI-A-1'], [SECOND]],
    [
      'those with monitors of the config',
      { by: 'outputs', files: [] },
      ['Dell Inc. DELL U2720Q *'],
      [SECOND],
    ],
    ['none but the first that was found', { by: 'monitor' }, [], []],
  ])('the config means %s', async (_name, choice, outputs, expected) => {
    expect(await here(choice, ...outputs)).toEqual(expected);
  });
});

describe('at start', () => {
  const nobody = { openDevice: () => -13, closeDevice: () => undefined };
  /** Opens what is named; some refuse. */
  const start = (refused: Partial<Record<string, CardError['reason']>>): Promise<void> =>
    openCards({ by: 'name', files: [FIRST, SECOND, FIRST] }, nobody, (file) => {
      const reason = refused[file];
      if (reason) return Promise.reject(new CardError(reason, `${file}: ${reason}`));
      opened.push(file);
      return Promise.resolve();
    });

  test('each of several cards is opened, once', async () => {
    await start({});
    expect(opened).toEqual([FIRST, SECOND]);
  });

  test.each(['absent', 'busy', 'permission', 'unusable'] as const)(
    'one may be %s, if there is another',
    async (reason) => {
      await start({ [FIRST]: reason });
      expect(opened).toEqual([SECOND]);
    },
  );

  test.each([
    ['absent', 'busy', `${SECOND}: busy`],
    ['permission', 'busy', `${FIRST}: permission`],
    ['unusable', 'absent', `${FIRST}: unusable`],
  ] as const)('none: %s and %s', async (first, second, message) => {
    await expect(start({ [FIRST]: first, [SECOND]: second })).rejects.toThrow(message);
  });

  test('what is wrong in ourselves is not taken for a missing card', async () => {
    const wrong = openCards({ by: 'name', files: [FIRST] }, nobody, () =>
      Promise.reject(new TypeError('no')),
    );
    await expect(wrong).rejects.toThrow(TypeError);
  });
});
