import { knowsLayout, makeRows } from '../../src/kms/exporters';

describe('a buffer without a modifier', () => {
  const i915 = { driver: 'i915', alone: false };
  test.each<[string, readonly string[], { driver: string; alone: boolean }, boolean]>([
    ['of the memory of a process', ['udmabuf'], i915, true],
    ['of the system heap', ['system'], i915, true],
    ["of the card's own", ['i915'], i915, true],
    ['of another driver', ['amdgpu'], i915, false],
    ['of another driver, which is no card', ['msm'], { driver: 'i915', alone: true }, false],
    ['of any DRM driver, where there are several', ['drm'], i915, false],
    ['of any DRM driver, where this is the only one', ['drm'], { driver: 'amdgpu', alone: true }, true],
    ['of several that are known', ['udmabuf', 'i915'], i915, true],
    ['of which one plane is not known', ['udmabuf', 'amdgpu'], i915, false],
    ['of something that is no dma-buf', [''], i915, false],
  ])('%s: whether a card knows how it lies in memory', (_, exporters, reader, known) => {
    expect(knowsLayout(reader, exporters)).toBe(known);
  });

  test('is plain rows only where nothing else is ever made', () => {
    expect(makeRows(['udmabuf', 'system'])).toBe(true);
    for (const exporter of ['drm', 'i915', '']) expect(makeRows(['udmabuf', exporter])).toBe(false);
  });
});
