#include "yuv.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace {

/** Samples are in 1/256 of what 8 bits count, factors in 1/8192: sums have 31 bits. */
constexpr int32_t kOne = 8192;
constexpr int32_t kBlack = 16 * 256;
constexpr int32_t kGrey = 128 * 256;
constexpr int kShift = 21;
constexpr int32_t kHalf = 1 << (kShift - 1);

int32_t Factor(double value) { return static_cast<int32_t>(std::lround(value * kOne)); }

/** From black to white there are 219 steps of lightness, and 224 from one end of a colour to the other. */
const int32_t kLightness = Factor(255.0 / 219);
constexpr double kColour = 255.0 / 224;

int32_t Sample(const uint8_t* at, uint8_t bytes) { return bytes == 1 ? at[0] << 8 : at[0] | at[1] << 8; }

uint8_t Byte(int32_t sum) { return static_cast<uint8_t>(std::clamp((sum + kHalf) >> kShift, 0, 255)); }

}  // namespace

// https://www.itu.int/rec/R-REC-BT.601 and BT.709: what red and blue weigh in lightness.
YuvReader::YuvReader(const YuvFormat& format, bool high_definition) : format_(format) {
  const double red = high_definition ? 0.2126 : 0.299;
  const double blue = high_definition ? 0.0722 : 0.114;
  const double green = 1 - red - blue;
  red_ = Factor(2 * (1 - red) * kColour);
  blue_ = Factor(2 * (1 - blue) * kColour);
  green_red_ = Factor(2 * (1 - red) * red / green * kColour);
  green_blue_ = Factor(2 * (1 - blue) * blue / green * kColour);
}

void YuvReader::ReadRow(const uint8_t* lightness, const uint8_t* colours, uint32_t x, uint32_t width,
                        uint8_t* xrgb) const {
  const auto [bytes, across, down, red_first] = format_;
  // Of one or two.
  const unsigned shift = across - 1U;
  for (uint32_t column = x; column < x + width; column++, xrgb += 4) {
    const uint8_t* pair = colours + size_t{column >> shift} * 2 * bytes;
    const int32_t first = Sample(pair, bytes) - kGrey;
    const int32_t second = Sample(pair + bytes, bytes) - kGrey;
    const int32_t red = red_first ? first : second;
    const int32_t blue = red_first ? second : first;
    const int32_t grey = (Sample(lightness + size_t{column} * bytes, bytes) - kBlack) * kLightness;
    xrgb[0] = Byte(grey + blue * blue_);
    xrgb[1] = Byte(grey - red * green_red_ - blue * green_blue_);
    xrgb[2] = Byte(grey + red * red_);
    xrgb[3] = 0xff;
  }
}
