#pragma once

#include <cstdint>
#include <functional>
#include <vector>

/** One axis of a scaled picture: which two of the source's pixels each of the target's is made of. */
class Axis {
 public:
  struct Tap {
    uint32_t first, second;
    uint32_t weight;  // of the second, in 1/256
  };

  Axis(uint32_t from, uint32_t to, bool smooth, bool reversed);

  [[nodiscard]] const Tap& operator[](uint32_t at) const { return taps_[at]; }

 private:
  std::vector<Tap> taps_;
};

/** How a picture becomes one of another size. */
struct Scaling {
  uint32_t from_width, from_height;
  uint32_t width, height;
  uint32_t bytes_per_pixel;
  /** Neighbours are mixed, byte by byte: of pixels of four bytes only. */
  bool smooth;
  /** The source's last row is the picture's first. */
  bool flip;
};

/**
 * Makes the rows of a scaled picture, in any order, but cheaply in theirs: each row of the source is then
 * read once, and scaled across once.
 */
class Scaler {
 public:
  /** Gives a row of the source; it is used until the next call. */
  using RowReader = std::function<const uint8_t*(uint32_t row)>;

  /** Of each row, the columns from `left` to before `right` are made. */
  Scaler(const Scaling& scaling, uint32_t left, uint32_t right, RowReader read);

  /** The pixels of a row, in the source's format, until the next call. */
  const uint8_t* Row(uint32_t row);

 private:
  /**
   * A row of the source scaled across, in 1/256: first and third byte of each pixel, then second and fourth.
   * So packed, one multiplication does two bytes.
   */
  struct Line {
    int64_t row = -1;
    std::vector<uint16_t> outer, inner;
  };

  const Line& LineOf(uint32_t row, uint32_t other);
  void Gather(uint32_t row);

  Axis across_, down_;
  uint32_t left_, columns_, bytes_per_pixel_;
  bool smooth_;
  RowReader read_;
  Line lines_[2];
  int64_t gathered_ = -1;
  std::vector<uint8_t> out_;
};
