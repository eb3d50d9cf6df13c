/** `countermand database ...`: what an administrator does with the database as a whole. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { type OfflineCall, offline } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addCareCommands } from './database_care.ts';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly fromPasswordFile?: string;
  readonly toPasswordFile?: string;
}

/** A folder, or a URL as it is. */
const placeOf = (text: string): string => (/^\w+:\/\//.test(text) ? text : resolve(text));

async function copy(options: CopyOptions, call: OfflineCall): Promise<void> {
  const [{ openPlace }, { copyDatabase }] = await Promise.all([
    import('./open_database.ts'),
    import('../../server/store/copy.ts'),
  ]);
  // Everything that this process makes is for its owner alone: the database holds secrets.
  process.umask(0o077);
  const source = { place: placeOf(options.from), passwordFile: options.fromPasswordFile ?? null, mustExist: true };
  const target = { place: placeOf(options.to), passwordFile: options.toPasswordFile ?? null, mustExist: false };
  if (source.place === target.place)
    throw fail('ARGUMENT_INVALID', `--from and --to are both ${source.place}; name an empty place in --to`);
  const from = await openPlace({ ...source, passwordFrom: '--from-password-file' }, call);
  try {
    const to = await openPlace({ ...target, passwordFrom: '--to-password-file' }, call);
    try {
      const rows = await copyDatabase(from.database, to);
      const counts = ['nodes', 'power_tasks', 'action_plans', 'events'].map((table) => [table, rows.get(table) ?? 0]);
      call.output.say(`copied ${counts.map(([table, count]) => `${count} ${table}`).join(', ')} to ${to.where}`);
      call.output.say(
        'driver_info stays sealed: a conductor on the copy needs the same key, with secrets_key or as the file secrets.key in its data folder',
      );
      call.output.say(
        `${from.where} is as it was: start a conductor on one of the two only, as both would order the same nodes`,
      );
    } finally {
      await to.database.close();
    }
  } finally {
    await from.database.close();
  }
}

/** Adds the commands of the group `database`. */
export function addDatabaseCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
Examples:
  countermand database backup /backup/countermand-$(date +%F).db
  countermand database check /backup/countermand-2026-11-28.db
  countermand database restore /backup/countermand-2026-11-28.db --data /var/lib/countermand
  countermand database copy --from /var/lib/countermand --to postgres://countermand@db7/countermand --to-password-file /etc/countermand/db
  countermand database copy --from postgres://countermand@db7/countermand --to ./data`,
  );
  group
    .command('copy')
    .description('copy an installation into an empty database: nodes, orders, plans, and events with their numbers')
    .requiredOption('--from <place>', 'the data folder or the URL postgres://USER@HOST:PORT/NAME that is copied')
    .requiredOption('--to <place>', 'the data folder or the URL that it is copied into')
    .option(
      '--from-password-file <path>',
      'the file with the password of the source; else COUNTERMAND_DATABASE_PASSWORD',
    )
    .option('--to-password-file <path>', 'the file with the password of the target; else COUNTERMAND_DATABASE_PASSWORD')
    .addHelpText(
      'after',
      `
No conductor may run on either. The source keeps its rows, and is brought up to date if an earlier version has written it.`,
    )
    .action(offline((options: CopyOptions, call: OfflineCall) => copy(options, call), terminal));
  addCareCommands(group, terminal);
}
