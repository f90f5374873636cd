#include <cerrno>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "arguments.h"
#include "bus-values.h"
#include "error.h"

namespace {

/** The length of the first complete type of a signature; 0 for none. sd-bus checks what is inside. */
size_t TypeLength(std::string_view signature) {
  size_t arrays = 0;
  while (arrays < signature.size() && signature[arrays] == 'a') arrays++;
  if (arrays == signature.size()) return 0;
  size_t end = arrays;
  int depth = 0;
  do {
    if (end == signature.size()) return 0;
    const char c = signature[end++];
    if (c == '(' || c == '{') depth++;
    if (c == ')' || c == '}') depth--;
  } while (depth > 0);
  return depth == 0 ? end : 0;
}

/** Appends values; one per message. */
class Writer {
 public:
  Writer(Napi::Env env, sd_bus_message* message) : env_(env), message_(message) {}

  void All(std::string_view signature, const Napi::Array& values) {
    uint32_t index = 0;
    while (!signature.empty()) {
      const size_t length = TypeLength(signature);
      if (length == 0) throw Napi::TypeError::New(env_, "signature is none of D-Bus");
      if (index == values.Length())
        throw Napi::TypeError::New(env_, "values are fewer than the signature says");
      One(signature.substr(0, length), values.Get(index++));
      signature.remove_prefix(length);
    }
    if (index != values.Length()) throw Napi::TypeError::New(env_, "values are more than the signature says");
  }

 private:
  void One(std::string_view type, const Napi::Value& value) {
    const Napi::HandleScope scope(env_);
    switch (type.front()) {
      case 'y':
        return Basic('y', Number<uint8_t>(value, kName));
      case 'n':
        return Basic('n', Number<int16_t>(value, kName));
      case 'q':
        return Basic('q', Number<uint16_t>(value, kName));
      case 'i':
        return Basic('i', Int32(value, kName));
      case 'u':
        return Basic('u', Uint32(value, kName));
      case 'h':
        return Basic('h', Descriptor(value, kName));
      case 'b':
        return Basic('b', int{Boolean(value, kName)});
      case 'x':
        return Basic('x', Big<int64_t>(value));
      case 't':
        return Basic('t', Big<uint64_t>(value));
      case 'd':
        if (!value.IsNumber()) throw Napi::TypeError::New(env_, "values must be a number");
        return Basic('d', value.As<Napi::Number>().DoubleValue());
      case 's':
      case 'o':
      case 'g':
        return Append(sd_bus_message_append_basic(message_, type.front(), String(value, kName).c_str()));
      case 'v':
        return Variant(Object(value, kName));
      case '(':
        return Container('r', type, [&](std::string_view inner) { All(inner, Array(value, kName)); });
      case 'a':
        return Elements(type, value);
      default:
        throw Napi::TypeError::New(env_, "signature is none of D-Bus");
    }
  }

  template <typename T>
  void Basic(char type, T value) {
    Append(sd_bus_message_append_basic(message_, type, &value));
  }

  template <typename T>
  T Big(const Napi::Value& value) {
    if (!value.IsBigInt()) throw Napi::TypeError::New(env_, "values must be a bigint");
    T number = 0;
    bool exact = false;
    if constexpr (std::is_signed_v<T>) {
      number = value.As<Napi::BigInt>().Int64Value(&exact);
    } else {
      number = value.As<Napi::BigInt>().Uint64Value(&exact);
    }
    if (!exact) throw Napi::RangeError::New(env_, "values must be a bigint of 64 bits");
    return number;
  }

  void Variant(const Napi::Object& value) {
    const std::string signature = String(value.Get("signature"), "values.signature");
    if (TypeLength(signature) != signature.size()) {
      throw Napi::TypeError::New(env_, "values.signature must be one type of D-Bus");
    }
    Append(sd_bus_message_open_container(message_, 'v', signature.c_str()));
    One(signature, value.Get("value"));
    Append(sd_bus_message_close_container(message_));
  }

  void Elements(std::string_view type, const Napi::Value& value) {
    const std::string element(type.substr(1));
    if (element == "y") {
      const Napi::Uint8Array bytes = Bytes(value, kName);
      return Append(sd_bus_message_append_array(message_, 'y', bytes.Data(), bytes.ByteLength()));
    }
    const bool dictionary = element.front() == '{';
    const Napi::Array elements = dictionary ? Entries(value) : Array(value, kName);
    Append(sd_bus_message_open_container(message_, 'a', element.c_str()));
    for (uint32_t i = 0; i < elements.Length(); i++) {
      if (dictionary) {
        Container('e', element, [&](std::string_view inner) { All(inner, Array(elements.Get(i), kName)); });
      } else {
        One(element, elements.Get(i));
      }
    }
    Append(sd_bus_message_close_container(message_));
  }

  /** Those of a Map of any realm. */
  Napi::Array Entries(const Napi::Value& map) {
    if (!map.IsObject() || !map.As<Napi::Object>().Get("entries").IsFunction()) {
      throw Napi::TypeError::New(env_, "values must be a Map");
    }
    const auto array = env_.Global().Get("Array").As<Napi::Object>();
    return array.Get("from").As<Napi::Function>().Call(array, {map}).As<Napi::Array>();
  }

  /** A struct or an entry of a dictionary: `type` has its brackets. */
  template <typename Inner>
  void Container(char kind, std::string_view type, Inner inner) {
    const std::string contents(type.substr(1, type.size() - 2));
    Append(sd_bus_message_open_container(message_, kind, contents.c_str()));
    inner(contents);
    Append(sd_bus_message_close_container(message_));
  }

  void Append(int status) const {
    if (status < 0) throw Failure{-status, "sd_bus_message_append"}.In(env_);
  }

  static constexpr const char* kName = "values";
  Napi::Env env_;
  sd_bus_message* message_;
};

}  // namespace

void AppendValues(sd_bus_message* message, const std::string& signature, const Napi::Value& values) {
  Writer(values.Env(), message).All(signature, Array(values, "values"));
}
