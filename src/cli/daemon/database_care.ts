/** `countermand database backup`, `restore`, `check` and `vacuum`. */
import type { Command } from 'commander';
import { type OfflineCall, offline } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, readConfiguration } from './configuration.ts';

type Options = Readonly<Record<string, unknown>>;

const backups = () => import('./backups.ts');

/** Everything that these commands make is for its owner alone: the database holds secrets. */
const forTheOwner = (): void => void process.umask(0o077);

async function backUp(file: string, options: Options, call: OfflineCall): Promise<void> {
  const place = readConfiguration(options, call.environment);
  forTheOwner();
  const { where, what } = await (await backups()).backUp(file, place, call);
  call.output.say(`${where}: ${what}`);
  call.output.say(
    'driver_info stays sealed: keep the key (secrets_key, or the file secrets.key in the data folder) in another place; without it the backup is worth nothing',
  );
}

async function restore(file: string, options: Options, call: OfflineCall): Promise<void> {
  const place = readConfiguration(options, call.environment);
  forTheOwner();
  const { where, what } = await (await backups()).restore(file, place, call);
  for (const line of [
    `${where}: ${what}`,
    'driver_info stays sealed: the conductor needs the key that it had, with secrets_key or as the file secrets.key in the data folder',
    'the conductor that starts on it ends the orders, plans and audits that were under way when the backup was made, and orders nothing by itself',
    'tokens and freezes are those of the backup: revoke again what was revoked since',
  ])
    call.output.say(line);
}

async function check(file: string | undefined, options: Options, call: OfflineCall): Promise<void> {
  const place = readConfiguration(options, call.environment);
  const { where, what } = (await backups()).check(file, place);
  call.output.say(`${where} is whole: ${what}`);
}

async function vacuum(options: Options, call: OfflineCall): Promise<void> {
  const place = readConfiguration(options, call.environment);
  forTheOwner();
  const { where, what } = (await backups()).vacuum(place);
  call.output.say(`${where}: ${what}`);
}

/** Adds `backup`, `restore`, `check` and `vacuum` to the group `database`. */
export function addCareCommands(group: Command, terminal: Terminal): void {
  const command = (name: string, description: string, help: string): Command =>
    addConfigurationOptions(group.command(name).description(description), [
      ...(['data', 'database', 'database_password_file'] as const),
    ]).addHelpText('after', `\n${help}`);
  command(
    'backup',
    'write the database, as it is at one moment, into a new file',
    `A conductor may run, and goes on meanwhile. The file is a SQLite database for its owner alone, whatever the database is. It takes the
place of nothing: if the command fails, or the disk is full, there is no file. What is in it stays sealed with the key of the
conductor: keep that key too, in another place.`,
  )
    .argument('<file>', 'the file that is made')
    .action(offline((file: string, options: Options, call: OfflineCall) => backUp(file, options, call), terminal));
  command(
    'restore',
    'put a backup into a data folder that has no database',
    `No conductor may run there. The backup is checked before, and stays as it is. It may be of an earlier version. The conductor that starts
on it carries on nothing: what was under way when the backup was made has ended meanwhile in some other way. Its events have the
numbers of another database, which subscribers are told.`,
  )
    .argument('<file>', 'the backup')
    .action(offline((file: string, options: Options, call: OfflineCall) => restore(file, options, call), terminal));
  command(
    'check',
    'check every page and every reference of the database, or of a backup',
    'A conductor may run, and goes on meanwhile. Nothing is written.',
  )
    .argument('[file]', 'a backup; without it, the database that the options name')
    .action(
      offline((file: string | undefined, options: Options, call: OfflineCall) => check(file, options, call), terminal),
    );
  command(
    'vacuum',
    'write the database anew, without the room that deleted rows have left',
    `No conductor may run on it. It needs as much room on the disk as the database has. A conductor uses the room of deleted rows again, so
this is worth it only after much was deleted.`,
  ).action(offline((options: Options, call: OfflineCall) => vacuum(options, call), terminal));
}
