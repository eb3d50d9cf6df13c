/** `countermand certificates ...`: what a first installation needs to speak TLS. No conductor is asked. */
import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { makeFolder } from '../../core/folders.ts';
import { type OfflineCall, offline } from '../shared/asking.ts';
import { readCount } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Installation } from './make.ts';

interface InitOptions {
  readonly host?: readonly string[];
  readonly client: string;
  readonly days: string;
}

/** The clocks of other hosts may be late by this at most. */
const CLOCKS_APART_MS = 3_600_000;

/** The longest that a certificate is made for. */
const DAYS_LIMIT = 3650;

const HOST = /^[\w.:-]{1,253}$/;
const CLIENT = /^[\w.@-]{1,64}$/;

function checkNames(hosts: readonly string[], client: string): void {
  const wrong = hosts.find((host) => !HOST.test(host));
  if (wrong !== undefined)
    throw fail('ARGUMENT_INVALID', `--host: '${wrong}' is neither a name of a host nor an IP address`);
  if (!CLIENT.test(client))
    throw fail('ARGUMENT_INVALID', `--client: '${client}' must be 1 to 64 letters, digits, and any of . _ @ -`);
}

function readDays(text: string): number {
  const days = readCount(text, 1, '--days') ?? 0;
  if (days <= DAYS_LIMIT) return days;
  throw fail('ARGUMENT_INVALID', `--days is ${days}; at most ${DAYS_LIMIT} are allowed`);
}

/** The files by their names, with their modes. */
function filesOf({
  ca,
  server,
  client,
}: Installation): readonly (readonly [name: string, text: string, mode: number])[] {
  return Object.entries({ ca, server, client }).flatMap(([name, { certificate, key }]) => [
    [`${name}.pem`, certificate, 0o644] as const,
    [`${name}.key`, key, 0o600] as const,
  ]);
}

const NAMES = ['ca', 'server', 'client'].flatMap((name) => [`${name}.pem`, `${name}.key`]);

/** Writes what does not exist yet. @throws ARGUMENT_INVALID if that cannot be done */
function write(folder: string, installation: Installation): void {
  try {
    makeFolder(folder);
    for (const [name, text, mode] of filesOf(installation))
      writeFileSync(join(folder, name), text, { flag: 'wx', mode });
  } catch (error) {
    throw fail('ARGUMENT_INVALID', `certificates cannot be written: ${(error as Error).message}`);
  }
}

function addInit(group: Command, terminal: Terminal): void {
  group
    .command('init')
    .description('make an authority, and certificates that it gives to a conductor and to a client')
    .argument('<folder>', 'where they are written; none of the files may exist')
    .option(
      '--host <host...>',
      'names and IP addresses by which the conductor is reached, beside localhost and the host name',
    )
    .option('--client <name>', 'the common name of the client', 'admin')
    .option('--days <days>', 'validity in days; the authority is valid ten times as long', '365')
    .action(
      offline(async (folder: string, { host = [], client, days }: InitOptions, { output }: OfflineCall) => {
        const hosts = [...new Set([...host, hostname(), 'localhost', '127.0.0.1', '::1'])];
        checkNames(hosts, client);
        const to = resolve(folder);
        const parts = { hosts, client, from: terminal.clock.now() - CLOCKS_APART_MS, days: readDays(days) };
        const taken = NAMES.find((name) => existsSync(join(to, name)));
        if (taken !== undefined)
          throw fail(
            'ARGUMENT_INVALID',
            `${join(to, taken)} exists; name another folder, or delete what is not used any more`,
          );
        const { makeInstallation } = await import('./make.ts');
        write(to, await makeInstallation(parts));
        output.say(`the conductor, good for ${hosts.join(', ')}:`);
        output.say(
          `  countermand serve --tls-certificate ${join(to, 'server.pem')} --tls-key ${join(to, 'server.key')} --tls-client-ca ${join(to, 'ca.pem')}`,
        );
        output.say('a person or a program, with client.pem, client.key and ca.pem:');
        output.say(
          `  countermand context add NAME --conductor HOST:PORT --ca ${join(to, 'ca.pem')} --certificate ${join(to, 'client.pem')} --key ${join(to, 'client.key')}`,
        );
        output.say(`whoever has ${join(to, 'ca.key')} can make more certificates: keep it away from the conductor`);
      }, terminal),
    );
}

/** Adds the commands of the group `certificates`. */
export function addCertificateCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
For a first installation. Where there is an authority already, use its certificates: the conductor, agents and clients take any PEM files.

Examples:
  countermand certificates init /etc/countermand/tls --host conductor.example --host 10.0.7.9
  countermand certificates init ./tls --client alice`,
  );
  addInit(group, terminal);
}
