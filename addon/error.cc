#include "error.h"

#include <uv.h>

Napi::Error Failure::In(Napi::Env env) const {
  const std::string code = uv_err_name(-error);
  std::string message = code + ": " + uv_strerror(-error) + ", " + syscall;
  if (!path.empty()) message += " '" + path + "'";

  Napi::Error result = Napi::Error::New(env, message);
  Napi::Object value = result.Value();
  value.Set("errno", -error);
  value.Set("code", code);
  value.Set("syscall", syscall);
  if (!path.empty()) value.Set("path", path);
  for (const auto& [name, number] : about) value.Set(name, static_cast<double>(number));
  return result;
}
