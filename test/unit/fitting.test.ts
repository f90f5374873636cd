import { Fitting } from '../../src/kms/fitting';

test('a driver that shows buffers from their corner only is given a copy of any other part', () => {
  const view = { fit: 'none', turn: 0 } as const;
  const layout = {
    width: 200,
    height: 100,
    format: 0x34325258,
    modifierHigh: 0,
    modifierLow: 0,
    bottomUp: false,
    planes: [],
  };
  const whole = { x: 0, y: 0, width: 100, height: 50 };
  const part = { ...whole, x: 100 };
  const corner = new Fitting(view, 100, 50, () => true, false);
  expect(corner.ofBuffer(layout, 1, whole).reason).toBeUndefined();
  expect(corner.ofBuffer(layout, 1, part).reason).toBe('the driver shows buffers from their corner only');
  expect(new Fitting(view, 100, 50, () => true).ofBuffer(layout, 1, part).reason).toBeUndefined();
});
