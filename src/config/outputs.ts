import {
  broadcastRgbs,
  fits,
  maxBpcs,
  rotations,
  type ModeRequest,
  type OutputConfig,
  type SignalConfig,
} from './config';
import { entries, entry } from './checker';
import type { Checker } from './checker';
import type { Path } from './document';
import { readHead } from './guests';
import { parseMode } from './mode';
import type { OutputNames } from './output-names';

/** Checks `outputs:`: each an output of its own, with a head and a mode. */
export function checkOutputs(
  data: unknown,
  guests: ReadonlySet<string>,
  names: OutputNames,
  checker: Checker,
): OutputConfig[] {
  const outputs: OutputConfig[] = [];
  const seen = new Map<string, string>();
  for (const [text, value] of entries(data)) {
    const path = ['outputs', text];
    const output = names.resolve(text, path, 'key');
    if (output !== undefined) {
      const other = seen.get(output.name);
      if (other !== undefined)
        checker.report(path, `this is the same output as ${other}; remove one of them`, 'key');
      else seen.set(output.name, `"${text}" (line ${checker.line(path)})`);
    }
    const show = readHead(value, path, guests, checker);
    const mode = readMode(entry(value, 'mode'), [...path, 'mode'], checker);
    const signal = readSignal(value);
    if (output !== undefined)
      outputs.push({ ...output, ...(show && { show }), mode, ...readView(value), ...(signal && { signal }) });
  }
  names.noteAmbiguities(outputs);
  return outputs;
}

function readMode(value: unknown, path: Path, checker: Checker): ModeRequest {
  if (typeof value !== 'string') return 'preferred';
  const parsed = parseMode(value);
  if (typeof parsed !== 'string') return parsed.mode;
  checker.report(path, parsed);
  return 'preferred';
}

function readView(value: unknown): Pick<OutputConfig, 'fit' | 'rotate'> {
  // The schema has complained of what is none of them.
  const fit = fits.find((known) => known === entry(value, 'fit'));
  const rotate = rotations.find((known) => known === entry(value, 'rotate'));
  return { ...(fit && { fit }), ...(rotate && { rotate }) };
}

function readSignal(value: unknown): SignalConfig | undefined {
  // As above.
  const vrr = entry(value, 'vrr');
  const maxBpc = maxBpcs.find((known) => known === entry(value, 'max-bpc'));
  const broadcastRgb = broadcastRgbs.find((known) => known === entry(value, 'broadcast-rgb'));
  const signal = {
    ...(typeof vrr === 'boolean' && { vrr }),
    ...(maxBpc && { maxBpc }),
    ...(broadcastRgb && { broadcastRgb }),
  };
  return Object.keys(signal).length > 0 ? signal : undefined;
}
