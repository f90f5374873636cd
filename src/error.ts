/** Works across realms, as in Jest: the addon's errors are of another one there. */
export function isError(error: unknown): error is Error {
  return Object.prototype.toString.call(error) === '[object Error]';
}

/** Words for whatever was thrown. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}
