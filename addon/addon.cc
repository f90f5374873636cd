#include "addon.h"

#include "card.h"
#include "dmabuf.h"
#include "dumb.h"
#include "fence.h"
#include "input.h"
#include "keymap.h"
#include "memfd.h"
#include "pixels.h"
#include "seat.h"
#include "uevent.h"
#include "uinput.h"
#include "unix-listener.h"
#include "unix-socket.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Addon);  // Node deletes it
  InitExchange(env, exports);
  InitCard(env, exports);
  InitDumb(env);
  InitDmabuf(env, exports);
  InitFence(env, exports);
  InitInput(env, exports);
  InitKeymap(env, exports);
  InitMemfd(env, exports);
  InitPixels(env, exports);
  InitSeat(env, exports);
  InitUevent(env, exports);
  InitUinput(env, exports);
  InitUnixListener(env, exports);
  InitUnixSocket(env, exports);
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
