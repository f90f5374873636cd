#include "pixels.h"

#include <drm_fourcc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "dmabuf.h"
#include "dumb.h"
#include "memfd.h"
#include "pixel-format.h"
#include "scaling.h"
#include "worker.h"
#include "yuv.h"

namespace {

/** Memory that a job reads, and what keeps it there. Made and destroyed on the event loop. */
struct Source {
  const uint8_t* bytes;  // null: it is to be read from a file
  uint64_t size;
  std::shared_ptr<const DmabufMemory> dmabuf{};
  std::shared_ptr<const DumbBuffer> dumb{};
  std::shared_ptr<const MemoryFile> file{};
  Napi::ObjectReference array{};

  void Copy(uint64_t offset, uint8_t* to, size_t length) const {
    if (file) {
      const iovec row{to, length};
      file->Read(offset, &row, 1);
    } else {
      std::memmove(to, bytes + offset, length);
    }
  }
};

Source ReadSource(const Napi::Value& value) {
  if (const Mapping* mapping = Mapping::From(value)) {
    const auto& memory = mapping->Memory();
    return {memory->bytes, memory->size, memory};
  }
  if (const Dumb* dumb = Dumb::From(value)) {
    const auto& buffer = dumb->Buffer();
    return {buffer->pixels, buffer->size, {}, buffer};
  }
  if (const Memfd* memfd = Memfd::From(value)) {
    const auto& file = memfd->File();
    return {nullptr, file->size, {}, {}, file};
  }
  if (!value.IsTypedArray()) {
    throw Napi::TypeError::New(
        value.Env(), "job.source must be a NativeMapping, a NativeMemfd, a NativeDumb or a Uint8Array");
  }
  const Napi::Uint8Array bytes = Bytes(value, "job.source");
  return {bytes.Data(), bytes.ByteLength(), {}, {}, {}, Napi::Persistent(bytes.As<Napi::Object>())};
}

/** Rows of pixels somewhere in `size` bytes. */
struct Raster {
  uint64_t offset, pitch, bytes_per_pixel, size;

  /** The address of a pixel. */
  [[nodiscard]] uint64_t At(uint64_t x, uint64_t y) const { return offset + y * pitch + x * bytes_per_pixel; }

  /** No overflow: coordinates and pitches have 32 bits, offsets 53. */
  [[nodiscard]] bool Holds(uint64_t x, uint64_t y, uint64_t width, uint64_t height) const {
    return width == 0 || height == 0 ||
           ((x + width) * bytes_per_pixel <= pitch && At(x + width, y + height - 1) <= size);
  }
};

/** The colours of a picture whose own pixels have lightness alone. */
struct Colours {
  Source source;
  Raster pairs;
  YuvReader reader;

  /** Whether those of so many pixels are there. */
  [[nodiscard]] bool Hold(uint64_t x, uint64_t y, uint64_t width, uint64_t height) const {
    const auto [bytes, across, down, red_first] = reader.Format();
    const uint64_t left = x / across;
    const uint64_t top = y / down;
    return width == 0 || height == 0 ||
           pairs.Holds(left, top, (x + width - 1) / across - left + 1, (y + height - 1) / down - top + 1);
  }
};

/** Pixels somewhere in memory, and what has to be done to show them. */
struct Picture {
  Source source;
  Raster raster;
  /** Those that are turned into XRGB8888 on the way have one of these. */
  std::optional<PixelFormat> format;
  std::optional<Colours> colours;

  [[nodiscard]] bool Converts() const { return format || colours; }

  [[nodiscard]] bool Holds(uint64_t x, uint64_t y, uint64_t width, uint64_t height) const {
    return raster.Holds(x, y, width, height) && (!colours || colours->Hold(x, y, width, height));
  }

  /** Where pixels are; those of a file are read into `read` first. */
  const uint8_t* Pixels(uint64_t x, uint64_t y, size_t width, std::vector<uint8_t>* read) const {
    const uint64_t at = raster.At(x, y);
    if (!source.file) return source.bytes + at;
    read->resize(width * raster.bytes_per_pixel);
    source.Copy(at, read->data(), read->size());
    return read->data();
  }

  /** Reads pixels that are converted into XRGB8888. */
  void ReadXrgb(uint32_t x, uint32_t y, uint32_t width, std::vector<uint8_t>* read, uint8_t* xrgb) const {
    if (colours) {
      const auto& [plane, pairs, reader] = *colours;
      reader.ReadRow(source.bytes + raster.At(0, y), plane.bytes + pairs.At(0, y / reader.Format().down), x,
                     width, xrgb);
    } else {
      ReadXrgbRow(*format, Pixels(x, y, width, read), width, xrgb);
    }
  }
};

/** To be held while a picture is read. */
class Access {
 public:
  explicit Access(const Picture& picture) {
    const auto& pixels = picture.source.dmabuf;
    if (pixels) pixels_.emplace(pixels->fd.Get(), DMA_BUF_SYNC_READ);
    if (!picture.colours) return;
    const auto& colours = picture.colours->source.dmabuf;
    if (colours && colours != pixels) colours_.emplace(colours->fd.Get(), DMA_BUF_SYNC_READ);
  }

 private:
  std::optional<CpuAccess> pixels_, colours_;
};

struct Rectangle {
  uint32_t source_x, source_y, target_x, target_y, width, height;
};

/** Turns pixels into XRGB8888, row by row. */
void ConvertRectangle(const Picture& from, uint8_t* target, const Raster& to, const Rectangle& r, bool flip) {
  std::vector<uint8_t> read;
  for (uint32_t row = 0; row < r.height; row++) {
    from.ReadXrgb(r.source_x, r.source_y + row, r.width, &read,
                  target + to.At(r.target_x, r.target_y + (flip ? r.height - 1 - row : row)));
  }
}

/** Of those that the kernel takes in one call (IOV_MAX): as many as a stack holds well. */
constexpr uint32_t kRowsAtOnce = 64;

std::vector<Rectangle> ReadRectangles(const Napi::Value& value) {
  const std::vector<uint32_t> numbers = Uint32s(value, "job.rectangles");
  if (numbers.size() % 6 != 0) {
    throw Napi::RangeError::New(value.Env(), "job.rectangles must hold six numbers for each rectangle");
  }
  std::vector<Rectangle> rectangles(numbers.size() / 6);
  std::memcpy(rectangles.data(), numbers.data(), numbers.size() * sizeof(uint32_t));
  return rectangles;
}

void CopyRectangle(const Source& source, const Raster& from, uint8_t* target, const Raster& to,
                   const Rectangle& r, bool flip) {
  const size_t length = r.width * to.bytes_per_pixel;
  const auto row_at = [&](uint32_t row) {
    return target + to.At(r.target_x, r.target_y + (flip ? r.height - 1 - row : row));
  };
  // Rows that lie one behind the other in a file are read many at a time.
  std::array<iovec, kRowsAtOnce> rows;
  const uint32_t at_once = source.file && length == from.pitch ? kRowsAtOnce : 1;
  for (uint32_t row = 0; row < r.height; row += at_once) {
    const uint32_t count = std::min(at_once, r.height - row);
    const uint64_t offset = from.At(r.source_x, r.source_y + row);
    if (count == 1) {
      source.Copy(offset, row_at(row), length);
      continue;
    }
    for (uint32_t i = 0; i < count; i++) rows[i] = {row_at(row + i), length};
    source.file->Read(offset, rows.data(), count);
  }
}

/** The source's format, where the target's is another. */
std::optional<PixelFormat> ReadConversion(const Napi::Object& job, uint64_t bytes_per_pixel,
                                          const char* function) {
  const Napi::Value foreign = job.Get("convertFrom");
  if (foreign.IsUndefined()) return std::nullopt;
  const std::optional<PixelFormat> format = PixelFormatOf(Uint32(foreign, "job.convertFrom"));
  if (!format || format->bytes != bytes_per_pixel) throw Failure{EINVAL, function}.In(job.Env());
  return format;
}

/** The second plane of a YUV picture whose first has samples of so many bytes, where it is one. */
std::optional<Colours> ReadColours(const Napi::Object& job, const char* function) {
  const Napi::Value value = job.Get("colours");
  if (value.IsUndefined()) return std::nullopt;
  const Napi::Object object = Object(value, "job.colours");
  Source source = ReadSource(object.Get("source"));
  const auto small = [&](const char* name) {
    return static_cast<uint8_t>(Integer(object.Get(name), name, 1, 2));
  };
  const YuvFormat format{small("bytes"), small("across"), small("down"),
                         Boolean(object.Get("redFirst"), "job.colours.redFirst")};
  const uint32_t encoding = Uint32(object.Get("encoding"), "job.colours.encoding");
  // Files are cut short by their owners: nothing but packed pixels is read from them.
  if ((encoding != 601 && encoding != 709) || source.file) throw Failure{EINVAL, function}.In(job.Env());
  const Raster pairs{Size(object.Get("offset"), "job.colours.offset"),
                     Uint32(object.Get("pitch"), "job.colours.pitch"), uint64_t{2} * format.bytes,
                     source.size};
  return Colours{std::move(source), pairs, YuvReader(format, encoding == 709)};
}

/** What copies and scaled copies have in common: pixels of one memory drawn into another. */
struct Transfer {
  Picture from;
  std::shared_ptr<DumbBuffer> target;
  Raster to;
};

Transfer ReadTransfer(const Napi::Object& job, const char* function) {
  Source source = ReadSource(job.Get("source"));
  std::shared_ptr<DumbBuffer> target = Dumb::BufferOf(job.Get("target"), "job.target");
  std::optional<Colours> colours = ReadColours(job, function);
  const auto bytes_per_pixel =
      static_cast<uint64_t>(Integer(job.Get("bytesPerPixel"), "job.bytesPerPixel", 1, 8));
  if (colours && (colours->reader.Format().bytes != bytes_per_pixel || source.file))
    throw Failure{EINVAL, function}.In(job.Env());
  const std::optional<PixelFormat> format =
      colours ? std::nullopt : ReadConversion(job, bytes_per_pixel, function);
  const Raster raster{Size(job.Get("sourceOffset"), "job.sourceOffset"),
                      Uint32(job.Get("sourcePitch"), "job.sourcePitch"), bytes_per_pixel, source.size};
  Picture from{std::move(source), raster, format, std::move(colours)};
  const Raster to{0, target->pitch, from.Converts() ? 4 : bytes_per_pixel, target->size};
  return {std::move(from), std::move(target), to};
}

Napi::Value CopyPixels(const Napi::CallbackInfo& info) {
  const Napi::Object job = Object(info[0], "job");
  Transfer transfer = ReadTransfer(job, "copyPixels");
  const Napi::Value turned = job.Get("flip");
  const bool flip = !turned.IsUndefined() && Boolean(turned, "job.flip");
  std::vector<Rectangle> rectangles = ReadRectangles(job.Get("rectangles"));
  for (const Rectangle& r : rectangles) {
    const DumbBuffer& target = *transfer.target;
    const bool readable = transfer.from.Holds(r.source_x, r.source_y, r.width, r.height);
    const bool writable = transfer.to.Holds(r.target_x, r.target_y, r.width, r.height) &&
                          uint64_t{r.target_x} + r.width <= target.width &&
                          uint64_t{r.target_y} + r.height <= target.height;
    if (readable && writable) continue;
    throw Napi::RangeError::New(info.Env(), "job.rectangles[" + std::to_string(&r - rectangles.data()) +
                                                "] lies outside the " + (readable ? "target" : "source"));
  }

  return RunOnWorker(info.Env(), [flip, transfer = std::move(transfer), rectangles = std::move(rectangles)] {
    const auto& [from, target, to] = transfer;
    const Access access(from);
    for (const Rectangle& r : rectangles) {
      if (from.Converts()) {
        ConvertRectangle(from, target->pixels, to, r, flip);
      } else {
        CopyRectangle(from.source, from.raster, target->pixels, to, r, flip);
      }
    }
  });
}

struct Box {
  uint32_t x, y, width, height;

  [[nodiscard]] bool Holds(const Box& inner) const {
    return inner.x >= x && inner.y >= y && uint64_t{inner.x} + inner.width <= uint64_t{x} + width &&
           uint64_t{inner.y} + inner.height <= uint64_t{y} + height;
  }
};

Box ReadBox(const Napi::Value& value, const char* name) {
  const std::vector<uint32_t> numbers = Uint32s(value, name);
  if (numbers.size() != 4)
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must hold four numbers");
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

/** A picture that is turned clockwise by quarters, and then fills a box. */
struct Turning {
  Box to;
  uint32_t turn;

  [[nodiscard]] uint32_t Width() const { return turn % 2 == 0 ? to.width : to.height; }
  [[nodiscard]] uint32_t Height() const { return turn % 2 == 0 ? to.height : to.width; }

  /** What a part of the box was before the turn. */
  [[nodiscard]] Box Upright(const Box& part) const {
    const uint32_t left = part.x - to.x;
    const uint32_t top = part.y - to.y;
    const uint32_t right = to.width - left - part.width;
    const uint32_t below = to.height - top - part.height;
    switch (turn) {
      case 1:
        return {top, right, part.height, part.width};
      case 2:
        return {right, below, part.width, part.height};
      case 3:
        return {below, left, part.height, part.width};
      default:
        return {left, top, part.width, part.height};
    }
  }

  /** Where a pixel stands after the turn. */
  [[nodiscard]] std::pair<uint32_t, uint32_t> Turned(uint32_t column, uint32_t row) const {
    switch (turn) {
      case 1:
        return {to.x + to.width - 1 - row, to.y + column};
      case 2:
        return {to.x + to.width - 1 - column, to.y + to.height - 1 - row};
      case 3:
        return {to.x + row, to.y + to.height - 1 - column};
      default:
        return {to.x + column, to.y + row};
    }
  }

  /** From one pixel of a row to the next. */
  [[nodiscard]] int64_t Step(const Raster& raster) const {
    const auto step = static_cast<int64_t>(turn % 2 == 0 ? raster.bytes_per_pixel : raster.pitch);
    return turn < 2 ? step : -step;
  }
};

Napi::Value ScalePixels(const Napi::CallbackInfo& info) {
  const Napi::Object job = Object(info[0], "job");
  Transfer transfer = ReadTransfer(job, "scalePixels");
  const Box part = ReadBox(job.Get("from"), "job.from");
  const Turning turning{ReadBox(job.Get("to"), "job.to"),
                        static_cast<uint32_t>(Integer(job.Get("turn"), "job.turn", 0, 3))};
  const Box clip = ReadBox(job.Get("clip"), "job.clip");
  const bool flip = Boolean(job.Get("flip"), "job.flip");
  // YUV is converted before it is scaled, other formats after that.
  const uint64_t scaled_bytes = transfer.from.colours ? 4 : transfer.from.raster.bytes_per_pixel;
  const bool smooth = Boolean(job.Get("smooth"), "job.smooth") && scaled_bytes == 4;
  const Box whole{0, 0, transfer.target->width, transfer.target->height};
  if (part.width == 0 || part.height == 0 || !transfer.from.Holds(part.x, part.y, part.width, part.height)) {
    throw Napi::RangeError::New(info.Env(), "job.from lies outside the source");
  }
  if (!whole.Holds(turning.to) || !turning.to.Holds(clip) ||
      !transfer.to.Holds(clip.x, clip.y, clip.width, clip.height)) {
    throw Napi::RangeError::New(info.Env(), "job.to lies outside the target, or job.clip outside job.to");
  }

  return RunOnWorker(info.Env(), [=, transfer = std::move(transfer)] {
    const auto& [from, target, to] = transfer;
    if (clip.width == 0 || clip.height == 0) return;
    const Access access(from);
    std::vector<uint8_t> read;
    std::vector<uint8_t> mixed(from.colours ? part.width * scaled_bytes : 0);
    const auto row_at = [&, &from = from](uint32_t row) -> const uint8_t* {
      if (!from.colours) return from.Pixels(part.x, part.y + row, part.width, &read);
      from.ReadXrgb(part.x, part.y + row, part.width, &read, mixed.data());
      return mixed.data();
    };
    const Box upright = turning.Upright(clip);
    const Scaling scaling{
        part.width, part.height, turning.Width(), turning.Height(), static_cast<uint32_t>(scaled_bytes),
        smooth,     flip};
    Scaler scaler(scaling, upright.x, upright.x + upright.width, row_at);
    std::vector<uint8_t> converted(from.format ? upright.width * to.bytes_per_pixel : 0);
    const int64_t step = turning.Step(to);
    for (uint32_t row = upright.y; row < upright.y + upright.height; row++) {
      const uint8_t* pixels = scaler.Row(row);
      if (from.format) {
        ReadXrgbRow(*from.format, pixels, upright.width, converted.data());
        pixels = converted.data();
      }
      const auto [x, y] = turning.Turned(upright.x, row);
      uint8_t* out = target->pixels + to.At(x, y);
      if (turning.turn == 0) {
        std::memcpy(out, pixels, upright.width * to.bytes_per_pixel);
        continue;
      }
      for (uint32_t column = 0; column < upright.width; column++) {
        std::memcpy(out + column * step, pixels + column * to.bytes_per_pixel, to.bytes_per_pixel);
      }
    }
  });
}

Napi::Value ReadRgb(const Napi::CallbackInfo& info) {
  const Napi::Object job = Object(info[0], "job");
  Source source = ReadSource(job.Get("source"));
  std::optional<Colours> colours = ReadColours(job, "readRgb");
  const std::optional<PixelFormat> format =
      colours ? std::nullopt : PixelFormatOf(Uint32(job.Get("format"), "job.format"));
  if (colours ? source.file != nullptr : !format) throw Failure{EINVAL, "readRgb"}.In(info.Env());

  const uint32_t x = Uint32(job.Get("x"), "job.x");
  const uint32_t y = Uint32(job.Get("y"), "job.y");
  const uint32_t width = Uint32(job.Get("width"), "job.width");
  const uint32_t height = Uint32(job.Get("height"), "job.height");
  const uint64_t bytes_per_pixel = colours ? colours->reader.Format().bytes : format->bytes;
  const Raster raster{Size(job.Get("offset"), "job.offset"), Uint32(job.Get("pitch"), "job.pitch"),
                      bytes_per_pixel, source.size};
  Picture from{std::move(source), raster, format, std::move(colours)};
  if (width == 0 || height == 0 || !from.Holds(x, y, width, height)) {
    throw Napi::RangeError::New(info.Env(), "the picture lies outside job.source");
  }

  using Rgb = std::vector<uint8_t>;
  return RunOnWorker(
      info.Env(),
      [=, from = std::move(from)] {
        const uint64_t stride = 1 + uint64_t{width} * 3;
        auto rgb = std::make_unique<Rgb>(stride * height);
        const Access access(from);
        Rgb read;
        Rgb converted(from.colours ? uint64_t{width} * 4 : 0);
        const PixelFormat xrgb = *PixelFormatOf(DRM_FORMAT_XRGB8888);
        for (uint32_t row = 0; row < height; row++) {
          uint8_t* out = rgb->data() + row * stride + 1;
          if (from.colours) {
            from.ReadXrgb(x, y + row, width, &read, converted.data());
            ReadRgbRow(xrgb, converted.data(), width, out);
          } else {
            ReadRgbRow(*from.format, from.Pixels(x, y + row, width, &read), width, out);
          }
        }
        return rgb;
      },
      [](Napi::Env env, std::unique_ptr<Rgb> rgb) {
        const size_t size = rgb->size();
        const auto memory = Napi::ArrayBuffer::New(
            env, rgb->data(), size, [](Napi::Env, void*, Rgb* done) { delete done; }, rgb.get());
        static_cast<void>(rgb.release());
        return Napi::Uint8Array::New(env, size, memory, 0);
      });
}

}  // namespace

void InitPixels(Napi::Env env, Napi::Object exports) {
  exports.Set("copyPixels", Napi::Function::New(env, CopyPixels, "copyPixels"));
  exports.Set("scalePixels", Napi::Function::New(env, ScalePixels, "scalePixels"));
  exports.Set("readRgb", Napi::Function::New(env, ReadRgb, "readRgb"));
}
