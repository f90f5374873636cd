#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

/** Readers of what JavaScript passes: a wrong type is a TypeError, a wrong value a RangeError, neither a
 * crash. */

inline double Integer(const Napi::Value& value, const char* name, double min, double max) {
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= min && number <= max) || std::trunc(number) != number) {
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must be an integer from " +
                                                 std::to_string(static_cast<int64_t>(min)) + " to " +
                                                 std::to_string(static_cast<int64_t>(max)));
  }
  return number;
}

template <typename T>
T Number(const Napi::Value& value, const char* name) {
  using Limits = std::numeric_limits<T>;
  static_assert(sizeof(T) <= 4, "larger integers do not fit into a double");
  return static_cast<T>(Integer(value, name, Limits::min(), Limits::max()));
}

inline uint32_t Uint32(const Napi::Value& value, const char* name) { return Number<uint32_t>(value, name); }
inline int32_t Int32(const Napi::Value& value, const char* name) { return Number<int32_t>(value, name); }

/** A count or offset of bytes. */
inline uint64_t Size(const Napi::Value& value, const char* name) {
  return static_cast<uint64_t>(Integer(value, name, 0, 9007199254740991.0));
}

inline int Descriptor(const Napi::Value& value, const char* name) {
  return static_cast<int>(Integer(value, name, 0, std::numeric_limits<int>::max()));
}

inline bool Boolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

/** A string for the system, so without NUL characters. */
inline std::string String(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a string");
  std::string text = value.As<Napi::String>();
  if (text.find('\0') != std::string::npos) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must not contain null characters");
  }
  return text;
}

inline Napi::Object Object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an object");
  return value.As<Napi::Object>();
}

inline Napi::Function Function(const Napi::Value& value, const char* name) {
  if (!value.IsFunction()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a function");
  return value.As<Napi::Function>();
}

inline Napi::Uint8Array Bytes(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

inline Napi::Int32Array Int32Numbers(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an Int32Array");
  }
  return value.As<Napi::Int32Array>();
}

inline Napi::Array Array(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be an array");
  return value.As<Napi::Array>();
}

inline std::vector<uint32_t> Uint32s(const Napi::Value& value, const char* name) {
  const Napi::Array array = Array(value, name);
  std::vector<uint32_t> numbers(array.Length());
  for (uint32_t i = 0; i < numbers.size(); i++) numbers[i] = Uint32(array.Get(i), name);
  return numbers;
}

inline std::vector<int> Descriptors(const Napi::Value& value, const char* name) {
  const Napi::Array array = Array(value, name);
  std::vector<int> fds(array.Length());
  for (uint32_t i = 0; i < fds.size(); i++) fds[i] = Descriptor(array.Get(i), name);
  return fds;
}
