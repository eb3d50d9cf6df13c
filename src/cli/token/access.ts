/** `countermand access ...`: what an identity may do. */
import { Argument, type Command } from 'commander';
import { AccessRight } from '../../gen/countermand/v1/access.ts';
import { VERB_NAMES } from '../../server/access/verbs.ts';
import { asking, type Call } from '../shared/asking.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import type { Terminal } from '../shared/terminal.ts';

function answerOf({ allowed, everywhere }: AccessRight): string {
  if (everywhere) return 'yes';
  return allowed ? 'for some nodes' : 'no';
}

const RIGHTS: Listing<AccessRight> = {
  things: 'verbs',
  type: AccessRight,
  name: ({ verb }) => verb,
  columns: [
    { head: 'VERB', cell: ({ verb }) => verb },
    { head: 'ALLOWED', cell: answerOf },
    { head: 'BY', cell: ({ places }) => places.join(', ') },
  ],
};

interface CheckOptions extends ListFlags {
  readonly node?: string;
}

async function check(identity: string, verb: string | undefined, options: CheckOptions, call: Call): Promise<void> {
  const { node = '' } = options;
  const ask = async () => {
    const { rights, objection } = await call.conductor.access.checkAccess({ identity, verb: verb ?? '', node });
    const message = `${identity} may do nothing: ${objection}`;
    if (objection !== '')
      call.stderr.write(call.output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
    // Of one node there is no part.
    return node === '' ? rights : rights.map((right) => ({ ...right, everywhere: right.allowed }));
  };
  await showList(RIGHTS, ask, options, call);
}

/** Adds the commands of the group `access`. */
export function addAccessCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
Examples:
  countermand access check basic:alice
  countermand access check token:ci power.off --node r7n1`,
  );
  const command = group
    .command('check')
    .description('say what an identity may do, and which binding of the file of roles lets it')
    .argument('<identity>', 'its name: certificate:CN=alice, token:ci, jwt:alice, basic:alice')
    .addArgument(new Argument('[verb]', 'only this verb').choices(VERB_NAMES))
    .option('--node <node>', 'for this node (name or uuid), not for any');
  addListFlags(command, RIGHTS).action(asking(check, terminal));
}
