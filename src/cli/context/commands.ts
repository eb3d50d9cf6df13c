/** `countermand context ...`: names for conductors. No conductor is asked. */
import type { Command } from 'commander';
import { naturally } from '../../core/natural_order.ts';
import { type OfflineCall, offline } from '../shared/asking.ts';
import { type Context, checkContext, findContext, readContexts, writeContexts } from '../shared/contexts.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { givenReach } from '../shared/place.ts';
import type { Terminal } from '../shared/terminal.ts';

/** A context, and whether it is in use. */
interface Listed extends Context {
  readonly current: boolean;
}

const CONTEXT_LIST: Listing<Listed> = {
  things: 'contexts',
  type: { toJSON: (context) => context },
  name: ({ name }) => name,
  columns: [
    { head: 'CURRENT', cell: ({ current }) => (current ? '*' : '') },
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'CONDUCTOR', cell: ({ conductor }) => conductor },
  ],
};

/** Adds a context, or changes it. The first one is in use at once. */
function addAdd(group: Command, terminal: Terminal): void {
  const { environment } = terminal;
  group
    .command('add')
    .description(
      'give a conductor a name, with the files to reach it by, or a name another conductor; the first name is in use at once',
    )
    .argument('<name>', 'the name: letters, digits, dots, dashes and underscores')
    .action(
      offline(async (name: string, _options: object, { output, options }: OfflineCall) => {
        const context = { name, conductor: options.conductor ?? '', ...givenReach(options) };
        checkContext(context);
        const { current, all } = readContexts(environment);
        const others = all.filter((other) => other.name !== name);
        const next = { current: current ?? name, all: [...others, context] };
        writeContexts(next, environment);
        const used = next.current === name ? ', in use' : `; countermand context use ${name}`;
        output.say(`context ${name}: conductor ${context.conductor}${used}`);
      }, terminal),
    );
}

function addUse(group: Command, terminal: Terminal): void {
  const { environment } = terminal;
  group
    .command('use')
    .description(
      'use this context from now on, where neither --conductor nor --context nor COUNTERMAND_CONDUCTOR is given',
    )
    .argument('<context>', 'name of the context')
    .action(
      offline(async (name: string, _options: object, { output }: OfflineCall) => {
        const contexts = readContexts(environment);
        const { conductor } = findContext(name, contexts);
        writeContexts({ ...contexts, current: name }, environment);
        output.say(`context ${name}: conductor ${conductor}, in use`);
      }, terminal),
    );
}

function addDelete(group: Command, terminal: Terminal): void {
  const { environment } = terminal;
  group
    .command('delete')
    .description('forget a context; the conductor is not asked')
    .argument('<context>', 'name of the context')
    .action(
      offline(async (name: string, _options: object, { output }: OfflineCall) => {
        const contexts = readContexts(environment);
        findContext(name, contexts);
        const { current, all } = contexts;
        const left = all.filter((context) => context.name !== name);
        writeContexts({ current: current === name ? null : current, all: left }, environment);
        output.say(`context ${name}: deleted${current === name ? '; none is in use now' : ''}`);
      }, terminal),
    );
}

function addList(group: Command, terminal: Terminal): void {
  const command = group.command('list').description('list the contexts');
  addListFlags(command, CONTEXT_LIST).action(
    offline(async (flags: ListFlags, call: OfflineCall) => {
      const ask = async (): Promise<Listed[]> => {
        const { current, all } = readContexts(terminal.environment);
        const listed = all.map((context) => ({ ...context, current: context.name === current }));
        return listed.sort((one, other) => naturally(one.name, other.name));
      };
      await showList(CONTEXT_LIST, ask, flags, call);
    }, terminal),
  );
}

/** Adds the commands of the group `context`. */
export function addContextCommands(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    `
A context remembers --ca, --certificate, --key, --server-name and --insecure beside its conductor; it remembers where the files are, not what is in
them. Contexts lie in $XDG_CONFIG_HOME/countermand/contexts.json, or ~/.config/countermand/contexts.json. A command asks the
conductor of --conductor, else of --context, else of COUNTERMAND_CONDUCTOR, else of the context in use, else one on this host.

Examples:
  countermand context add east --conductor conductor.east.example:7077 --ca ca.pem --certificate me.pem --key me.key
  countermand context use east
  countermand --context west node list`,
  );
  for (const add of [addAdd, addUse, addList, addDelete]) add(group, terminal);
}
