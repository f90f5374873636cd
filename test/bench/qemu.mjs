// A real QEMU's guest. What is measured from a call to the commit of what it
// brought is partly QEMU's and the guest's: the C floor, with the same QEMU and
// guest, tells how much.

import { setTimeout as sleep } from 'node:timers/promises';

import { outputName, startWith } from './daemon.mjs';
import { startQemu } from './nested-qemu.mjs';
import { require_, summary } from './parts.mjs';
import { qemuFloor } from './peers.mjs';
import { Tap, timesOf } from './tap.mjs';

const ROUNDS = 12;
const STARTS = 5;
const IDLE_SECONDS = 20;
const SIZES = ['1024x768', '800x600'];
/** Two panels of the one size, and one of the other. */
const [FIRST, OTHER_SIZE, SAME_SIZE] = [0, 1, 2].map(outputName);

async function shown(daemon, output, path = 'direct') {
  for (let tries = 0; ; tries++) {
    const found = await daemon.output(output);
    if (found.guest === 'bench' && found.path === path && found.frame?.fits) return;
    require_(tries < 100, `the guest is not shown: ${JSON.stringify(found)}`);
    await sleep(100);
  }
}

async function startShowing(qemu, tap) {
  const daemon = await startWith(
    {
      guests: { bench: { qemu: { qmp: qemu.qmp } } },
      outputs: {
        [FIRST]: { show: 'bench', mode: SIZES[0] },
        [OTHER_SIZE]: { mode: SIZES[1] },
        [SAME_SIZE]: { mode: SIZES[0] },
      },
    },
    tap.environment,
  );
  await sleep(1000);
  await shown(daemon, FIRST);
  return daemon;
}

/** Has the daemon connect anew, as often as that. */
async function attachAgain(daemon, tap, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    tap.take();
    tap.cut(daemon);
    // Nobody looks meanwhile: there is one processor. Every time another moment between two vblanks.
    await sleep(1500 + ((round * 7) % 17));
    await shown(daemon, FIRST);
    times.push(timesOf(tap.take(), 'RegisterListener'));
  }
  return times;
}

/** Moves the guest to another panel and back; `resized` takes the times of both. */
async function moveThereAndBack(daemon, other, rounds, resized = () => undefined) {
  for (let round = 0; round < rounds; round++) {
    for (const output of [other, FIRST]) {
      await daemon.command({ command: 'show', guest: 'bench', on: output });
      await sleep(1000 + ((round * 7) % 17));
      await shown(daemon, output);
      resized();
    }
  }
}

async function resizes(daemon, tap) {
  const times = [];
  tap.take();
  await moveThereAndBack(daemon, OTHER_SIZE, ROUNDS / 2, () => {
    times.push(timesOf(tap.take(), 'SetUIInfo'));
  });
  return times;
}

async function idle(daemon, tap) {
  const { frames } = await daemon.output(FIRST);
  await sleep(2000);
  tap.take();
  const before = daemon.waits();
  await sleep(IDLE_SECONDS * 1000);
  const after = daemon.waits();
  const commits = tap.take().filter(({ what }) => what === 'commit').length;
  // What is copied is committed.
  require_((await daemon.output(FIRST)).frames - frames === commits, 'the daemon counts other frames');
  return {
    seconds: IDLE_SECONDS,
    commits,
    mainWakeups: (after.main - before.main) / IDLE_SECONDS,
    allWakeups: (after.all - before.all) / IDLE_SECONDS,
  };
}

const each = (times) =>
  Object.fromEntries(
    ['commitMs', 'scanoutMs', 'ownMs'].map((field) => [field, summary(times.map((time) => time[field]))]),
  );
/** Of a list of resizes, here and in the C floor: they go to the second size first, then back. */
const ofSize = (index, list) => list.filter((_, at) => (at + 1) % SIZES.length === index);
const inMs = (us) => summary(us.map((value) => value / 1000));

/** How long QEMU's main loop keeps others waiting, with the daemon and without. */
async function latencies(qemu, say) {
  const during = async (work) => summary(await qemu.latencies(work));
  say('QMP latency: nobody there');
  // Until V8 has compiled what takes the time.
  await during(sleep(3000));
  const figures = { alone: await during(sleep(3000)) };
  say('QMP latency: C floor');
  figures.floorAttach = await during(qemuFloor(qemu.qmp, ROUNDS, []));
  figures.floorResize = await during(qemuFloor(qemu.qmp, ROUNDS, SIZES));
  say('QMP latency: kms-switcher');
  const tap = new Tap(qemu.qmp);
  let daemon;
  figures.start = await during(startShowing(qemu, tap).then((started) => (daemon = started)));
  figures.attach = await during(attachAgain(daemon, tap, ROUNDS / 2));
  figures.switch = await during(moveThereAndBack(daemon, SAME_SIZE, ROUNDS / 2));
  figures.resize = await during(moveThereAndBack(daemon, OTHER_SIZE, ROUNDS / 2));
  await daemon.stop();
  return figures;
}

/** A guest with screens of that kind, attached to and resized; `further` goes on with it, and stops the daemon. */
async function guestOf(kind, starts, say, further) {
  say(`QEMU, ${kind}: starting it, and all once to read all files`);
  const qemu = await startQemu(kind);
  // The first listener pays for QEMU's GL.
  const [firstAttachUs] = (await qemuFloor(qemu.qmp, 2, SIZES)).attachUs;
  await (await startShowing(qemu, new Tap(qemu.qmp))).stop();
  say(`QEMU, ${kind}: C floor`);
  const floor = await qemuFloor(qemu.qmp, ROUNDS, SIZES);
  const cold = [];
  let tap;
  let daemon;
  for (let start = 1; start <= starts; start++) {
    say(`QEMU, ${kind}: start ${start} of ${starts}`);
    await daemon?.stop();
    tap = new Tap(qemu.qmp);
    daemon = await startShowing(qemu, tap);
    cold.push(timesOf(tap.take(), 'RegisterListener'));
  }
  say(`QEMU, ${kind}: ${ROUNDS} attaches, ${ROUNDS} resizes`);
  const warm = await attachAgain(daemon, tap, ROUNDS);
  const resized = await resizes(daemon, tap);
  const more = await further(qemu, daemon, tap);
  await qemu.stop();
  return {
    attach: each(warm),
    attachAfterStart: each(cold),
    resize: Object.fromEntries(
      SIZES.map((size, index) => [
        size,
        {
          ...each(ofSize(index, resized)),
          floor: {
            scanoutMs: inMs(ofSize(index, floor.resizeUs)),
            drawnMs: inMs(ofSize(index, floor.updateUs)),
          },
        },
      ]),
    ),
    floor: {
      scanout: floor.scanout,
      firstAttachMs: firstAttachUs / 1000,
      attachMs: inMs(floor.attachUs),
    },
    all: { warm, cold, resized, floor },
    ...more,
  };
}

export async function qemu(say) {
  return {
    blob: await guestOf('blob', 1, say, async (_, daemon) => daemon.stop()),
    texture: await guestOf('texture', STARTS, say, async (peer, daemon, tap) => {
      say(`QEMU: idle, ${IDLE_SECONDS} s`);
      const idling = await idle(daemon, tap);
      await daemon.stop();
      return { idle: idling, qmpMs: await latencies(peer, say) };
    }),
  };
}
