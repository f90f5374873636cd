/**
 * Makers of monitors by the three letters in their EDID: https://uefi.org/PNP_ID_List. The first name is the one shown,
 * as sway and kanshi show it; the others are what the same maker was called before, and match as well. Makers that are
 * not here go by their letters.
 */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  ACI: ['ASUSTek COMPUTER INC', 'Ancor Communications Inc'],
  ACR: ['Acer Technologies'],
  AOC: ['AOC International (USA) Ltd.'],
  APP: ['Apple Computer Inc'],
  AUO: ['AU Optronics'],
  AUS: ['ASUSTek COMPUTER INC'],
  BNQ: ['BenQ Corporation'],
  BOE: ['BOE'],
  CMN: ['Chimei Innolux Corporation'],
  CMO: ['Chi Mei Optoelectronics corp.'],
  DEL: ['Dell Inc.'],
  EIZ: ['EIZO Corporation'],
  ENC: ['Eizo Nanao Corporation', 'EIZO Corporation'],
  FUS: ['Fujitsu Siemens Computers GmbH'],
  GBT: ['GIGA-BYTE TECHNOLOGY CO., LTD.'],
  GSM: ['LG Electronics', 'Goldstar Company Ltd', 'Goldstar'],
  HPN: ['HP Inc.'],
  HWP: ['Hewlett Packard'],
  IVM: ['Iiyama North America'],
  IVO: ['InfoVision Optoelectronics (Kunshan) Co.,Ltd China'],
  LEN: ['Lenovo Group Limited'],
  LGD: ['LG Display'],
  LPL: ['LG Philips'],
  MEI: ['Panasonic Industry Company'],
  MSI: ['Microstep', 'MSI'],
  NEC: ['NEC Corporation'],
  PHL: ['Philips Consumer Electronics Company'],
  RHT: ['Red Hat, Inc.', 'Red Hat'],
  SAM: ['Samsung Electric Company'],
  SDC: ['Samsung Display Corp.'],
  SEC: ['Seiko Epson Corporation'],
  SHP: ['Sharp Corporation'],
  SNY: ['Sony'],
  TSB: ['Toshiba America Info Systems Inc'],
  VIZ: ['VIZIO, Inc'],
  VSC: ['ViewSonic Corporation'],
};

/** All names of a maker, the best first, its letters last. */
export function makerNames(letters: string): readonly string[] {
  return [...(Object.hasOwn(MAKERS, letters) ? MAKERS[letters]! : []), letters];
}
