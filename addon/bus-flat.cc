#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "bus-values.h"
#include "error.h"
#include "received-fds.h"

namespace {

/** Most elements of one array: nobody has that many planes, or anything else of which a frame tells. */
constexpr size_t kMaxElements = 64;

constexpr std::string_view kNumbers = "ybnqiuxtdh";

int Check(int status, const char* what) {
  if (status < 0) throw Failure{-status, what};
  return status;
}

/** Reads numbers into the exchange; one per message. */
class FlatReader {
 public:
  FlatReader(sd_bus_message* message, Exchange* exchange)
      : message_(message), next_(exchange->Records<double>()) {}

  void One(char type) {
    switch (type) {
      case 'y':
        return Put(Basic<uint8_t>(type));
      case 'n':
        return Put(Basic<int16_t>(type));
      case 'q':
        return Put(Basic<uint16_t>(type));
      case 'i':
      case 'b':
        return Put(Basic<int32_t>(type));
      case 'u':
        return Put(Basic<uint32_t>(type));
      case 'd':
        return Put(Basic<double>(type));
      case 'x':
        return Halves(Basic<int64_t>(type));
      case 't':
        return Halves(Basic<uint64_t>(type));
      default:
        Check(fds_.Duplicate(Basic<int>(type)), "fcntl(F_DUPFD_CLOEXEC)");
    }
  }

  void Elements(char type) {
    const std::array<char, 2> contents{type, '\0'};
    Check(sd_bus_message_enter_container(message_, 'a', contents.data()), kRead);
    double* length = next_;
    Put(0);
    while (Check(sd_bus_message_at_end(message_, 0), kRead) == 0) {
      if (*length == kMaxElements) throw Failure{EMSGSIZE, kRead};
      One(type);
      *length += 1;
    }
    Check(sd_bus_message_exit_container(message_), kRead);
  }

  /** Hands over the file descriptors. */
  void End(Exchange* exchange) { fds_.ReleaseInto(exchange); }

 private:
  template <typename T>
  T Basic(char type) {
    T value{};
    if (Check(sd_bus_message_read_basic(message_, type, &value), kRead) == 0) throw Failure{EBADMSG, kRead};
    return value;
  }

  template <typename T>
  void Halves(T value) {
    Put(static_cast<double>(value >> 32));
    Put(static_cast<double>(value & 0xffffffff));
  }

  void Put(double number) {
    if (count_++ == Exchange::kCapacity<double>) throw Failure{EMSGSIZE, kRead};
    *next_++ = number;
  }

  static constexpr const char* kRead = "sd_bus_message_read";
  sd_bus_message* message_;
  double* next_;
  ReceivedFds fds_;
  size_t count_ = 0;
};

}  // namespace

bool IsFlat(const std::string& signature) {
  for (size_t i = 0; i < signature.size(); i++) {
    const bool array = signature[i] == 'a';
    if (array) i++;
    if (i == signature.size() || kNumbers.find(signature[i]) == std::string_view::npos) return false;
    if (array && signature[i] == 'y') return false;
  }
  return true;
}

void ReadFlat(sd_bus_message* message, const std::string& signature, Exchange* exchange) {
  FlatReader reader(message, exchange);
  for (size_t i = 0; i < signature.size(); i++) {
    if (signature[i] == 'a') {
      reader.Elements(signature[++i]);
    } else {
      reader.One(signature[i]);
    }
  }
  reader.End(exchange);
}
