/** Everything a suite needs. */
export { cli, cliAll, Daemon, scratch, startCli, writeConfig, type CliResult, type Setup } from './daemon';
export { atTestEnd } from './cleanup';
export { Child, type Exit } from './child';
export { eventually, pause, within } from './eventually';
export { Image } from './image';
export { crtcOf, crtcStates, fdCount, framebufferCount, modesetsDuring, residentKb } from './kernel';
export { Keyboard } from './keyboard';
export { Panels } from './panels';
export { PictureGuest } from './picture-guest';
export { decodePng } from './png';
export * from './wire-guest';
export { frames, look, moves, shows, showsOnly } from './witness';
