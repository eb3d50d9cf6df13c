/** `countermand secrets ...`: what an administrator does with the key of driver_info while no conductor runs. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { type OfflineCall, offline } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, readConfiguration } from './configuration.ts';

async function rotate(options: Readonly<Record<string, unknown>>, call: OfflineCall): Promise<void> {
  const configuration = readConfiguration(options, call.environment);
  const { secretsKey, secretsKeyPrevious } = configuration;
  if (secretsKey !== null && secretsKeyPrevious === null)
    throw fail(
      'CONFIGURATION_INVALID',
      'secrets_key is configured, so its next one is not made here; name a new key with secrets_key, and the present one with secrets_key_previous',
    );
  const { openConfigured } = await import('./open_database.ts');
  // Everything that this process makes is for its owner alone.
  process.umask(0o077);
  const { database, where, resealed, keptKey } = await openConfigured(configuration, call, true);
  await database.close();
  call.output.say(`sealed ${resealed} ${resealed === 1 ? 'node' : 'nodes'} anew in ${where}`);
  if (keptKey !== null) call.output.say(`backups that were made before need the key ${keptKey}: delete it with them`);
  else if (secretsKeyPrevious !== null)
    call.output.say('secrets_key_previous is not needed any more, except for backups that were made before');
}

/** Adds the commands of the group `secrets`. */
export function addSecretsCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
Examples:
  countermand secrets rotate --config /etc/countermand/countermand.yaml
  countermand secrets rotate --secrets-key file:/etc/countermand/new.key --secrets-key-previous file:/etc/countermand/old.key`,
  );
  const command = group
    .command('rotate')
    .description('seal driver_info in the database with a new key, while no conductor runs');
  addConfigurationOptions(command, [
    ...(['data', 'database', 'database_password_file', 'secrets_key', 'secrets_key_previous'] as const),
  ])
    .addHelpText(
      'after',
      `
A key that the conductor has made itself is replaced by a new one. A key of yours is replaced by you: name the new one with
--secrets-key, and the present one with --secrets-key-previous. If the command is interrupted, run it again: until then, a
conductor works with both keys.`,
    )
    .action(offline((given: Readonly<Record<string, unknown>>, call: OfflineCall) => rotate(given, call), terminal));
}
