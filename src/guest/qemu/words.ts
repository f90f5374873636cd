import { isError, messageOf } from '../../error';
import { isNativeError } from '../../native';

/** Longest name or message of a guest that is repeated in a log line. */
const LONGEST = 120;

/** What a stranger wrote, fit for a log line: no control characters, no text that runs backwards, not too long. */
export function printable(text: string, longest = LONGEST): string {
  const clean = text.slice(0, longest + 1).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}

/** Words for whatever was thrown, fit for a log line. */
export function reasonOf(error: unknown): string {
  return printable(messageOf(error), 600);
}

/** D-Bus name of the error a bus call was answered with; '' for anything else. */
export function busErrorName(error: unknown): string {
  if (typeof error !== 'object' || error === null || isNativeError(error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Settles as `promise` does, or rejects with `message` after so long. */
export function within<T>(promise: Promise<T>, milliseconds: number, message: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(message));
    }, milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(isError(error) ? error : new Error(String(error)));
      },
    );
  });
}
