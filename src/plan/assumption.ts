import { fourcc, XR24 } from '../fourcc';
import type { Size } from '../kms/fitting';
import { CommandError } from '../switcher/layout';
import type { PlannedBuffer } from './plan';

/** What is assumed of guests that are not there to be asked. */
export interface Assumption {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly format?: number | undefined;
  readonly modifier?: bigint | undefined;
}

export function assumedBuffer(
  { width, height, format = XR24, modifier = 0n }: Assumption,
  told: Size,
): PlannedBuffer {
  return { width: width ?? told.width, height: height ?? told.height, format, modifier };
}

/** No screen is larger. */
const LARGEST = 16384;

/** Reads what is to be assumed of a guest's buffers. Throws {@link CommandError}. */
export function readAssumption({
  width,
  height,
  format,
  modifier,
}: {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly format?: string | undefined;
  readonly modifier?: string | undefined;
}): Assumption {
  for (const size of [width, height]) {
    if (size !== undefined && (size < 1 || size > LARGEST))
      throw new CommandError(`a size of ${size} cannot be: width and height go from 1 to ${LARGEST}`);
  }
  if (format !== undefined && !/^[\x20-\x7e]{4}$/.test(format))
    throw new CommandError(`"${format}" is no pixel format: write its four characters, e.g. XR24`);
  if (modifier !== undefined && !/^(0x)?[0-9a-f]{1,16}$/i.test(modifier))
    throw new CommandError(`"${modifier}" is no modifier: write it in hexadecimal, e.g. 0x100000000000001`);
  return {
    width,
    height,
    format: format === undefined ? undefined : fourcc(format),
    modifier: modifier === undefined ? undefined : BigInt(`0x${modifier.replace(/^0x/i, '')}`),
  };
}
