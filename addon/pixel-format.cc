#include "pixel-format.h"

#include <drm_fourcc.h>

#include <cstring>

namespace {

/** 8 bits of a channel, so that all ones stay all ones. */
uint8_t Channel(const PixelFormat& format, uint32_t pixel, size_t channel) {
  const unsigned bits = format.bits[channel];
  const unsigned value = pixel >> format.shift[channel] & ((1U << bits) - 1);
  return static_cast<uint8_t>(bits >= 8 ? value >> (bits - 8)
                                        : value << (8 - bits) | value >> (2 * bits - 8));
}

uint32_t Pixel(const PixelFormat& format, const uint8_t* in) {
  uint32_t pixel = 0;
  std::memcpy(&pixel, in, format.bytes);
  return pixel;
}

}  // namespace

// https://docs.kernel.org/gpu/drm-kms.html#format-info: the names spell a little-endian word from its high
// end.
std::optional<PixelFormat> PixelFormatOf(uint32_t fourcc) {
  switch (fourcc) {
    case DRM_FORMAT_XRGB8888:
    case DRM_FORMAT_ARGB8888:
      return PixelFormat{4, {16, 8, 0}, {8, 8, 8}};
    case DRM_FORMAT_XBGR8888:
    case DRM_FORMAT_ABGR8888:
      return PixelFormat{4, {0, 8, 16}, {8, 8, 8}};
    case DRM_FORMAT_RGBX8888:
    case DRM_FORMAT_RGBA8888:
      return PixelFormat{4, {24, 16, 8}, {8, 8, 8}};
    case DRM_FORMAT_BGRX8888:
    case DRM_FORMAT_BGRA8888:
      return PixelFormat{4, {8, 16, 24}, {8, 8, 8}};
    case DRM_FORMAT_XRGB2101010:
    case DRM_FORMAT_ARGB2101010:
      return PixelFormat{4, {20, 10, 0}, {10, 10, 10}};
    case DRM_FORMAT_XBGR2101010:
    case DRM_FORMAT_ABGR2101010:
      return PixelFormat{4, {0, 10, 20}, {10, 10, 10}};
    case DRM_FORMAT_RGB888:
      return PixelFormat{3, {16, 8, 0}, {8, 8, 8}};
    case DRM_FORMAT_BGR888:
      return PixelFormat{3, {0, 8, 16}, {8, 8, 8}};
    case DRM_FORMAT_RGB565:
      return PixelFormat{2, {11, 5, 0}, {5, 6, 5}};
    case DRM_FORMAT_XRGB1555:
    case DRM_FORMAT_ARGB1555:
      return PixelFormat{2, {10, 5, 0}, {5, 5, 5}};
    default:
      return std::nullopt;
  }
}

void ReadRgbRow(const PixelFormat& format, const uint8_t* in, uint32_t width, uint8_t* rgb) {
  for (uint32_t x = 0; x < width; x++, in += format.bytes, rgb += 3) {
    const uint32_t pixel = Pixel(format, in);
    for (size_t channel = 0; channel < 3; channel++) rgb[channel] = Channel(format, pixel, channel);
  }
}

void ReadXrgbRow(const PixelFormat& format, const uint8_t* in, uint32_t width, uint8_t* xrgb) {
  for (uint32_t x = 0; x < width; x++, in += format.bytes, xrgb += 4) {
    const uint32_t pixel = Pixel(format, in);
    for (size_t channel = 0; channel < 3; channel++) xrgb[2 - channel] = Channel(format, pixel, channel);
    xrgb[3] = 0xff;
  }
}
