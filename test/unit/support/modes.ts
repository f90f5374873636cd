import type { ModeInfo } from '../../../src/native';

/** A mode with the timings of CEA-861's 1920x1080@60, but for what is given. */
export function mode(given: Partial<ModeInfo> = {}): ModeInfo {
  return {
    clock: 148_500,
    hdisplay: 1920,
    hsyncStart: 2008,
    hsyncEnd: 2052,
    htotal: 2200,
    hskew: 0,
    vdisplay: 1080,
    vsyncStart: 1084,
    vsyncEnd: 1089,
    vtotal: 1125,
    vscan: 0,
    vrefresh: 60,
    flags: 0,
    type: 0x40,
    name: '1920x1080',
    ...given,
  };
}
