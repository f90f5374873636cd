#pragma once

#include <napi.h>

/** copyPixels and readRgb. */
void InitPixels(Napi::Env env, Napi::Object exports);
