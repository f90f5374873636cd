#include "uinput.h"

#include <fcntl.h>
#include <linux/uinput.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "worker.h"

namespace {

/** Most events of one report; more are nothing a device does at once. */
constexpr size_t kMostEvents = 64;
/** Events read at once of what a device is told. */
constexpr size_t kMostTold = 64;

template <typename Argument>
void Control(const Fd& fd, unsigned long request, Argument argument, const char* syscall) {
  if (ioctl(fd.Get(), request, argument) < 0) throw Failure{errno, syscall};
}

struct Axis {
  uint16_t code;
  int32_t maximum;
  /** Units per millimetre; 0: who knows. */
  int32_t resolution = 0;
};

/** A device as it is to be, for UI_DEV_SETUP, UI_SET_*BIT and UI_ABS_SETUP. */
struct Shape {
  std::string name{}, phys{};
  std::vector<uint32_t> keys{}, relative{}, leds{}, properties{};
  std::vector<Axis> absolute{};
};

std::vector<uint32_t> Range(uint32_t first, uint32_t last) {
  std::vector<uint32_t> codes(last - first + 1);
  std::iota(codes.begin(), codes.end(), first);
  return codes;
}

/** Of ten fingers, and of the first without its number. */
std::vector<Axis> Fingers(int32_t resolution) {
  return {{ABS_X, 65535, resolution},
          {ABS_Y, 65535, resolution},
          {ABS_MT_SLOT, 9},
          {ABS_MT_TRACKING_ID, 65535},
          {ABS_MT_POSITION_X, 65535, resolution},
          {ABS_MT_POSITION_Y, 65535, resolution}};
}

/** Devices for tests. */
std::optional<Shape> ShapeOf(const std::string& name, const std::string& kind) {
  Shape shape{name};
  shape.keys = {BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA};
  if (kind == "mouse") {
    shape.relative = {REL_X, REL_Y, REL_WHEEL, REL_HWHEEL};
  } else if (kind == "tablet") {
    shape.relative = {REL_WHEEL};
    shape.absolute = {{ABS_X, 65535}, {ABS_Y, 65535}};
  } else if (kind == "pen") {
    shape.keys = {BTN_TOOL_PEN, BTN_TOUCH, BTN_STYLUS, BTN_STYLUS2};
    shape.absolute = {{ABS_X, 65535, 200}, {ABS_Y, 65535, 200}};
  } else if (kind == "touchscreen") {
    shape.keys = {BTN_TOUCH};
    shape.properties = {INPUT_PROP_DIRECT};
    shape.absolute = Fingers(0);
  } else if (kind == "touchpad") {
    shape.keys = {BTN_LEFT, BTN_RIGHT, BTN_TOUCH, BTN_TOOL_FINGER, BTN_TOOL_DOUBLETAP};
    shape.properties = {INPUT_PROP_POINTER};
    // About as large as a hand, or libinput asks whether it is one.
    shape.absolute = Fingers(600);
  } else if (kind == "keyboard") {
    shape.keys = Range(KEY_ESC, KEY_MICMUTE);
    shape.leds = {LED_NUML, LED_CAPSL, LED_SCROLLL};
  } else {
    return std::nullopt;
  }
  return shape;
}

Fd OpenDevice(const Shape& shape) {
  Fd fd(open("/dev/uinput", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Failure{errno, "open", {}, "/dev/uinput"};
  const auto enable = [&](int type, unsigned long request, const std::vector<uint32_t>& codes) {
    if (!codes.empty()) Control(fd, UI_SET_EVBIT, type, "ioctl(UI_SET_EVBIT)");
    for (const uint32_t code : codes) Control(fd, request, code, "ioctl(UI_SET_*BIT)");
  };
  enable(EV_KEY, UI_SET_KEYBIT, shape.keys);
  enable(EV_REL, UI_SET_RELBIT, shape.relative);
  enable(EV_LED, UI_SET_LEDBIT, shape.leds);
  if (!shape.absolute.empty()) Control(fd, UI_SET_EVBIT, EV_ABS, "ioctl(UI_SET_EVBIT)");
  for (const Axis& axis : shape.absolute) {
    uinput_abs_setup setup{};
    setup.code = axis.code;
    setup.absinfo.maximum = axis.maximum;
    setup.absinfo.resolution = axis.resolution;
    Control(fd, UI_ABS_SETUP, &setup, "ioctl(UI_ABS_SETUP)");
  }
  for (const uint32_t property : shape.properties)
    Control(fd, UI_SET_PROPBIT, property, "ioctl(UI_SET_PROPBIT)");
  if (!shape.phys.empty()) Control(fd, UI_SET_PHYS, shape.phys.c_str(), "ioctl(UI_SET_PHYS)");
  uinput_setup setup{};
  setup.id = {BUS_VIRTUAL, 1, 1, 1};
  shape.name.copy(setup.name, sizeof(setup.name) - 1);
  Control(fd, UI_DEV_SETUP, &setup, "ioctl(UI_DEV_SETUP)");
  Control(fd, UI_DEV_CREATE, 0, "ioctl(UI_DEV_CREATE)");
  return fd;
}

input_event Event(uint16_t type, uint16_t code, int32_t value) {
  input_event event{};
  event.type = type;
  event.code = code;
  event.value = value;
  return event;
}

/** The eventN node among the children of the device in sysfs; empty until it is there. */
std::string FindDevnode(const std::string& sysname) {
  std::error_code gone;
  const std::filesystem::path device = "/sys/devices/virtual/input/" + sysname;
  for (const auto& child : std::filesystem::directory_iterator(device, gone)) {
    const std::string name = child.path().filename();
    std::string devnode = "/dev/input/" + name;
    if (name.rfind("event", 0) == 0 && access(devnode.c_str(), F_OK) == 0) return devnode;
  }
  return {};
}

}  // namespace

void Uinput::Init(Napi::Env env) {
  Define(env, {InstanceAccessor<&Uinput::Devnode>("devnode", napi_enumerable),
               InstanceMethod("emit", &Uinput::Emit), InstanceMethod("write", &Uinput::Write),
               InstanceMethod("onLeds", &Uinput::OnLeds)});
}

Napi::Value Uinput::Make(Napi::Env env, Fd fd) {
  Uinput* uinput = New(env);
  uinput->fd_ = std::move(fd);
  return uinput->Value();
}

Napi::Value Uinput::Create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = String(info[0], "name");
  const std::optional<Shape> shape =
      ShapeOf(name, info[1].IsUndefined() ? "keyboard" : String(info[1], "kind"));
  if (!shape)
    throw Napi::TypeError::New(
        env, "kind must be 'keyboard', 'mouse', 'tablet', 'pen', 'touchscreen' or 'touchpad'");
  try {
    return Make(env, OpenDevice(*shape));
  } catch (const Failure& failure) {
    throw failure.In(env);
  }
}

Napi::Value Uinput::Open(const Napi::CallbackInfo& info) {
  const Napi::Object asked = Object(info[0], "shape");
  Shape shape{String(asked.Get("name"), "shape.name"), String(asked.Get("phys"), "shape.phys")};
  shape.keys = Uint32s(asked.Get("keys"), "shape.keys");
  shape.relative = Uint32s(asked.Get("relative"), "shape.relative");
  shape.leds = Uint32s(asked.Get("leds"), "shape.leds");
  shape.properties = Uint32s(asked.Get("properties"), "shape.properties");
  const Napi::Array axes = Array(asked.Get("absolute"), "shape.absolute");
  for (uint32_t i = 0; i < axes.Length(); i++) {
    const Napi::Object axis = Object(axes.Get(i), "shape.absolute");
    shape.absolute.push_back(
        {Number<uint16_t>(axis.Get("code"), "axis.code"), Int32(axis.Get("maximum"), "axis.maximum")});
  }
  return RunOnWorker(
      info.Env(), [shape = std::move(shape)] { return OpenDevice(shape); },
      [](Napi::Env env, Fd fd) { return Make(env, std::move(fd)); });
}

void Uinput::Close() {
  ClosePoll();
  on_leds_.Reset();
  // Removing a device waits for its readers.
  if (fd_) CloseElsewhere({fd_.Release()});
}

Napi::Value Uinput::Devnode(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("ioctl(UI_GET_SYSNAME)");
  std::array<char, 64> sysname{};
  if (ioctl(fd_.Get(), UI_GET_SYSNAME(sysname.size()), sysname.data()) < 0)
    throw Failure{errno, "ioctl(UI_GET_SYSNAME)"}.In(info.Env());
  return Napi::String::New(info.Env(), FindDevnode(sysname.data()));
}

void Uinput::Emit(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("write");
  const std::array<input_event, 2> events{
      Event(Number<uint16_t>(info[0], "type"), Number<uint16_t>(info[1], "code"), Int32(info[2], "value")),
      Event(EV_SYN, SYN_REPORT, 0)};
  if (write(fd_.Get(), events.data(), sizeof(events)) < 0) throw Failure{errno, "write"}.In(info.Env());
}

Napi::Value Uinput::Write(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("write");
  const Napi::Int32Array numbers = Int32Numbers(info[0], "events");
  const size_t count = Uint32(info[1], "count");
  if (count > kMostEvents || count * 3 > numbers.ElementLength())
    throw Napi::RangeError::New(info.Env(), "count must be that of the events, at most 64");
  std::array<input_event, kMostEvents + 1> events{};
  for (size_t i = 0; i < count; i++) {
    const int32_t* event = &numbers.Data()[i * 3];
    events[i] = Event(static_cast<uint16_t>(event[0]), static_cast<uint16_t>(event[1]), event[2]);
  }
  events[count] = Event(EV_SYN, SYN_REPORT, 0);
  const ssize_t written = write(fd_.Get(), events.data(), (count + 1) * sizeof(input_event));
  return Napi::Number::New(info.Env(), written < 0 ? -errno : 0);
}

void Uinput::OnLeds(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("read");
  on_leds_ = Napi::Persistent(Function(info[0], "callback"));
  OpenPoll(fd_.Get(), [this](int status, int) {
    if (status >= 0) ReadLeds();
  });
  Watch(UV_READABLE);
}

/** Whoever reads the device may switch its lights as fast as they like: once for all that has come. */
void Uinput::ReadLeds() {
  std::array<input_event, kMostTold> told{};
  const ssize_t size = read(fd_.Get(), told.data(), sizeof(told));
  uint32_t leds = leds_;
  for (size_t i = 0; size > 0 && (i + 1) * sizeof(input_event) <= static_cast<size_t>(size); i++) {
    if (told[i].type != EV_LED || told[i].code > LED_MAX) continue;
    const uint32_t bit = 1U << told[i].code;
    leds = told[i].value != 0 ? leds | bit : leds & ~bit;
  }
  if (leds == leds_) return;
  leds_ = leds;
  Enter(on_leds_, {Napi::Number::New(Env(), leds)});
}

void InitUinput(Napi::Env env, Napi::Object exports) {
  Uinput::Init(env);
  exports.Set("createUinput", Napi::Function::New(env, Uinput::Create, "createUinput"));
  exports.Set("openUinput", Napi::Function::New(env, Uinput::Open, "openUinput"));
}
