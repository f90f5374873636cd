#include "keymap.h"

#include <linux/input-event-codes.h>
#include <xkbcommon/xkbcommon.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "worker.h"

namespace {

/** XKB counts the keys of a PC from 8. */
constexpr xkb_keycode_t kFirst = 8;
/** What is held: bits of KEYMAP_WORDS' second word. */
constexpr uint32_t kShift = 1;
constexpr uint32_t kAltGr = 2;

template <typename T, void (*Unref)(T*)>
struct Unreferencer {
  void operator()(T* object) const { Unref(object); }
};
using Context = std::unique_ptr<xkb_context, Unreferencer<xkb_context, xkb_context_unref>>;
using Keymap = std::unique_ptr<xkb_keymap, Unreferencer<xkb_keymap, xkb_keymap_unref>>;
using State = std::unique_ptr<xkb_state, Unreferencer<xkb_state, xkb_state_unref>>;

void IgnoreLog(xkb_context* /*context*/, xkb_log_level /*level*/, const char* /*format*/,
               va_list /*arguments*/) {}

/** What every key gives while `held` is, four words each. Nothing where that makes it a shortcut. */
void ReadLevel(xkb_keymap* keymap, uint32_t held, std::vector<uint32_t>& words) {
  const State state(xkb_state_new(keymap));
  if (!state) throw Failure{ENOMEM, "xkb_state_new"};
  if ((held & kShift) != 0) xkb_state_update_key(state.get(), KEY_LEFTSHIFT + kFirst, XKB_KEY_DOWN);
  if ((held & kAltGr) != 0) xkb_state_update_key(state.get(), KEY_RIGHTALT + kFirst, XKB_KEY_DOWN);
  const auto active = [&](const char* modifier) {
    return xkb_state_mod_name_is_active(state.get(), modifier, XKB_STATE_MODS_EFFECTIVE) > 0;
  };
  if (active(XKB_MOD_NAME_ALT) || active(XKB_MOD_NAME_CTRL) || active(XKB_MOD_NAME_LOGO)) return;
  const xkb_keycode_t last = std::min<xkb_keycode_t>(xkb_keymap_max_keycode(keymap), KEY_MAX + kFirst);
  for (xkb_keycode_t key = kFirst + 1; key <= last; key++) {
    const xkb_keysym_t symbol = xkb_state_key_get_one_sym(state.get(), key);
    if (symbol == XKB_KEY_NoSymbol) continue;
    words.insert(words.end(), {key - kFirst, held, symbol, xkb_keysym_to_utf32(symbol)});
  }
}

/** Empty: there is no such layout. */
std::vector<uint32_t> Read(const std::string& layout, const std::string& variant) {
  const Context context(xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
  if (!context) throw Failure{ENOENT, "xkb_context_new"};
  xkb_context_set_log_fn(context.get(), IgnoreLog);
  const xkb_rule_names names{"evdev", "pc105", layout.c_str(), variant.c_str(), ""};
  const Keymap keymap(xkb_keymap_new_from_names(context.get(), &names, XKB_KEYMAP_COMPILE_NO_FLAGS));
  std::vector<uint32_t> words;
  if (!keymap) return words;
  for (const uint32_t held : {0U, kShift, kAltGr, kShift | kAltGr}) ReadLevel(keymap.get(), held, words);
  return words;
}

Napi::Value ReadKeymap(const Napi::CallbackInfo& info) {
  const std::string layout = String(info[0], "layout");
  const std::string variant = String(info[1], "variant");
  return RunOnWorker(
      info.Env(), [layout, variant] { return Read(layout, variant); },
      [](Napi::Env env, std::vector<uint32_t> words) {
        Napi::Uint32Array array = Napi::Uint32Array::New(env, words.size());
        std::copy(words.begin(), words.end(), array.Data());
        return array;
      });
}

}  // namespace

void InitKeymap(Napi::Env env, Napi::Object exports) {
  exports.Set("readKeymap", Napi::Function::New(env, ReadKeymap, "readKeymap"));
}
