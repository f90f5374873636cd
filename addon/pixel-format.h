#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

/** Where a packed RGB format keeps its channels, red, green and blue, in a little-endian pixel of `bytes`
 * bytes. */
struct PixelFormat {
  uint8_t bytes;
  uint8_t shift[3];
  uint8_t bits[3];
};

/** std::nullopt for a format whose pixels nobody here reads. Alpha formats read as their opaque twins. */
std::optional<PixelFormat> PixelFormatOf(uint32_t fourcc);

/** Reads `width` pixels into bytes red, green, blue. */
void ReadRgbRow(const PixelFormat& format, const uint8_t* in, uint32_t width, uint8_t* rgb);

/** Reads `width` pixels into XRGB8888. */
void ReadXrgbRow(const PixelFormat& format, const uint8_t* in, uint32_t width, uint8_t* xrgb);
