import type { Sight } from './panel';

const STEP = 37;
const PANEL = 19;
const PATH = 8;

/** The table on the terminal. A row is written from left to right while its step goes on: that is the progress. */
export class Table {
  #row = 0;
  /** Spaces before what comes next in this row. */
  #gap = '';

  constructor(private readonly panels: readonly string[]) {}

  heading(): void {
    const panels = this.panels.map((name) => name.padEnd(PANEL)).join('');
    write(`  #  ${'step'.padEnd(STEP)}${panels}${'path'.padEnd(PATH)}switch, ms\n`);
    write(`${'─'.repeat(5 + STEP + this.panels.length * PANEL + PATH + 10)}\n`);
  }

  /** Begins a row. */
  step(title: string): void {
    write(`${`${this.#row++}`.padStart(3)}  `);
    this.#cell(title, STEP);
  }

  panel(sight: Sight, right: boolean): void {
    this.#cell(cell(sight, right), PANEL);
  }

  /** Ends it. `switched`: milliseconds from the key to the commit and to the vblank. */
  end(path: string, switched?: { readonly commit: number; readonly vblank: number }): void {
    const times = switched ? `${switched.commit.toFixed(1)}, ${switched.vblank.toFixed(1)}` : '';
    if (path !== '') this.#cell(path, PATH);
    if (times !== '') this.#cell(times, 0);
    this.#gap = '';
    write('\n');
  }

  #cell(text: string, width: number): void {
    write(`${this.#gap}${text}`);
    this.#gap = ' '.repeat(Math.max(0, width - text.length));
  }

  note(text: string): void {
    write(`     ${text}\n`);
  }
}

function cell(sight: Sight, right: boolean): string {
  const exact = right ? 'exact' : 'WRONG';
  switch (sight.kind) {
    case 'guest':
      return `${sight.guest} ${exact}`;
    case 'console':
      return `console ${exact}`;
    case 'unplugged':
      return right ? 'unplugged' : 'unplugged? WRONG';
    default:
      return right ? `picture: ${sight.kind === 'nothing' ? 'no guest' : sight.kind}` : 'picture WRONG';
  }
}

export function write(text: string): void {
  process.stdout.write(text);
}
