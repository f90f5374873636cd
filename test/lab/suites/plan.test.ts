import { planAgrees } from '../harness/layouts';

test('40 random layouts: status says what plan said before', async () => {
  const tally = await planAgrees(40, 1);
  process.stdout.write(`plan agrees: ${JSON.stringify(tally)}\n`);
  for (const path of ['direct', 'copy', 'picture', 'refused', 'dark']) expect(tally[path]).toBeGreaterThan(0);
}, 600_000);
