#include "scaling.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace {

constexpr uint32_t kWhole = 256;
constexpr uint32_t kEveryOtherByte = 0x00ff00ff;

uint32_t PixelAt(const uint8_t* row, uint32_t column) {
  uint32_t pixel;
  std::memcpy(&pixel, row + size_t{column} * sizeof pixel, sizeof pixel);
  return pixel;
}

}  // namespace

Axis::Axis(uint32_t from, uint32_t to, bool smooth, bool reversed) : taps_(to) {
  for (uint64_t at = 0; at < to; at++) {
    Tap& tap = taps_[at];
    // Centres of pixels fall upon each other.
    if (smooth) {
      const uint64_t middle = ((2 * at + 1) * from << 16) / (uint64_t{2} * to);
      const uint64_t place = middle < 32768 ? 0 : middle - 32768;
      tap.first = static_cast<uint32_t>(place >> 16);
      tap.second = std::min(tap.first + 1, from - 1);
      tap.weight = static_cast<uint32_t>(place & 0xffff) >> 8;
    } else {
      tap.first = tap.second = static_cast<uint32_t>((2 * at + 1) * from / (uint64_t{2} * to));
      tap.weight = 0;
    }
    if (reversed) tap = {from - 1 - tap.first, from - 1 - tap.second, tap.weight};
  }
}

Scaler::Scaler(const Scaling& scaling, uint32_t left, uint32_t right, RowReader read)
    : across_(scaling.from_width, scaling.width, scaling.smooth, false),
      down_(scaling.from_height, scaling.height, scaling.smooth, scaling.flip),
      left_(left),
      columns_(right - left),
      bytes_per_pixel_(scaling.bytes_per_pixel),
      smooth_(scaling.smooth),
      read_(std::move(read)),
      out_(size_t{columns_} * bytes_per_pixel_) {
  if (!smooth_) return;
  for (Line& line : lines_) {
    line.outer.resize(size_t{columns_} * 2);
    line.inner.resize(size_t{columns_} * 2);
  }
}

const uint8_t* Scaler::Row(uint32_t row) {
  const Axis::Tap& tap = down_[row];
  if (!smooth_) {
    Gather(tap.first);
    return out_.data();
  }
  const Line& top = LineOf(tap.first, tap.second);
  const Line& low = LineOf(tap.second, tap.first);
  const uint32_t low_weight = tap.weight;
  const uint32_t top_weight = kWhole - low_weight;
  const auto mix = [=](uint32_t a, uint32_t b) { return (a * top_weight + b * low_weight + 32768) >> 16; };
  // Plain arrays and a count of our own: the compiler makes vectors of them.
  const size_t pairs = size_t{columns_} * 2;
  const uint16_t *top_outer = top.outer.data(), *top_inner = top.inner.data();
  const uint16_t *low_outer = low.outer.data(), *low_inner = low.inner.data();
  auto* out = out_.data();
  for (size_t pair = 0; pair < pairs; pair++) {
    const auto both = static_cast<uint16_t>(mix(top_outer[pair], low_outer[pair]) |
                                            mix(top_inner[pair], low_inner[pair]) << 8);
    std::memcpy(out + pair * sizeof both, &both, sizeof both);
  }
  return out;
}

/** `other` is the row that must stay. */
const Scaler::Line& Scaler::LineOf(uint32_t row, uint32_t other) {
  for (const Line& line : lines_) {
    if (line.row == row) return line;
  }
  Line& line = lines_[lines_[0].row == other ? 1 : 0];
  line.row = row;
  const uint8_t* pixels = read_(row);
  uint16_t *outer_bytes = line.outer.data(), *inner_bytes = line.inner.data();
  const Axis::Tap* taps = &across_[left_];
  for (size_t column = 0, columns = columns_; column < columns; column++) {
    const Axis::Tap& tap = taps[column];
    const uint32_t first = PixelAt(pixels, tap.first);
    const uint32_t second = PixelAt(pixels, tap.second);
    const uint32_t weight = tap.weight;
    // The sums have sixteen bits each: none touches the other.
    const uint32_t outer =
        (first & kEveryOtherByte) * (kWhole - weight) + (second & kEveryOtherByte) * weight;
    const uint32_t inner =
        (first >> 8 & kEveryOtherByte) * (kWhole - weight) + (second >> 8 & kEveryOtherByte) * weight;
    std::memcpy(outer_bytes + column * 2, &outer, sizeof outer);
    std::memcpy(inner_bytes + column * 2, &inner, sizeof inner);
  }
  return line;
}

void Scaler::Gather(uint32_t row) {
  if (gathered_ == row) return;
  gathered_ = row;
  const uint8_t* pixels = read_(row);
  for (uint32_t column = 0; column < columns_; column++) {
    std::memcpy(&out_[size_t{column} * bytes_per_pixel_],
                pixels + size_t{across_[left_ + column].first} * bytes_per_pixel_, bytes_per_pixel_);
  }
}
