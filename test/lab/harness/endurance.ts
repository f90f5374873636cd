import { Daemon } from './daemon';
import { eventually } from './eventually';
import { leastHeld } from './held';
import { residentKb } from './kernel';
import { PictureGuest } from './picture-guest';
import { moves } from './witness';

const OUTPUTS = ['Virtual-1', 'Virtual-2'] as const;
const GUESTS = ['alpha', 'beta'] as const;

interface Measurement {
  readonly frames: number;
  readonly fds: number;
  readonly framebuffers: number;
  readonly residentKb: number;
}

/**
 * Two guests show `frames` frames each, as fast as two panels take them; what the daemon holds is measured at the
 * thousandth frame and at the last, and `meanwhile` is called about once a second.
 */
export async function endure(
  frames: number,
  meanwhile: (daemon: Daemon) => Promise<void> = () => Promise.resolve(),
): Promise<{ early: Measurement; late: Measurement }> {
  const outputs = Object.fromEntries(OUTPUTS.map((name, index) => [name, { show: GUESTS[index] }]));
  const daemon = await Daemon.start({ guests: GUESTS, outputs });
  const guests = GUESTS.map((name) => new PictureGuest(daemon.socket(name), name));
  const frameCount = async (): Promise<number> => {
    const { guests: all } = await daemon.status();
    return Math.min(...all.map(({ heads }) => heads[0]?.frames ?? 0));
  };
  const measure = async (): Promise<Measurement> => {
    const held = await leastHeld(daemon);
    return { frames: await frameCount(), ...held, residentKb: residentKb(daemon.pid) };
  };
  const after = (count: number): Promise<Measurement> =>
    eventually(async () => {
      await meanwhile(daemon);
      const shown = await frameCount();
      if (shown < count) throw new Error(`${shown} of ${count} frames`);
      return await measure();
    }, 120 + frames / 10, 1000); // prettier-ignore
  const early = await after(1000);
  const lit = (await daemon.status()).outputs;
  const late = await after(frames);
  console.log(
    `after ${early.frames} frames: ${JSON.stringify(early)}; after ${late.frames}: ${JSON.stringify(late)}`,
  );
  for (const [index, guest] of guests.entries()) {
    await moves(OUTPUTS[index]!, await guest.pictures());
    const { modesets } = lit.find(({ output }) => output === OUTPUTS[index])!;
    expect(await daemon.output(OUTPUTS[index]!)).toMatchObject({ path: 'direct', modesets });
  }
  for (const guest of guests) {
    const stats = await guest.stop();
    // Ended while it waited for the last answer, perhaps.
    expect(stats.frames - stats.acks).toBeLessThanOrEqual(1);
    expect(stats.connections).toBe(1);
  }
  await daemon.stop();
  return { early, late };
}
