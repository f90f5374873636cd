/** What the house needs of a logger; winston's fits. */
export interface Log {
  error(message: string): unknown;
  warning(message: string): unknown;
  notice(message: string): unknown;
  info(message: string): unknown;
  debug(message: string): unknown;
}
