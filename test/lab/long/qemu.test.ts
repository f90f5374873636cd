/** The suite of the same name, with numbers that take their time: 50 kills, 20 restarts, five minutes of flips. */
process.env.LAB_QEMU_KILLS = '50';
process.env.LAB_DAEMON_RESTARTS = '20';
process.env.LAB_BLOB_SECONDS = '300';
jest.setTimeout(1200_000);
// eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would be read before the numbers are set
require('../suites/qemu.test');
