import { storm } from '../harness/storm';

test('60 events at random leave every panel right and nothing behind', async () => {
  const { before, after } = await storm(60, 20, 20);
  expect(after).toEqual(before);
});
