#pragma once

#include <cstdint>

/** YUV in two planes: one of lightness, one of pairs of colour samples, each of which neighbours share. */
struct YuvFormat {
  /** Of a sample; one of two is a little-endian word whose highest bits count. */
  uint8_t bytes;
  /** How many pixels share a pair. */
  uint8_t across, down;
  /** Red's difference is the first of a pair. */
  bool red_first;
};

/** Makes XRGB8888 of YUV in limited range. */
class YuvReader {
 public:
  /** `high_definition`: encoded by ITU-R BT.709, else by BT.601. */
  YuvReader(const YuvFormat& format, bool high_definition);

  [[nodiscard]] const YuvFormat& Format() const { return format_; }

  /** Reads `width` pixels of a row, from column `x` on; both planes' rows are given from where they begin. */
  void ReadRow(const uint8_t* lightness, const uint8_t* colours, uint32_t x, uint32_t width,
               uint8_t* xrgb) const;

 private:
  YuvFormat format_;
  int32_t red_, green_red_, green_blue_, blue_;
};
