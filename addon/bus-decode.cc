#include <cerrno>
#include <cstdint>
#include <cstring>

#include "bus-values.h"
#include "error.h"

namespace {

/** Most values of one message: it may have 128 MB, and each of its bytes could become a JavaScript object. */
constexpr size_t kMaxValues = 65536;

int Check(int status, const char* what) {
  if (status < 0) throw Failure{-status, what};
  return status;
}

/** Reads values; one per message. */
class Reader {
 public:
  Reader(Napi::Env env, sd_bus_message* message) : env_(env), message_(message) {}

  /** The values up to the end of the container, or of the message. */
  Napi::Array Rest() {
    Napi::Array values = Napi::Array::New(env_);
    for (uint32_t i = 0; Check(sd_bus_message_at_end(message_, 0), kRead) == 0; i++) {
      const Napi::HandleScope scope(env_);
      values.Set(i, Next());
    }
    return values;
  }

 private:
  Napi::Value Next() {
    if (++count_ > kMaxValues) throw Failure{EMSGSIZE, kRead};
    char type = 0;
    const char* peeked = nullptr;
    if (Check(sd_bus_message_peek_type(message_, &type, &peeked), kRead) == 0) throw Failure{EBADMSG, kRead};
    const std::string contents = peeked == nullptr ? "" : peeked;
    switch (type) {
      case 'y':
        return Number<uint8_t>(type);
      case 'n':
        return Number<int16_t>(type);
      case 'q':
        return Number<uint16_t>(type);
      case 'i':
        return Number<int32_t>(type);
      case 'u':
        return Number<uint32_t>(type);
      case 'd':
        return Number<double>(type);
      case 'h':
        Basic<int>(type);  // the message's, and goes with it: who expects a number would never close it
        return Napi::Number::New(env_, -1);
      case 'b':
        return Napi::Boolean::New(env_, Basic<int>(type) != 0);
      case 'x':
        return Napi::BigInt::New(env_, Basic<int64_t>(type));
      case 't':
        return Napi::BigInt::New(env_, Basic<uint64_t>(type));
      case 's':
      case 'o':
      case 'g':
        return Napi::String::New(env_, Basic<const char*>(type));
      case 'a':
        if (contents == "y") return Bytes();
        return contents.front() == '{' ? Dictionary(contents) : Inside(type, contents);
      case 'v': {
        Napi::Object variant = Napi::Object::New(env_);
        variant.Set("signature", contents);
        Enter(type, contents);
        variant.Set("value", Next());
        Leave();
        return variant;
      }
      default:
        return Inside(type, contents);
    }
  }

  template <typename T>
  T Basic(char type) {
    T value{};
    if (Check(sd_bus_message_read_basic(message_, type, &value), kRead) == 0) throw Failure{EBADMSG, kRead};
    return value;
  }

  template <typename T>
  Napi::Value Number(char type) {
    return Napi::Number::New(env_, Basic<T>(type));
  }

  Napi::Value Bytes() {
    const void* bytes = nullptr;
    size_t size = 0;
    Check(sd_bus_message_read_array(message_, 'y', &bytes, &size), kRead);
    Napi::Uint8Array copy = Napi::Uint8Array::New(env_, size);
    if (size > 0) std::memcpy(copy.Data(), bytes, size);
    return copy;
  }

  Napi::Value Dictionary(const std::string& contents) {
    const auto map = env_.Global().Get("Map").As<Napi::Function>().New({});
    const auto set = map.Get("set").As<Napi::Function>();
    Enter('a', contents);
    while (Check(sd_bus_message_at_end(message_, 0), kRead) == 0) {
      const Napi::HandleScope scope(env_);
      Enter('e', contents.substr(1, contents.size() - 2));
      const Napi::Value key = Next();
      set.Call(map, {key, Next()});
      Leave();
    }
    Leave();
    return map;
  }

  Napi::Value Inside(char type, const std::string& contents) {
    Enter(type, contents);
    Napi::Array values = Rest();
    Leave();
    return values;
  }

  void Enter(char type, const std::string& contents) {
    if (Check(sd_bus_message_enter_container(message_, type, contents.c_str()), kRead) == 0) {
      throw Failure{EBADMSG, kRead};
    }
  }
  void Leave() { Check(sd_bus_message_exit_container(message_), kRead); }

  static constexpr const char* kRead = "sd_bus_message_read";
  Napi::Env env_;
  sd_bus_message* message_;
  size_t count_ = 0;
};

}  // namespace

Napi::Array ReadValues(Napi::Env env, sd_bus_message* message) { return Reader(env, message).Rest(); }
