#include "exchange.h"

#include "addon.h"

Exchange& Exchange::Of(Napi::Env env) { return env.GetInstanceData<Addon>()->exchange; }

void InitExchange(Napi::Env env, Napi::Object exports) {
  // External memory, which nobody can transfer to another thread from under us.
  exports.Set("exchange", Napi::ArrayBuffer::New(env, &Exchange::Of(env), sizeof(Exchange)));
}
