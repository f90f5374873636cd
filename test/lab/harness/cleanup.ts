/** What is made within a test ends with it, also when the test fails; what `beforeAll` makes stays. */
const undo: (() => void | Promise<void>)[] = [];
let mark = 0;

export function atTestEnd(close: () => void | Promise<void>): void {
  undo.push(close);
}

// The demo uses this harness without Jest, and clears up itself.
if (typeof beforeEach === 'function') {
  beforeEach(() => {
    mark = undo.length;
  });
  afterEach(async () => {
    for (const close of undo.splice(mark).reverse()) await close();
  });
}
