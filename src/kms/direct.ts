import type { ModeInfo } from '../native';
import type { Scanout } from './scanout';

/** Whether the hardware has to be asked if it takes a scanout: every card takes what simply fills the panel. */
export function isPlain({ width, height, reflect }: Scanout, mode: ModeInfo): boolean {
  return width === mode.hdisplay && height === mode.vdisplay && !reflect;
}

/** Why what the hardware does not take has to be copied. */
export function copyReason({ reflect }: Scanout): string {
  return reflect ? 'its rows lie bottom up' : `the guest's screen is smaller than the mode`;
}
