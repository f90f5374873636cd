import { planAgrees } from '../harness/layouts';

test('200 random layouts: status says what plan said before', async () => {
  const tally = await planAgrees(200, 1000);
  process.stdout.write(`plan agrees: ${JSON.stringify(tally)}\n`);
  expect(tally.layouts).toBeGreaterThanOrEqual(200);
  for (const path of ['direct', 'copy', 'picture', 'refused', 'dark']) expect(tally[path]).toBeGreaterThan(0);
}, 3000_000);
