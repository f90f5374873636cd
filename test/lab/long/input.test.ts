/** The suite of the same name, with 100,000 random events. */
process.env.LAB_INPUT_EVENTS = '100000';
jest.setTimeout(3600_000);
// eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would be read before the numbers are set
require('../suites/input.test');
