import { endure } from '../harness/endurance';

/** Nearly half an hour at 60 Hz. */
const FRAMES = 90_000;

test(`${FRAMES} frames from each of two guests that change places every few seconds: nothing grows`, async () => {
  let seconds = 0;
  const { early, late } = await endure(FRAMES, async (daemon) => {
    if (++seconds % 5 !== 0) return;
    await daemon.show('alpha', 'Virtual-2');
    await daemon.show('alpha', 'Virtual-1');
  });
  expect(late.fds).toBe(early.fds);
  expect(late.framebuffers).toBe(early.framebuffers);
  expect(late.residentKb - early.residentKb).toBeLessThan(4096);
}, 5000_000);
