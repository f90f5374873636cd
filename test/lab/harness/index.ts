/** Everything a suite needs. */
export {
  cli,
  cliAll,
  Daemon,
  linkTo,
  scratch,
  startCli,
  writeConfig,
  type CliResult,
  type GuestSetup,
  type Setup,
} from './daemon';
export { BARE, scancodes, startBare } from './bare-guest';
export { Bus } from './bus';
export { atTestEnd } from './cleanup';
export { commitsDuring } from './commits';
export { Child, repository, type Exit } from './child';
export { EvdevReader } from './evdev-reader';
export { eventually, pause, within } from './eventually';
export { FencedBuffer } from './fenced-buffer';
export { FlippingGuest } from './flipping-guest';
export { Image } from './image';
export { held, leastHeld } from './held';
export { crtcOf, crtcStates, fdCount, framebufferCount, modesetsDuring, residentKb } from './kernel';
export { ioctlsDuring } from './ioctls';
export { Keyboard } from './keyboard';
export { IMPLICIT, MockGuest, X8R8G8B8, type Said } from './mock-guest';
export { LinuxGuest, progress } from './linux';
export { Domain, Libvirt, type DomainSetup } from './libvirt';
export { NestedQemu, type NestedQemuSetup } from './nested-qemu';
export { OtherViewer } from './other-viewer';
export { OuterDisplay } from './outer-display';
export { OuterMonitor } from './outer-monitor';
export { Panels } from './panels';
export { PictureGuest } from './picture-guest';
export { decodePng } from './png';
export { Mouse, Tablet, Touchpad, Touchscreen, type Button } from './pointer';
export { decodePpm } from './ppm';
export { Seatd } from './seatd';
export { textsIn } from './text';
export { SolidFrames } from './solid-frames';
export { openOther, paint, spoil, spoilt } from './spoil';
export * from './wire-guest';
export { colourProperties, YuvPicture, type Memory, type YuvFormat } from './yuv-picture';
export { frames, look, mirrors, moves, shows, showsOnly } from './witness';
