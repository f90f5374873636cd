import type { BufferLayout, Plane } from '../buffers';
import { fourccName } from '../fourcc';
import { isImplicit, isLinear, planeShapes, type PlaneShape } from './formats';

/** What is wrong with a layout, whatever its memory is, in words for the guest's owner; undefined: nothing. */
export function misfit(layout: BufferLayout): string | undefined {
  const { format, width, planes } = layout;
  const shapes = planeShapes(format);
  if (!shapes || planes.length === 0) return `pixel format ${fourccName(format)} is not supported`;
  const rows = isLinear(layout) || isImplicit(layout);
  // Tiled layouts may have further ones, of which the format says nothing.
  if (planes.length < shapes.length || (rows && planes.length > shapes.length)) {
    const plural = shapes.length === 1 ? '' : 's';
    return `a ${fourccName(format)} buffer has ${shapes.length} plane${plural}, this one came with ${planes.length}`;
  }
  for (const [index, shape] of shapes.entries()) {
    const { pitch } = planes[index]!;
    const across = Math.ceil(width / shape.across);
    if (pitch < across * shape.bytes) {
      const what = index === 0 ? 'pixels' : 'samples';
      return `${nameOf(index)}stride ${pitch} is too short for ${across} ${what} of ${shape.bytes} bytes`;
    }
  }
  return rows && overlap(layout, shapes) ? 'its planes overlap' : undefined;
}

/** What of a layout lies beyond its memory, as {@link misfit} says it. `sizeOf`: bytes of a plane's; 0: unknown. */
export function excess(layout: BufferLayout, sizeOf: (plane: number) => number): string | undefined {
  const { width, height, format, planes } = layout;
  for (const [index, shape] of (planeShapes(format) ?? []).entries()) {
    const size = sizeOf(index);
    const needed = endOf(layout, index, shape);
    if (size > 0 && needed > size) {
      const { pitch } = planes[index]!;
      return `${nameOf(index)}${width}x${height} with stride ${pitch} needs ${needed} bytes, the buffer has ${size}`;
    }
  }
  return undefined;
}

/** Bytes from the beginning of its memory to the end of a plane: the last row need not be padded. */
export function planeEnd(layout: BufferLayout, plane: number): number {
  return endOf(layout, plane, planeShapes(layout.format)![plane]!);
}

/** Bytes of the planes of a semi-planar layout may not be each other's. */
function overlap(layout: BufferLayout, shapes: readonly PlaneShape[]): boolean {
  const { planes } = layout;
  return shapes.some((shape, index) =>
    shapes.some(
      (other, at) =>
        at > index &&
        sameMemory(planes[index]!, planes[at]!) &&
        planes[index]!.offset < endOf(layout, at, other) &&
        planes[at]!.offset < endOf(layout, index, shape),
    ),
  );
}

export function sameMemory(one: Readonly<Plane>, other: Readonly<Plane>): boolean {
  return one.inode === other.inode && one.device === other.device;
}

function endOf({ width, height, planes }: BufferLayout, index: number, shape: PlaneShape): number {
  const { offset, pitch } = planes[index]!;
  const rows = Math.ceil(height / shape.down);
  return offset + pitch * (rows - 1) + Math.ceil(width / shape.across) * shape.bytes;
}

function nameOf(plane: number): string {
  return plane === 0 ? '' : `plane ${plane}: `;
}
