/**
 * Evdev codes whose key number is another, as `code>number`, numbers in hexadecimal. From keycodemapdb, which QEMU
 * makes its own table of: https://gitlab.com/keycodemap/keycodemapdb
 */
const others =
  '85>76 89>73 90>78 91>77 92>79 93>70 94>7b 95>5c 96>9c 97>9d 98>b5 99>54 100>b8 101>5b 102>c7 103>c8 104>c9 ' +
  '105>cb 106>cd 107>cf 108>d0 109>d1 110>d2 111>d3 113>a0 114>ae 115>b0 116>de 117>59 119>c6 121>7e 122>f2 ' +
  '123>f1 124>7d 125>db 126>dc 127>dd 128>e8 129>85 131>87 133>f8 135>65 136>c1 137>bc 138>f5 139>9e 140>a1 ' +
  '142>df 143>e3 150>82 155>ec 156>e6 158>ea 159>e9 163>99 164>a2 165>90 166>a4 172>b2 173>e7 183>5d 184>5e ' +
  '185>5f 186>55 187>83 188>f7 189>84 190>5a 191>74 192>f9 193>6d 194>6f 210>b9 217>e5 226>ed';

/** By evdev code; 0: QEMU has no number for it. */
const numbers = new Uint8Array(240);
for (let code = 1; code <= 88; code++) numbers[code] = code;
numbers[147] = 147;
for (const pair of others.split(' ')) {
  const [code, number] = pair.split('>');
  numbers[Number(code)] = parseInt(number!, 16);
}

/** QEMU's number of an evdev key: its XT scancode, with 0x80 for the e0 before it. undefined: QEMU has none. */
export function qnum(evdev: number): number | undefined {
  return numbers[evdev] || undefined;
}
