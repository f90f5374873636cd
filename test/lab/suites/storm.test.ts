import { Storm } from '../harness/storm';

test('60 events at random leave every panel right and nothing behind', () =>
  Storm.play(60, 20, { calm: 20 }));
