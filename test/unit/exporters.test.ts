import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { hasOtherGpu, knowsLayout, makeRows } from '../../src/kms/exporters';

describe('a buffer without a modifier', () => {
  const i915 = { driver: 'i915', alone: false };
  test.each<[string, readonly string[], { driver: string; alone: boolean }, boolean]>([
    ['of the memory of a process', ['udmabuf'], i915, true],
    ['of the system heap', ['system'], i915, true],
    ["of the card's own", ['i915'], i915, true],
    ['of another driver', ['amdgpu'], i915, false],
    ['of another driver, which is no card', ['msm'], { driver: 'i915', alone: true }, false],
    ['of any DRM driver, where another has a GPU', ['drm'], i915, false],
    ['of any DRM driver, where no other has a GPU', ['drm'], { driver: 'amdgpu', alone: true }, true],
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

describe('another GPU', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drm-class-'));
  afterAll(() => {
    fs.rmSync(folder, { recursive: true });
  });
  const node = (name: string, device: string): void => {
    fs.mkdirSync(path.join(folder, 'devices', device), { recursive: true });
    fs.mkdirSync(path.join(folder, name));
    fs.symlinkSync(path.join('../devices', device), path.join(folder, name, 'device'));
  };

  test('is one of another device that has a render node', () => {
    node('card0', 'gpu');
    node('renderD128', 'gpu');
    node('card1', 'management controller');
    expect(hasOtherGpu('card0', folder)).toBe(false);
    expect(hasOtherGpu('card1', folder)).toBe(true);
    node('renderD129', 'second gpu');
    expect(hasOtherGpu('card0', folder)).toBe(true);
  });

  test('may be there where nobody can say', () => {
    expect(hasOtherGpu('card9', folder)).toBe(true);
  });
});
