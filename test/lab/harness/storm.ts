import { Random } from '../../unit/support/random';
import { Daemon } from './daemon';
import { eventually, pause } from './eventually';
import { Image } from './image';
import { fdCount, framebufferCount } from './kernel';
import { Keyboard } from './keyboard';
import { Panels } from './panels';
import { PictureGuest } from './picture-guest';
import { PixelBuffer, WireGuest } from './wire-guest';
import { shows } from './witness';

const { lab } = Panels;
const OUTPUTS = ['Virtual-1', 'Virtual-2', 'Virtual-3'] as const;
const GUESTS = ['moving', 'still', 'resizing'] as const;
const [WIDTH, HEIGHT] = [1024, 768];

/** What is held while nothing happens. */
interface Held {
  readonly fds: number;
  readonly framebuffers: number;
}

/** A guest that is asked for a screen of another size now and then, of which it knows how each looks on the panel. */
class ResizingGuest {
  pictures: ReadonlySet<number> = new Set();
  #wire: WireGuest | undefined;
  #buffer: PixelBuffer | undefined;

  constructor(private readonly socket: string) {}

  async resize(random: Random): Promise<void> {
    const image = Image.pattern(
      64 + random.below(WIDTH - 63),
      64 + random.below(HEIGHT - 63),
      random.below(256),
    );
    if (this.#wire?.ended !== undefined) this.#wire = undefined;
    this.#wire ??= await WireGuest.join(this.socket);
    const buffer = await PixelBuffer.of(image);
    await this.#wire.present(buffer);
    this.#buffer?.close();
    this.#buffer = buffer;
    this.pictures = new Set([image.centredOn(WIDTH, HEIGHT).crc]);
  }

  leave(): void {
    this.#wire?.close();
    this.#wire = undefined;
    this.#buffer?.close();
    this.#buffer = undefined;
  }
}

/**
 * Everything that can happen to a daemon, in an order that looks random and is the same for a seed: monitors come and
 * go, guests die, come back and change size, hotkeys and commands switch, while nobody waits for anything. Every
 * `calm` events, and at the end, the dust settles and every panel has to show just what it should.
 */
export async function storm(events: number, seed: number, calm = 25): Promise<{ before: Held; after: Held }> {
  const random = new Random(seed);
  const daemon = await Daemon.start({
    guests: GUESTS,
    outputs: Object.fromEntries(OUTPUTS.map((name, index) => [name, { show: GUESTS[index] }])),
  });
  const keyboard = await Keyboard.plug(daemon);
  const processes = new Map(
    (['moving', 'still'] as const).map((name) => [name, start(daemon, name)] as const),
  );
  const resizing = new ResizingGuest(daemon.socket('resizing'));
  const plugged = new Set([0, 1, 2]);
  const happened = new Map<string, number>();
  const deeds: Record<string, () => Promise<void> | void> = {
    plug: async () => {
      const connector = random.below(3);
      if (plugged.delete(connector)) return lab.unplug(connector);
      plugged.add(connector);
      return lab.plug(connector);
    },
    replug: async () => {
      const connector = random.below(3);
      await lab.unplug(connector);
      if (random.chance(0.5)) await pause(random.below(100));
      await lab.plug(connector);
      plugged.add(connector);
    },
    show: () => daemon.show(random.pick(GUESTS), random.pick(OUTPUTS)).catch(ifDark),
    hotkey: () => {
      keyboard.tap(
        'ScrollLock',
        'ScrollLock',
        random.pick(['N', 'P', 'S', 'Tab', 'B', 'Digit1', 'Digit2', 'Digit3']),
      );
    },
    kill: async () => {
      const name = random.pick(['moving', 'still'] as const);
      await processes.get(name)!.kill();
      processes.set(name, start(daemon, name));
    },
    resize: () => resizing.resize(random),
    leave: () => {
      resizing.leave();
    },
  };
  const names = ['plug', 'replug', 'show', 'show', 'hotkey', 'hotkey', 'kill', 'resize', 'resize', 'leave'];

  const settle = async (): Promise<Held> => {
    for (const connector of [0, 1, 2]) if (!plugged.has(connector)) await lab.plug(connector);
    [0, 1, 2].forEach((connector) => plugged.add(connector));
    // Its buffers are kept while it is there, as they may come again.
    resizing.leave();
    await resizing.resize(random);
    const pictures: Record<string, () => Promise<ReadonlySet<number>>> = {
      moving: () => processes.get('moving')!.pictures(),
      still: () => processes.get('still')!.pictures(),
      resizing: () => Promise.resolve(resizing.pictures),
    };
    for (const name of OUTPUTS) {
      const { guest, blank } = await eventually(async () => {
        const output = await daemon.output(name);
        expect(output).toMatchObject({ lit: true });
        if (output.guest !== null && !output.blank) expect(output.link).toBe('connected');
        expect(output.path).toBe(output.guest === null || output.blank ? 'picture' : 'direct');
        return output;
      });
      if (guest !== null && !blank) await shows(name, await pictures[guest]!());
      else await shows(name, (await daemon.screenshot(name)).png.image.crc);
    }
    return await held(daemon);
  };

  const before = await settle();
  for (let event = 1; event <= events; event++) {
    const name = random.pick(names);
    happened.set(name, (happened.get(name) ?? 0) + 1);
    await deeds[name]!();
    if (random.chance(0.3)) await pause(random.below(200));
    if (event % calm === 0) await settle();
  }
  const after = await settle();
  console.log(
    `${events} events: ${JSON.stringify(Object.fromEntries(happened))}; ${JSON.stringify({ before, after })}`,
  );
  resizing.leave();
  for (const guest of processes.values()) await guest.stop();
  keyboard.unplug();
  await daemon.stop();
  return { before, after };
}

function start(daemon: Daemon, name: 'moving' | 'still'): PictureGuest {
  return new PictureGuest(daemon.socket(name), name, ...(name === 'still' ? ['--static'] : []));
}

/** What is never less than this is held: a frame brings a file descriptor that lives for a moment. */
async function held(daemon: Daemon): Promise<Held> {
  let last: Held | undefined;
  return eventually(async () => {
    const least = { fds: Infinity, framebuffers: Infinity };
    for (let sample = 0; sample < 20; sample++) {
      least.fds = Math.min(least.fds, fdCount(daemon.pid));
      least.framebuffers = Math.min(least.framebuffers, framebufferCount());
      await pause(20);
    }
    // A guest that has just come may have shown only some of its buffers yet.
    const before = last;
    last = least;
    expect(least).toEqual(before);
    return least;
  });
}

/** Nothing can be shown on an output without a monitor; that is an answer, not a failure. */
function ifDark(error: unknown): void {
  if (!/no monitor|dark|not connected/.test(String(error))) throw error;
}
