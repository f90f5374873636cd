import { ownerOf, saysOf } from '../../src/input/device-names';
import type { NativeInputDevice } from '../../src/native';

const device: NativeInputDevice = {
  name: 'Logitech  USB Receiver',
  sysname: 'event7',
  keyboard: true,
  pointer: false,
  power: false,
  touch: false,
  seat: 'seat1',
  links: [
    '/dev/input/by-id/usb-Logitech-event-kbd',
    '/dev/input/by-path/pci-0000:00:14.0-usb-0:2:1.0-event-kbd',
  ],
};

test.each([
  ['Logitech USB Receiver'],
  ['logitech*'],
  ['*receiver'],
  ['*'],
  ['/dev/input/event7'],
  ['/dev/input/by-id/usb-Logitech-event-kbd'],
  ['/dev/input/by-path/pci-0000:00:14.0-usb-0:2:*'],
  ['udev:seat1'],
])('%s means the device', (named) => {
  expect(saysOf(named, device)).toBeGreaterThan(0);
});

test.each([
  ['Logitech'],
  ['Receiver*'],
  ['/dev/input/event70'],
  ['/dev/input/event'],
  ['/dev/input/by-path/pci-0000:00:14.0-usb-0:3:*'],
  ['udev:seat0'],
  ['udev:seat10'],
])('%s does not', (named) => {
  expect(saysOf(named, device)).toBe(0);
});

test('a path says more than a name, that more than a seat of udev’s, and all more than anything at all', () => {
  const falling = ['/dev/input/event7', '/dev/input/*', 'Logitech USB *', 'Logi*', 'udev:seat1', '*'];
  const says = falling.map((named) => saysOf(named, device));
  expect(says).toEqual([...new Set(says)].sort((a, b) => b - a));
  for (const [i, named] of falling.entries())
    for (const lesser of falling.slice(i + 1)) {
      const owners = [{ devices: [lesser] }, { devices: ['no such device', named] }];
      expect(ownerOf(owners, device)).toBe(owners[1]);
    }
});

test('of equals the first has it, and nobody whom nobody names', () => {
  const owners = [{ devices: ['Other'] }, { devices: ['Logi*'] }, { devices: ['*iver'] }];
  expect(ownerOf(owners, device)).toBe(owners[1]);
  expect(ownerOf([owners[0]!], device)).toBeUndefined();
});
