#!/usr/bin/env -S node --no-memory-reducer
// Only yargs is loaded here: each command loads what it needs, so that the small ones are quick.
import * as fs from 'node:fs';
import yargs from 'yargs';
import type { Flags } from '../config/settings';
import type { Photo, Status } from '../control/protocol';
import { version } from '../version';
import { Exit, Failure } from './exit';
import type { PlanFlags } from './plan';

const config = {
  alias: 'c',
  type: 'string',
  describe: 'config file (KMS_SWITCHER_CONFIG)',
  defaultDescription: '/etc/kms-switcher/config.yaml',
} as const;
const card = { type: 'string', describe: 'card to use, such as card1, or all (KMS_SWITCHER_CARD)' } as const;
const control = {
  type: 'string',
  describe: 'control socket of the daemon (KMS_SWITCHER_CONTROL)',
  defaultDescription: '/run/kms-switcher/control.sock',
} as const;
const legacy = {
  type: 'boolean',
  default: false,
  describe: 'SetCrtc and PageFlip, even where the card has atomic commits',
} as const;
const json = { type: 'boolean', default: false, describe: 'print JSON' } as const;

/** Where the daemon listens: flag, environment, default. The config is not read: a user may not be allowed to. */
async function controlSocket(flag: string | undefined): Promise<string> {
  const { defaultControl } = await import('../config/config.js');
  return flag ?? (process.env.KMS_SWITCHER_CONTROL || defaultControl);
}

async function run({ legacy, ...flags }: Flags & { legacy: boolean }): Promise<void> {
  const daemon = await import('./run.js');
  process.exitCode = await daemon.run(flags, legacy);
}

async function check(flags: Flags): Promise<void> {
  const command = await import('./check.js');
  print(await command.check(flags));
}

async function outputs(cardFlag: string | undefined, asJson: boolean): Promise<void> {
  const { outputs: list } = await import('./outputs.js');
  const { allCards, cardDevice } = await import('../config/values.js');
  const chosen = cardFlag ?? process.env.KMS_SWITCHER_CARD;
  print(await list(chosen && chosen !== allCards ? cardDevice(chosen) : undefined, asJson));
}

async function status(socket: string | undefined, asJson: boolean): Promise<void> {
  const { ask } = await import('../control/client.js');
  const { formatStatus } = await import('./status.js');
  const answer = await ask<Status>(await controlSocket(socket), { command: 'status' });
  print(asJson ? JSON.stringify(answer, null, 2) : formatStatus(answer));
}

async function show(
  socket: string | undefined,
  target: string,
  where: { readonly on: string | undefined; readonly seat: string | undefined },
): Promise<void> {
  const { ask } = await import('../control/client.js');
  const { parseHead } = await import('./head.js');
  const { on, seat } = where;
  await ask(await controlSocket(socket), {
    command: 'show',
    ...parseHead(target),
    ...(on !== undefined && { on }),
    ...(seat !== undefined && { seat }),
  });
}

async function focus(socket: string | undefined, output: string): Promise<void> {
  const { ask } = await import('../control/client.js');
  await ask(await controlSocket(socket), { command: 'focus', output });
}

async function layout(socket: string | undefined, name: string): Promise<void> {
  const { ask } = await import('../control/client.js');
  await ask(await controlSocket(socket), { command: 'layout', layout: name });
}

async function plan(
  argv: PlanFlags & { readonly control?: string | undefined; readonly json: boolean },
): Promise<void> {
  const { plan: make } = await import('./plan.js');
  print(await make(argv, await controlSocket(argv.control), argv.json));
}

async function send(
  socket: string | undefined,
  guest: string,
  chords: readonly string[],
  asJson: boolean,
): Promise<void> {
  const command = await import('./keys.js');
  await command.send(await controlSocket(socket), guest, chords);
  if (asJson) print(JSON.stringify({ guest, sent: chords }));
}

async function type(
  socket: string | undefined,
  guest: string,
  layout: string | undefined,
  asJson: boolean,
): Promise<void> {
  const command = await import('./keys.js');
  print(await command.type(await controlSocket(socket), guest, layout, asJson));
}

async function panic(socket: string | undefined, off: boolean, asJson: boolean): Promise<void> {
  const command = await import('./keys.js');
  await command.panic(await controlSocket(socket), !off);
  if (asJson) print(JSON.stringify({ panic: !off }));
}

async function watch(socket: string | undefined): Promise<void> {
  const { converse } = await import('../control/client.js');
  for await (const line of converse(await controlSocket(socket), { command: 'watch' })) {
    if (typeof line === 'object' && line !== null && 'event' in line) print(JSON.stringify(line));
  }
  throw new Failure(Exit.NOT_RUNNING, 'the daemon has stopped');
}

async function screenshot(
  socket: string | undefined,
  output: string,
  file: string,
  asJson: boolean,
): Promise<void> {
  const { ask } = await import('../control/client.js');
  const { png, ...about } = await ask<Photo>(await controlSocket(socket), { command: 'screenshot', output });
  fs.writeFileSync(file, Buffer.from(png, 'base64'));
  const how = about.reason === undefined ? about.method : `${about.method}: ${about.reason}`;
  print(
    asJson ? JSON.stringify({ file, output, ...about }) : `${file}: ${about.width}x${about.height} (${how})`,
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line on stderr, and the exit code that fits. */
function fail(error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  process.stderr.write(name === 'ConfigError' ? `${message}\n` : `kms-switcher: ${message}\n`);
  if (error instanceof Failure) process.exitCode = error.exitCode;
  else if (name === 'ConfigError') process.exitCode = Exit.BAD_CONFIG;
  else if (name === 'NotRunning') process.exitCode = Exit.NOT_RUNNING;
  else if (name === 'SessionError') process.exitCode = Exit.RETRY;
  else if (name === 'CardError')
    process.exitCode = CARD_EXIT[(error as { reason?: string }).reason ?? ''] ?? Exit.FAILURE;
  else process.exitCode = Exit.FAILURE;
}

const CARD_EXIT: Readonly<Record<string, number>> = {
  absent: Exit.UNAVAILABLE,
  unusable: Exit.UNAVAILABLE,
  busy: Exit.RETRY,
  permission: Exit.NO_PERMISSION,
};

async function main(): Promise<void> {
  const flags = {
    config,
    card,
    control,
    'log-level': {
      type: 'string',
      describe: 'error, warning, notice, info or debug (KMS_SWITCHER_LOG_LEVEL)',
    },
  } as const;
  await yargs(process.argv.slice(2))
    .scriptName('kms-switcher')
    .usage('Shows virtual machines on physical monitors, without a compositor.\n\n$0 COMMAND')
    .command('run', 'show guests on monitors, until stopped', { ...flags, legacy }, run)
    .command('check', 'check a config file without touching a display', flags, check)
    .command('outputs', 'list connectors, their monitors and modes', { card, json }, (argv) =>
      outputs(argv.card, argv.json),
    )
    .command('status', 'what every monitor shows, and how', { control, json }, (argv) =>
      status(argv.control, argv.json),
    )
    .command(
      'show <guest>',
      'show a guest (GUEST or GUEST:HEAD) on an output, by default the focused one',
      (command) =>
        command.positional('guest', { type: 'string', demandOption: true }).options({
          control,
          on: { type: 'string', describe: 'output, such as HDMI-A-1' },
          seat: { type: 'string', describe: 'as the user of this seat would, where there are several' },
        }),
      (argv) => show(argv.control, argv.guest, { on: argv.on, seat: argv.seat }),
    )
    .command(
      'focus <output>',
      'give the keyboard and mouse to what an output shows',
      (command) => command.positional('output', { type: 'string', demandOption: true }).options({ control }),
      (argv) => focus(argv.control, argv.output),
    )
    .command(
      'layout <name>',
      'show what a layout of the config says',
      (command) => command.positional('name', { type: 'string', demandOption: true }).options({ control }),
      (argv) => layout(argv.control, argv.name),
    )
    .command(
      'plan [config]',
      'say what a config, or a switch, would do: CRTCs, planes, modes, what blinks, what is copied',
      (command) =>
        command
          .usage(
            '$0 plan [CONFIG] [OPTION]…\n\nSays what would be done, and does nothing: per output its CRTC, plane and mode and why this ' +
              'one, whether it would be one seamless flip or a modeset that blinks, and for its guest whether the buffer would be ' +
              'scanned out directly or copied, and why.\n\nWithout CONFIG: of the daemon that runs, as it is now; where none runs, of the ' +
              'default config. The daemon is asked where it runs; else the card, with commits that test only; a card that another ' +
              'program drives by its properties only; with --drm-info a card that is not here at all.',
          )
          .positional('config', { type: 'string', describe: 'config file' })
          .options({
            show: { type: 'string', describe: 'as if this guest (GUEST or GUEST:HEAD) were shown' },
            on: { type: 'string', describe: 'on this output; default: the focused one' },
            size: { type: 'string', describe: 'size of guests’ screens', defaultDescription: 'the mode’s' },
            format: {
              type: 'string',
              describe: 'pixel format of guests’ buffers',
              defaultDescription: 'XR24',
            },
            modifier: {
              type: 'string',
              describe: 'their modifier, hexadecimal',
              defaultDescription: '0, linear',
            },
            'drm-info': {
              type: 'string',
              describe: 'a file that drm_info -j has written, instead of a card',
            },
            legacy,
            card,
            control,
            json,
          })
          .example([
            ['$0 plan office.yaml', 'what would this config do?'],
            ['$0 plan --show windows --on HDMI-A-1', 'would this switch blink?'],
            ['$0 plan --show windows --size 1280x800', 'would a screen of that size be copied?'],
            ['$0 plan office.yaml --drm-info card.json', 'on a machine elsewhere'],
          ]),
      (argv) => plan(argv),
    )
    .command(
      'send <guest> <keys..>',
      'press keys in a guest: chords such as Ctrl+Alt+Del, or wake',
      (command) =>
        command
          .positional('guest', { type: 'string', demandOption: true })
          .positional('keys', { type: 'string', array: true, demandOption: true })
          .options({ control, json }),
      (argv) => send(argv.control, argv.guest, argv.keys, argv.json),
    )
    .command(
      'type <guest>',
      'type standard input in a guest, line ends as Enter',
      (command) =>
        command.positional('guest', { type: 'string', demandOption: true }).options({
          control,
          json,
          layout: {
            alias: 'l',
            type: 'string',
            describe: "the guest's keyboard layout: us, de, fr, de(nodeadkeys)",
            defaultDescription: 'us',
          },
        }),
      (argv) => type(argv.control, argv.guest, argv.layout, argv.json),
    )
    .command(
      'panic',
      'take picture, keyboard and mouse from all guests',
      {
        control,
        json,
        off: { type: 'boolean', default: false, describe: 'give them back' },
      },
      (argv) => panic(argv.control, argv.off, argv.json),
    )
    .command('watch', 'print what happens, one JSON object a line', { control }, (argv) =>
      watch(argv.control),
    )
    .command(
      'screenshot <output> <file>',
      'photograph what a monitor shows, as PNG',
      (command) =>
        command
          .positional('output', { type: 'string', demandOption: true })
          .positional('file', { type: 'string', demandOption: true })
          .options({ control, json }),
      (argv) => screenshot(argv.control, argv.output, argv.file, argv.json),
    )
    .example([
      ['$0 check -c /etc/kms-switcher/config.yaml', 'is the config right?'],
      ['$0 run -c /etc/kms-switcher/config.yaml', 'show the guests'],
      ['$0 outputs', 'what a config may name'],
      ['$0 show windows --on HDMI-A-1', 'switch by command'],
      ['$0 plan /etc/kms-switcher/config.yaml', 'what would it do, without doing it?'],
      ['$0 send windows Ctrl+Alt+Del', 'which the host would take for itself'],
      ['$0 type windows --layout de < text', 'what the clipboard cannot bring'],
      ['$0 screenshot HDMI-A-1 /tmp/panel.png', 'see what the monitor shows'],
    ])
    .demandCommand(1, 'which command?')
    .strict()
    .version(version)
    .alias({ help: 'h', version: 'V' })
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined, parser) => {
      if (error) throw error;
      parser.showHelp('error');
      throw new Failure(Exit.USAGE, message ?? 'usage error');
    })
    .parseAsync();
}

main().catch(fail);
