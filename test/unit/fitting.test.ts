import { Fitting } from '../../src/kms/fitting';

const layout = {
  width: 200,
  height: 100,
  format: 0x34325258,
  modifierHigh: 0,
  modifierLow: 0,
  bottomUp: false,
  planes: [],
};

test('the hardware is asked of every kind of screen, also of one that fills the panel as it lies', () => {
  const asked: number[] = [];
  const screen = { x: 0, y: 0, width: 200, height: 100 };
  for (const fit of ['auto', 'fill', 'none'] as const) {
    const fitting = new Fitting({ fit, turn: 0 }, 200, 100, ({ framebuffer }) => {
      asked.push(framebuffer);
      return false;
    });
    for (const framebuffer of [1, 2])
      expect(fitting.ofBuffer(layout, framebuffer, screen).reason).toBe(
        'the display engine does not take this kind of buffer',
      );
  }
  expect(asked.filter((framebuffer) => framebuffer === 1).length).toBeGreaterThanOrEqual(3);
  expect(asked).not.toContain(2);
});

test('a driver that shows buffers from their corner only is given a copy of any other part', () => {
  const view = { fit: 'none', turn: 0 } as const;
  const whole = { x: 0, y: 0, width: 100, height: 50 };
  const part = { ...whole, x: 100 };
  const corner = new Fitting(view, 100, 50, () => true, false);
  expect(corner.ofBuffer(layout, 1, whole).reason).toBeUndefined();
  expect(corner.ofBuffer(layout, 1, part).reason).toBe('the driver shows buffers from their corner only');
  expect(new Fitting(view, 100, 50, () => true).ofBuffer(layout, 1, part).reason).toBeUndefined();
});
