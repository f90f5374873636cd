import { cvtMode, type Blanking } from '../../src/kms/cvt';
import { refreshOf } from '../../src/kms/modes';

const timings = (width: number, height: number, refresh: number, blanking: Blanking): string | undefined => {
  const mode = cvtMode(width, height, refresh * 1000, blanking);
  if (!mode) return undefined;
  const { clock, hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal } = mode;
  const lines = [hdisplay, hsyncStart, hsyncEnd, htotal, vdisplay, vsyncStart, vsyncEnd, vtotal];
  return [(clock / 1000).toFixed(3), ...lines].join(' ');
};

// What `cvt` of libxcvt 0.1.2 prints.
test.each([
  [640, 480, 60, '23.750 640 664 720 800 480 483 487 500'],
  [800, 600, 100, '67.250 800 848 928 1056 600 603 607 639'],
  [1024, 768, 60, '63.500 1024 1072 1176 1328 768 771 775 798'],
  [1280, 720, 60, '74.500 1280 1344 1472 1664 720 723 728 748'],
  [1280, 1024, 60, '109.000 1280 1368 1496 1712 1024 1027 1034 1063'],
  [1280, 1024, 75, '138.750 1280 1368 1504 1728 1024 1027 1034 1072'],
  [1440, 900, 60, '106.500 1440 1528 1672 1904 900 903 909 934'],
  [1680, 1050, 60, '146.250 1680 1784 1960 2240 1050 1053 1059 1089'],
  [1920, 1080, 60, '173.000 1920 2048 2248 2576 1080 1083 1088 1120'],
  [1920, 1080, 75, '220.750 1920 2064 2264 2608 1080 1083 1088 1130'],
  [1920, 1200, 60, '193.250 1920 2056 2256 2592 1200 1203 1209 1245'],
  [2560, 1440, 60, '312.250 2560 2752 3024 3488 1440 1443 1448 1493'],
  [3440, 1440, 60, '419.500 3440 3696 4064 4688 1440 1443 1453 1493'],
  [3840, 2160, 60, '712.750 3840 4160 4576 5312 2160 2163 2168 2237'],
  [1080, 1920, 60, '176.500 1080 1168 1280 1480 1920 1923 1933 1989'],
  [4096, 2160, 50, '626.250 4096 4416 4864 5632 2160 2163 2173 2225'],
])('CVT %dx%d@%d is that of cvt', (width, height, refresh, modeline) => {
  expect(timings(width, height, refresh, 'standard')).toBe(modeline);
});

// `cvt --reduced`
test.each([
  [1280, 720, 60, '63.750 1280 1328 1360 1440 720 723 728 741'],
  [1280, 1024, 60, '90.750 1280 1328 1360 1440 1024 1027 1034 1054'],
  [1680, 1050, 60, '119.000 1680 1728 1760 1840 1050 1053 1059 1080'],
  [1920, 1080, 60, '138.500 1920 1968 2000 2080 1080 1083 1088 1111'],
  [1920, 1200, 60, '154.000 1920 1968 2000 2080 1200 1203 1209 1235'],
  [2560, 1440, 60, '241.500 2560 2608 2640 2720 1440 1443 1448 1481'],
  [2560, 1440, 120, '497.250 2560 2608 2640 2720 1440 1443 1448 1525'],
  [3440, 1440, 60, '319.750 3440 3488 3520 3600 1440 1443 1453 1481'],
  [3840, 2160, 60, '533.000 3840 3888 3920 4000 2160 2163 2168 2222'],
  [4096, 2160, 60, '567.000 4096 4144 4176 4256 2160 2163 2173 2222'],
])('reduced blanking %dx%d@%d is that of cvt', (width, height, refresh, modeline) => {
  expect(timings(width, height, refresh, 'reduced')).toBe(modeline);
});

// The two of VESA's DMT that are CVT with reduced blanking version 2 (87, 88), and the best known others.
test.each([
  [4096, 2160, 60, '556.744 4096 4104 4136 4176 2160 2208 2216 2222'],
  [4096, 2160, 59.94, '556.188 4096 4104 4136 4176 2160 2208 2216 2222'],
  [1920, 1080, 60, '133.320 1920 1928 1960 2000 1080 1097 1105 1111'],
  [3840, 2160, 60, '522.614 3840 3848 3880 3920 2160 2208 2216 2222'],
])('reduced blanking version 2 %dx%d@%d', (width, height, refresh, modeline) => {
  expect(timings(width, height, refresh, 'reduced v2')).toBe(modeline);
});

test('the syncs tell which formula it was', () => {
  expect(cvtMode(1920, 1080, 60_000, 'standard')).toMatchObject({
    flags: 0b0110,
    type: 0x20,
    name: '1920x1080',
  });
  expect(cvtMode(1920, 1080, 60_000, 'reduced')).toMatchObject({ flags: 0b1001, vrefresh: 60 });
});

test('version 2 hits every rate, NTSC rates exactly', () => {
  for (const [asked, got] of [
    [59_940, 59_940],
    [23_976, 23_976],
    [119_880, 119_880],
    [75_000, 75_000],
    [48_500, 48_500],
  ] as const) {
    expect(refreshOf(cvtMode(2560, 1440, asked, 'reduced v2')!)).toBeCloseTo(got, -1);
  }
});

test('there is none where no time is left for blanking, or the width is no multiple of a character', () => {
  for (const blanking of ['standard', 'reduced', 'reduced v2'] as const)
    expect(cvtMode(640, 480, 2_500_000, blanking)).toBeUndefined();
  expect(cvtMode(1366, 768, 60_000, 'standard')).toBeUndefined();
  expect(cvtMode(1366, 768, 60_000, 'reduced')).toBeUndefined();
  expect(cvtMode(1366, 768, 60_000, 'reduced v2')?.hdisplay).toBe(1366);
});
