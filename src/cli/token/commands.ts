/** `countermand token ...` and `agent token ...`: what programs and agents show to say who they are. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { CreateTokenResponse, RevokeTokenResponse, Token } from '../../gen/countermand/v1/access.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { readCount } from '../shared/flags.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import type { Terminal } from '../shared/terminal.ts';

interface CreateOptions {
  readonly days: string;
  readonly role?: string;
}

/** How a token stands. */
function stateOf({ revokedAt, expiresAt }: Token, nowMs: number): string {
  if (revokedAt !== undefined) return 'revoked';
  return (expiresAt?.getTime() ?? 0) <= nowMs ? 'expired' : 'good';
}

function forWhat({ agentZones, role }: Token): string {
  if (agentZones.length > 0) return `agent of ${agentZones.join(', ')}`;
  return role === '' ? 'client' : `client, ${role}`;
}

const TOKEN_LIST: Listing<Token> = {
  things: 'tokens',
  type: Token,
  name: ({ name }) => name,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'FOR', cell: forWhat },
    { head: 'STATE', cell: (token, { nowMs }) => stateOf(token, nowMs) },
    {
      head: 'EXPIRES',
      cell: ({ expiresAt }, { time }) => time(expiresAt),
      key: ({ expiresAt }) => expiresAt?.getTime() ?? 0,
    },
    { head: 'MADE BY', cell: ({ createdBy }) => createdBy, cuts: true },
    { head: 'MADE', cell: ({ createdAt }, { time }) => time(createdAt), wide: true },
  ],
};

/** Makes a token. The secret alone goes to stdout, so that it can be written into a file. */
async function create(
  name: string,
  { days, role = '' }: CreateOptions,
  agentZones: string[],
  { conductor, output, stderr }: Call,
): Promise<void> {
  const wanted = { name, days: readCount(days, 1, '--days') ?? 0, agentZones, role };
  const answer = await conductor.access.createToken(wanted);
  const { expiresAt } = present(answer.token, 'a token');
  output.message(CreateTokenResponse, answer, ({ secret }) => secret);
  if (!output.json) stderr.write(`token ${name}: good until ${output.time(expiresAt)}; it is not shown again\n`);
}

function addCreate(group: Command, description: string): Command {
  return group
    .command('create')
    .description(description)
    .argument('<name>', 'name of the token: letters, digits, dots, dashes and underscores')
    .option('--days <days>', 'for how many days it is accepted, at most 3650', '90');
}

async function revoke(name: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.access.revokeToken({ token: name });
  output.message(RevokeTokenResponse, answer, () => `token ${name}: revoked`);
}

/** Adds the commands of the group `token`. */
export function addTokenCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
Where a conductor wants to know who asks, a command shows the token in the file of --token-file, and HTTP sends it as
Authorization: Bearer, or as X-Auth-Token.

Examples:
  countermand token create ci --days 30 --role operator > ci.token
  countermand --conductor conductor.example:7077 --token-file ci.token node list
  countermand token revoke ci`,
  );
  addCreate(group, 'make a token for a program or a person; print it once')
    .option('--role <role>', 'a role that it has over every node; else what the file of roles gives to token:NAME')
    .action(asking((name: string, options: CreateOptions, call: Call) => create(name, options, [], call), terminal));
  const ask = async ({ conductor }: Call) => (await conductor.access.listTokens({})).tokens;
  const list = (flags: ListFlags, call: Call): Promise<void> => showList(TOKEN_LIST, () => ask(call), flags, call);
  addListFlags(group.command('list').description('list the tokens, of clients and agents'), TOKEN_LIST).action(
    asking(list, terminal),
  );
  group
    .command('revoke')
    .description('end a token for good, and cut off the agent that attached with it')
    .argument('<token>', 'name or uuid of the token')
    .action(asking(revoke, terminal));
}

/** Adds `agent token`. */
export function addAgentToken(group: Command, terminal: Terminal): void {
  const tokens = group.command('token').description('make the tokens with which agents attach');
  const command = addCreate(tokens, 'make a token for an agent of these zones; print it once').option(
    '--zone <zones>',
    'the zones for which it may attach, with commas between them',
  );
  const make = (name: string, { days }: CreateOptions, call: Call): Promise<void> => {
    // The daemon has an option of this name, which takes the value wherever it stands.
    const { zone = '' } = command.optsWithGlobals<{ readonly zone?: string }>();
    if (zone === '') throw fail('ARGUMENT_INVALID', 'an agent has at least one zone; name it with --zone');
    return create(name, { days }, zone.split(','), call);
  };
  command.action(asking(make, terminal));
}
