#pragma once

#include <napi.h>

#include <vector>

#include "fd.h"
#include "handle.h"

/** NativeWait: for the write fences that some dma-bufs have now. Closed once it has called back. */
class FenceWait final : public Handle<FenceWait> {
 public:
  static constexpr Kind kKind = Kind::kFenceWait;
  static constexpr const char* kName = "NativeWait";
  static Napi::Value Begin(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~FenceWait() override { CloseQuietly(); }
  void Close();

 private:
  void WaitForLast();

  std::vector<Fd> fences_;  // each readable once its buffer has been written
  Napi::FunctionReference on_signalled_;
};

void InitFence(Napi::Env env, Napi::Object exports);
