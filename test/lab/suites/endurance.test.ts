import { endure } from '../harness/endurance';

const FRAMES = 10_000;
/** A heap that has not been collected for a while; a leak of 100 bytes a frame is twice that. */
const SLACK_KB = 1024;

test(`${FRAMES} frames from each of two guests leave no file descriptor, no framebuffer and no memory behind`, async () => {
  const { early, late } = await endure(FRAMES);
  expect(late.frames).toBeGreaterThanOrEqual(FRAMES);
  expect(late.fds).toBe(early.fds);
  expect(late.framebuffers).toBe(early.framebuffers);
  expect(late.residentKb - early.residentKb).toBeLessThan(SLACK_KB);
}, 1200_000);
