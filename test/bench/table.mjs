// Figures in words, beside what was aimed at.

const us = (value) => `${value.toFixed(0)} us`;
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** A row with a target is met or missed; the others are there to compare with. */
function row(figure, value, text, limit, limitText) {
  const target = limit === undefined ? {} : { target: limitText, verdict: value <= limit ? 'met' : 'missed' };
  return { figure, value, text, ...target };
}

function frameRows({ flipLoop, cDaemon, kmsSwitcher: own }) {
  const on = own.outputs === 1 ? 'one panel' : `${own.outputs} panels`;
  const net = own.cpuUsPerFrame - flipLoop.cpuUsPerFrame;
  const times = (peer) => own.cpuUsPerFrame / peer.cpuUsPerFrame;
  return [
    row(`${on}: missed vblanks`, own.missed, `${own.missed} of ${own.frames}`, 0, '0'),
    row(`${on}: missed in the minute before`, own.missedInWarmup, String(own.missedInWarmup)),
    row(`${on}: CPU per frame`, own.cpuUsPerFrame, us(own.cpuUsPerFrame), 500, '500 us'),
    row(`${on}: CPU in the minute before`, own.cpuUsPerFrameInWarmup, us(own.cpuUsPerFrameInWarmup)),
    row(`${on}: net of the flip loop`, net, us(net)),
    row(
      `${on}: flip loop`,
      flipLoop.cpuUsPerFrame,
      `${us(flipLoop.cpuUsPerFrame)}, ratio ${times(flipLoop).toFixed(2)}`,
    ),
    row(
      `${on}: C daemon`,
      cDaemon.cpuUsPerFrame,
      `${us(cDaemon.cpuUsPerFrame)}, ratio ${times(cDaemon).toFixed(2)}`,
    ),
    row(`${on}: answer to a guest, median`, own.ackUs.median, us(own.ackUs.median)),
    row(`${on}: answer to a guest, p99`, own.ackUs.p99, us(own.ackUs.p99)),
  ];
}

const fenceRows = ({ frames, missed, each }) => [
  row('beside a GPU that hangs: missed vblanks', missed, `${missed} of ${frames}`, 0, '0'),
  row('beside a GPU that hangs: the first time, in cold code', each[0], String(each[0])),
];

function switchRows(figures) {
  return Object.entries(figures).flatMap(([kind, { commitMs, ownMs, shownMs, modesets, each }]) => {
    const title = `hotkey, ${kind} guests`;
    return [
      row(`${title}: to commit, median`, commitMs.median, ms(commitMs.median), 2, '2 ms'),
      row(`${title}: to commit, p99`, commitMs.p99, ms(commitMs.p99), 2, '2 ms'),
      row(`${title}: to commit, max`, commitMs.max, ms(commitMs.max), 2, '2 ms'),
      row(`${title}: of that the daemon's, median`, ownMs.median, ms(ownMs.median)),
      row(`${title}: of that the daemon's, max`, ownMs.max, ms(ownMs.max)),
      row(`${title}: of that the daemon's, first`, each.own[0], ms(each.own[0])),
      row(`${title}: to the panel, median`, shownMs.median, ms(shownMs.median)),
      row(`${title}: to the panel, max`, shownMs.max, ms(shownMs.max)),
      row(`${title}: modesets`, modesets, `${modesets} in ${commitMs.count}`, 0, '0'),
    ];
  });
}

const startRows = ({ firstPictureMs, allPanelsMs, readyMs }) => [
  row('run to first picture, median', firstPictureMs.median, ms(firstPictureMs.median), 3000, '3000 ms'),
  row('run to first picture, max', firstPictureMs.max, ms(firstPictureMs.max), 3000, '3000 ms'),
  row('run to the last of three panels', allPanelsMs.median, ms(allPanelsMs.median)),
  row('run to "ready"', readyMs.median, ms(readyMs.median)),
];

const memoryRows = ({ kB }) => [
  row('RSS, four guests', kB.VmRSS / 1024, `${(kB.VmRSS / 1024).toFixed(0)} MB`, 120, '120 MB'),
  row('RSS, highest since start', kB.VmHWM / 1024, `${(kB.VmHWM / 1024).toFixed(0)} MB`),
];

const spread = ({ median, max }) => `${ms(median)}, max ${ms(max)}`;

/** An attach has a target as a whole, a resize from the new scanout on: what comes before that is the guest's. */
function qemuTimes(title, { commitMs, scanoutMs, ownMs }, { whole = [], own = [] }) {
  return [
    row(`${title}: to commit, median`, commitMs.median, ms(commitMs.median), ...whole),
    row(`${title}: to commit, max`, commitMs.max, ms(commitMs.max), ...whole),
    row(`${title}: of that until the scanout came`, scanoutMs.median, spread(scanoutMs)),
    row(`${title}: of that from then on, median`, ownMs.median, ms(ownMs.median), ...own),
    row(`${title}: of that from then on, max`, ownMs.max, ms(ownMs.max), ...own),
  ];
}

const ATTACHED = { whole: [25, '25 ms'] };
const RESIZED = { own: [50, '50 ms'] };

function qemuGuestRows(kind, { attach, attachAfterStart, resize, floor }) {
  const title = `QEMU ${kind}`;
  const { attachMs, firstAttachMs } = floor;
  return [
    ...qemuTimes(`${title}, attach`, attach, ATTACHED),
    ...qemuTimes(`${title}, attach after start`, attachAfterStart, ATTACHED),
    row(`${title}, attach by the C floor: to scanout`, attachMs.median, spread(attachMs)),
    row(`${title}, attach by the C floor: QEMU's first`, firstAttachMs, ms(firstAttachMs)),
    ...Object.entries(resize).flatMap(([size, times]) => [
      ...qemuTimes(`${title}, to ${size}`, times, RESIZED),
      row(
        `${title}, to ${size} by the C floor: to scanout`,
        times.floor.scanoutMs.median,
        spread(times.floor.scanoutMs),
      ),
      row(
        `${title}, to ${size} by the C floor: until drawn`,
        times.floor.drawnMs.median,
        spread(times.floor.drawnMs),
      ),
    ]),
  ];
}

const QMP_WORDS = {
  alone: 'nobody there',
  floorAttach: 'attach by the C floor',
  floorResize: 'resize by the C floor',
  start: 'start',
  attach: 'attach',
  switch: 'switch',
  resize: 'resize',
};

function qmpRow(during, latency) {
  const { max } = latency;
  const target = /alone|floor/.test(during) ? [] : [20, '20 ms'];
  return row(`QMP latency, ${QMP_WORDS[during]}`, max, spread(latency), ...target);
}

function qemuRows({ blob, texture }) {
  const { idle, qmpMs } = texture;
  return [
    ...qemuGuestRows('blob', blob),
    ...qemuGuestRows('texture', texture),
    ...Object.entries(qmpMs).map(([during, latency]) => qmpRow(during, latency)),
    row('QEMU idle: commits', idle.commits, `${idle.commits} in ${idle.seconds} s`, 0, '0'),
    row('QEMU idle: wakeups', idle.mainWakeups, `${idle.mainWakeups.toFixed(1)}/s`, 5, '5/s'),
    row('QEMU idle: wakeups of all threads', idle.allWakeups, `${idle.allWakeups.toFixed(1)}/s`),
  ];
}

function keyRows({ floor, ...daemons }) {
  return [
    row('key to guest, C floor: median', floor.us.median, us(floor.us.median)),
    row('key to guest, C floor: p99', floor.us.p99, us(floor.us.p99)),
    ...Object.entries(daemons).flatMap(([kind, { us: found, first }]) => {
      const title = `key to guest, ${kind} guest`;
      const net = found.p99 - floor.us.p99;
      return [
        row(`${title}: median`, found.median, us(found.median)),
        row(`${title}: p99`, found.p99, us(found.p99)),
        row(`${title}: p99 beyond the floor's`, net, us(net), 1000, '1000 us'),
        row(`${title}: max`, found.max, us(found.max)),
        row(`${title}: first, in cold code`, first, us(first)),
      ];
    }),
  ];
}

function motionRows(figures) {
  return Object.entries(figures).flatMap(([kind, { reports, missing, lag, sent, cpuUsPerReport }]) => {
    const title = `mouse at 1000 Hz, ${kind === 'floor' ? 'C floor' : `${kind} guest`}`;
    const target = kind === 'floor' ? [] : [0, '0'];
    const behind = `${lag.p99} of ${reports} reports, max ${lag.max}`;
    return [
      row(`${title}: motion missing`, missing, `${missing} of ${sent.join(' and ')}`, ...target),
      row(`${title}: behind, p99`, lag.p99, behind),
      ...(kind !== 'still' ? [] : [row(`${title}: CPU per report`, cpuUsPerReport, us(cpuUsPerReport))]),
    ];
  });
}

const rowsOf = {
  frames: (figures) => Object.values(figures).flatMap(frameRows),
  fence: fenceRows,
  switch: switchRows,
  start: startRows,
  memory: memoryRows,
  input: ({ keys, motion }) => [...keyRows(keys), ...motionRows(motion)],
  qemu: qemuRows,
};

/** Prints the table; returns its rows. */
export function printTable(figures) {
  const rows = Object.entries(figures).flatMap(([part, found]) =>
    found.error === undefined
      ? rowsOf[part](found)
      : [{ figure: part, text: 'not measured', verdict: 'missed' }],
  );
  const table = [
    ['FIGURE', 'MEASURED', 'TARGET', ''],
    ...rows.map(({ figure, text, target = '', verdict = '' }) => [figure, text, target, verdict]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((cells) => cells[column].length)));
  for (const cells of table) {
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    );
  }
  return rows;
}
