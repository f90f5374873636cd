#pragma once

#include <napi.h>
#include <systemd/sd-bus.h>

#include <string>

#include "exchange.h"

/** What D-Bus messages carry, to and from JavaScript; see BusValue and EXCHANGE_NUMBERS in src/native.ts. */

/** Appends an array of values to a message under construction; throws a TypeError or RangeError for others.
 */
void AppendValues(sd_bus_message* message, const std::string& signature, const Napi::Value& values);

/** All values of a received message; throws a Failure: EBADMSG, or EMSGSIZE for more than anybody should
 * send. Its file descriptors stay its own and read as -1. */
Napi::Array ReadValues(Napi::Env env, sd_bus_message* message);

/** Whether all arguments are numbers, file descriptors, and arrays of them. */
bool IsFlat(const std::string& signature);

/** The same for such a signature, into the exchange. Duplicates of its file descriptors are in the table
 * there. */
void ReadFlat(sd_bus_message* message, const std::string& signature, Exchange* exchange);
