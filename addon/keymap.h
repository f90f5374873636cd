#pragma once

#include <napi.h>

void InitKeymap(Napi::Env env, Napi::Object exports);
