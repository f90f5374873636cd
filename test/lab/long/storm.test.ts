import { storm } from '../harness/storm';

test('500 events at random leave every panel right and nothing behind', async () => {
  const { before, after } = await storm(500, 2026);
  expect(after).toEqual(before);
}, 3600_000);
