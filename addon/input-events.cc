#include <linux/input-event-codes.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "input.h"

/** What libinput's events say. */

namespace {

uint32_t IdOf(libinput_device* device) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(libinput_device_get_user_data(device)));
}

/** What libinput scrolls for fingers, in its units, where a wheel would turn by one notch. */
constexpr double kUnitsPerNotch = 15;

uint32_t Rounded(double value) { return static_cast<uint32_t>(static_cast<int32_t>(std::lround(value))); }

/** The far edge of a device is still on the screen. */
uint32_t Position(double value) { return static_cast<uint32_t>(std::clamp(value, 0.0, 65535.0)); }

/** A pen's buttons are a mouse's for guests; a puck has those already. */
uint32_t ButtonOf(uint32_t button) {
  switch (button) {
    case BTN_STYLUS:
      return BTN_RIGHT;
    case BTN_STYLUS2:
      return BTN_MIDDLE;
    case BTN_STYLUS3:
      return BTN_SIDE;
    default:
      return button;
  }
}

}  // namespace

size_t Input::ReadRecords(libinput_event* event, Record* records) {
  libinput_device* device = libinput_event_get_device(event);
  const uint32_t id = IdOf(device);
  switch (const libinput_event_type type = libinput_event_get_type(event)) {
    case LIBINPUT_EVENT_DEVICE_ADDED:
      *records = {Record::kDeviceAdded, Added(device)};
      return 1;
    case LIBINPUT_EVENT_DEVICE_REMOVED:
      removed_.push_back(id);
      *records = {Record::kDeviceRemoved, id};
      return 1;
    case LIBINPUT_EVENT_KEYBOARD_KEY: {
      libinput_event_keyboard* key = libinput_event_get_keyboard_event(event);
      const bool down = libinput_event_keyboard_get_key_state(key) == LIBINPUT_KEY_STATE_PRESSED;
      *records = Record{Record::kKey, id, libinput_event_keyboard_get_key(key), down ? 1U : 0U}.At(
          libinput_event_keyboard_get_time_usec(key));
      return 1;
    }
    case LIBINPUT_EVENT_POINTER_MOTION: {
      libinput_event_pointer* pointer = libinput_event_get_pointer_event(event);
      *records = {Record::kMotion,
                  id,
                  Rounded(libinput_event_pointer_get_dx(pointer) * 256),
                  Rounded(libinput_event_pointer_get_dy(pointer) * 256),
                  Rounded(libinput_event_pointer_get_dx_unaccelerated(pointer) * 256),
                  Rounded(libinput_event_pointer_get_dy_unaccelerated(pointer) * 256)};
      return 1;
    }
    case LIBINPUT_EVENT_POINTER_MOTION_ABSOLUTE:
    case LIBINPUT_EVENT_POINTER_BUTTON: {
      libinput_event_pointer* pointer = libinput_event_get_pointer_event(event);
      *records = ReadPointer(type, pointer, id).At(libinput_event_pointer_get_time_usec(pointer));
      return 1;
    }
    case LIBINPUT_EVENT_POINTER_SCROLL_WHEEL:
    case LIBINPUT_EVENT_POINTER_SCROLL_FINGER:
    case LIBINPUT_EVENT_POINTER_SCROLL_CONTINUOUS:
      return ReadScroll(type, libinput_event_get_pointer_event(event), id, records);
    case LIBINPUT_EVENT_TOUCH_DOWN:
    case LIBINPUT_EVENT_TOUCH_MOTION:
    case LIBINPUT_EVENT_TOUCH_UP:
    case LIBINPUT_EVENT_TOUCH_CANCEL:
      *records = ReadTouch(type, libinput_event_get_touch_event(event), id);
      return 1;
    case LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY:
    case LIBINPUT_EVENT_TABLET_TOOL_AXIS:
    case LIBINPUT_EVENT_TABLET_TOOL_TIP:
    case LIBINPUT_EVENT_TABLET_TOOL_BUTTON:
      return ReadTool(type, libinput_event_get_tablet_tool_event(event), id, records);
    default:  // LIBINPUT_EVENT_POINTER_AXIS among them, which repeats those three for old programs
      return 0;
  }
}

/** libinput says what each finger does; that these belong together (TOUCH_FRAME) matters to nobody here. */
Input::Record Input::ReadTouch(libinput_event_type type, libinput_event_touch* touch, uint32_t id) {
  const auto finger = static_cast<uint32_t>(std::max(0, libinput_event_touch_get_seat_slot(touch)));
  if (type == LIBINPUT_EVENT_TOUCH_UP) return {Record::kTouchUp, id, finger};
  if (type == LIBINPUT_EVENT_TOUCH_CANCEL) return {Record::kTouchCancel, id, finger};
  const uint32_t x = Position(libinput_event_touch_get_x_transformed(touch, 65536));
  const uint32_t y = Position(libinput_event_touch_get_y_transformed(touch, 65536));
  return {type == LIBINPUT_EVENT_TOUCH_DOWN ? Record::kTouchDown : Record::kTouchMove, id, finger,
          x | y << 16};
}

/** A pen is an absolute pointer: its tip is the left button, the lower one on it the right, as on Windows. */
size_t Input::ReadTool(libinput_event_type type, libinput_event_tablet_tool* tool, uint32_t id,
                       Record* records) {
  if (type == LIBINPUT_EVENT_TABLET_TOOL_BUTTON) {
    const bool down = libinput_event_tablet_tool_get_button_state(tool) == LIBINPUT_BUTTON_STATE_PRESSED;
    *records = {Record::kButton, id, ButtonOf(libinput_event_tablet_tool_get_button(tool)), down ? 1U : 0U};
    return 1;
  }
  // What is down on it libinput has let go before it leaves.
  if (type == LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY &&
      libinput_event_tablet_tool_get_proximity_state(tool) == LIBINPUT_TABLET_TOOL_PROXIMITY_STATE_OUT) {
    return 0;
  }
  records[0] = {Record::kAbsolute, id, Position(libinput_event_tablet_tool_get_x_transformed(tool, 65536)),
                Position(libinput_event_tablet_tool_get_y_transformed(tool, 65536))};
  if (type != LIBINPUT_EVENT_TABLET_TOOL_TIP) return 1;
  const bool down = libinput_event_tablet_tool_get_tip_state(tool) == LIBINPUT_TABLET_TOOL_TIP_DOWN;
  records[1] = {Record::kButton, id, BTN_LEFT, down ? 1U : 0U};
  return 2;
}

uint32_t Input::Added(libinput_device* device) {
  // One number per device of this process, whatever seat of udev it is of.
  static std::atomic<uint32_t> last_id = 0;
  const uint32_t id = ++last_id;
  libinput_device_set_user_data(device,
                                reinterpret_cast<void*>(uintptr_t{id}));  // NOLINT(performance-no-int-to-ptr)
  if (libinput_device_config_tap_get_finger_count(device) > 0) {
    libinput_device_config_tap_set_enabled(device, LIBINPUT_CONFIG_TAP_ENABLED);
  }
  devices_.emplace(id, Device(libinput_device_ref(device), libinput_device_unref));
  return id;
}

Input::Record Input::ReadPointer(libinput_event_type type, libinput_event_pointer* pointer, uint32_t id) {
  switch (type) {
    case LIBINPUT_EVENT_POINTER_MOTION_ABSOLUTE:
      return {Record::kAbsolute, id,
              Position(libinput_event_pointer_get_absolute_x_transformed(pointer, 65536)),
              Position(libinput_event_pointer_get_absolute_y_transformed(pointer, 65536))};
    default: {
      const bool down = libinput_event_pointer_get_button_state(pointer) == LIBINPUT_BUTTON_STATE_PRESSED;
      return {Record::kButton, id, libinput_event_pointer_get_button(pointer), down ? 1U : 0U};
    }
  }
}

/** A record for each axis that turned. */
size_t Input::ReadScroll(libinput_event_type type, libinput_event_pointer* pointer, uint32_t id,
                         Record* records) {
  size_t count = 0;
  for (const auto axis : {LIBINPUT_POINTER_AXIS_SCROLL_VERTICAL, LIBINPUT_POINTER_AXIS_SCROLL_HORIZONTAL}) {
    if (libinput_event_pointer_has_axis(pointer, axis) == 0) continue;
    const double turned = type == LIBINPUT_EVENT_POINTER_SCROLL_WHEEL
                              ? libinput_event_pointer_get_scroll_value_v120(pointer, axis)
                              : libinput_event_pointer_get_scroll_value(pointer, axis) * 120 / kUnitsPerNotch;
    const uint32_t value = Rounded(turned);
    if (value == 0) continue;  // a finger was lifted
    const uint32_t code = axis == LIBINPUT_POINTER_AXIS_SCROLL_VERTICAL ? 0 : 1;
    records[count++] =
        Record{Record::kWheel, id, code, value}.At(libinput_event_pointer_get_time_usec(pointer));
  }
  return count;
}
