#pragma once

#include <napi.h>

#include <unordered_set>

#include "fd.h"
#include "handle.h"

class Dumb;

/** A DRM primary node: NativeCard. */
class Card final : public Handle<Card> {
 public:
  static constexpr Kind kKind = Kind::kCard;
  static constexpr const char* kName = "NativeCard";
  static void Init(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Card() override { CloseQuietly(); }
  void Close();

  /** Its buffers go with the card: their mappings would keep the kernel's file, and so DRM master, alive. */
  void Adopt(Dumb* dumb) { dumbs_.insert(dumb); }
  void Disown(Dumb* dumb) { dumbs_.erase(dumb); }

 private:
  // card.cc
  void Abandon(const Napi::CallbackInfo& info);
  Napi::Value DriverName(const Napi::CallbackInfo& info);
  Napi::Value IsMaster(const Napi::CallbackInfo& info);
  Napi::Value SetMaster(const Napi::CallbackInfo& info);
  Napi::Value DropMaster(const Napi::CallbackInfo& info);
  Napi::Value Capability(const Napi::CallbackInfo& info);
  Napi::Value SetClientCapability(const Napi::CallbackInfo& info);
  Napi::Value SetCrtc(const Napi::CallbackInfo& info);
  Napi::Value SetProperty(const Napi::CallbackInfo& info);
  Napi::Value Flip(const Napi::CallbackInfo& info);
  void OnFlips(const Napi::CallbackInfo& info);
  Napi::Value SetCursor(const Napi::CallbackInfo& info);
  Napi::Value MoveCursor(const Napi::CallbackInfo& info);

  // card-info.cc
  Napi::Value Resources(const Napi::CallbackInfo& info);
  Napi::Value Planes(const Napi::CallbackInfo& info);
  Napi::Value ProbeConnector(const Napi::CallbackInfo& info);
  Napi::Value Connector(const Napi::CallbackInfo& info);
  Napi::Value Encoder(const Napi::CallbackInfo& info);
  Napi::Value Crtc(const Napi::CallbackInfo& info);
  Napi::Value Plane(const Napi::CallbackInfo& info);
  Napi::Value Properties(const Napi::CallbackInfo& info);
  Napi::Value Blob(const Napi::CallbackInfo& info);

  // atomic.cc
  Napi::Value Atomic(const Napi::CallbackInfo& info);
  Napi::Value AtomicSet(const Napi::CallbackInfo& info);
  Napi::Value CreateModeBlob(const Napi::CallbackInfo& info);
  Napi::Value CreateDamageBlob(const Napi::CallbackInfo& info);
  void DestroyBlob(const Napi::CallbackInfo& info);

  // fence.cc, framebuffer.cc, dumb.cc, writeback.cc
  Napi::Value SignalledFence(const Napi::CallbackInfo& info);
  Napi::Value ImportFramebuffer(const Napi::CallbackInfo& info);
  Napi::Value CloseFramebuffer(const Napi::CallbackInfo& info);
  Napi::Value RemoveFramebuffer(const Napi::CallbackInfo& info);
  Napi::Value CreateDumb(const Napi::CallbackInfo& info);
  Napi::Value Writeback(const Napi::CallbackInfo& info);

  /** The open card's descriptor, for as long as a job needs it. */
  [[nodiscard]] const SharedFd& File() const;
  [[nodiscard]] int Descriptor() const { return File()->Get(); }
  void ReadEvents(int status);

  SharedFd fd_;
  Napi::FunctionReference on_flips_;
  std::unordered_set<Dumb*> dumbs_;
};

void InitCard(Napi::Env env, Napi::Object exports);
