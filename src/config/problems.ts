/** One thing wrong with a config file. Lines and columns count from 1; 0: the file as a whole. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A config (or a flag or variable, then named by `file`) that cannot be used, with everything wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(
    readonly file: string,
    problems: readonly Problem[],
  ) {
    const sorted = [
      ...new Map(problems.map((problem) => [formatProblem(file, problem), problem])).values(),
    ].sort((a, b) => a.line - b.line || a.column - b.column);
    super(sorted.map((problem) => formatProblem(file, problem)).join('\n'));
    this.problems = sorted;
  }
}

function formatProblem(file: string, { line, column, message }: Problem): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;
}
