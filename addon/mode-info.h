#pragma once

#include <napi.h>

#include "drm-compat.h"

/** ModeInfo to and from the kernel's struct, every field of it. */
Napi::Object FromMode(Napi::Env env, const drmModeModeInfo& mode);
drmModeModeInfo ToMode(const Napi::Object& object);
