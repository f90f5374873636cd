import { Storm } from '../harness/storm';

test.each([
  ['atomic', false],
  ['legacy', true],
])(
  '500 events at random leave every panel right and nothing behind, %s',
  (_, legacy) => Storm.play(500, 2026, { legacy }),
  3600_000,
);
