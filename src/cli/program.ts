/** The tree of commands, and one run of it. */
import { Command, Option } from 'commander';
import { VERSION } from '../core/version.ts';
import { DEFAULT_ADDRESS } from './shared/address.ts';
import { WHEN_COLOURED } from './shared/colours.ts';
import { asOurs, reportFailure } from './shared/failures.ts';
import { warnOfFilesIn } from './shared/file_names.ts';
import { numberOfYes, refuseEmptyFlags, withHelpFlag, wordOfOthers } from './shared/mistyped.ts';
import type { Terminal } from './shared/terminal.ts';

/** Gives a command its arguments, options, subcommands and action. */
type SetUp = (command: Command, terminal: Terminal) => void;

interface CommandRow {
  readonly description: string;
  /** Loads the rest, which only a command line that names the command needs. */
  readonly load: () => Promise<SetUp>;
}

/** The commands, in the order of the help. A new group is one file and one row here. */
const COMMANDS: Readonly<Record<string, CommandRow>> = {
  serve: {
    description: 'run a conductor, with an agent inside',
    load: async () => (await import('./daemon/serve.ts')).setUpServe,
  },
  agent: {
    description: 'run an agent: the daemon beside the BMC network; or list those of a conductor',
    load: async () => {
      const { setUpAgent } = await import('./daemon/agent.ts');
      const { addAgentList } = await import('./conductor/lists.ts');
      const { addAgentToken } = await import('./token/commands.ts');
      return (command, terminal) => {
        setUpAgent(command, terminal);
        addAgentList(command, terminal);
        addAgentToken(command, terminal);
      };
    },
  },
  sim: {
    description: 'simulate BMCs with servers behind them, to try things out',
    load: async () => (await import('./sim/commands.ts')).addSimCommands,
  },
  node: {
    description: 'enrol nodes, look at them, change their power state',
    load: async () => {
      const { addNodeCommands } = await import('./node/commands.ts');
      const { addNodeFileCommands } = await import('./node_files/commands.ts');
      return (command, terminal) => {
        addNodeCommands(command, terminal);
        addNodeFileCommands(command, terminal);
      };
    },
  },
  power: {
    description: 'list, watch and withdraw power tasks',
    load: async () => (await import('./power/commands.ts')).addPowerCommands,
  },
  abort: {
    description: 'abort whatever order is under way at nodes',
    load: async () => (await import('./node/abort.ts')).setUpAbort,
  },
  freeze: {
    description: 'refuse orders to the nodes of a zone, or with certain labels, for a time',
    load: async () => (await import('./freeze/commands.ts')).setUpFreeze,
  },
  plan: {
    description: 'make action plans, run them, watch them, cancel them, roll them back',
    load: async () => (await import('./plan/commands.ts')).addPlanCommands,
  },
  audit: {
    description: 'let strategies propose plans, once or periodically',
    load: async () => (await import('./audit/commands.ts')).addAuditCommands,
  },
  events: {
    description: 'print the events: every change, numbered, from the oldest that is kept to the present',
    load: async () => (await import('./events/commands.ts')).setUpEvents,
  },
  sink: {
    description: 'send the events to webhooks and message brokers, each at least once',
    load: async () => (await import('./sink/commands.ts')).addSinkCommands,
  },
  status: {
    description: 'say how the conductor stands: nodes, orders, plans, agents, and what needs an operator',
    load: async () => (await import('./conductor/status.ts')).setUpStatus,
  },
  'log-level': {
    description: 'say how much the conductor logs, or change it while it runs',
    load: async () => (await import('./log_level/commands.ts')).setUpLogLevel,
  },
  version: {
    description: 'print the versions of this command and of the conductor',
    load: async () => (await import('./conductor/status.ts')).setUpVersion,
  },
  context: {
    description: 'give conductors names, and choose the one that is asked',
    load: async () => (await import('./context/commands.ts')).addContextCommands,
  },
  token: {
    description: 'make and revoke the tokens with which programs and agents say who they are',
    load: async () => (await import('./token/commands.ts')).addTokenCommands,
  },
  access: {
    description: 'say what an identity may do',
    load: async () => (await import('./token/access.ts')).addAccessCommands,
  },
  trail: {
    description: 'list who did what and who was refused, and check that the list is whole',
    load: async () => (await import('./trail/commands.ts')).addTrailCommands,
  },
  certificates: {
    description: 'make the certificates of a first installation',
    load: async () => (await import('./certificates/commands.ts')).addCertificateCommands,
  },
  database: {
    description: 'back up the database, put a backup back, check it, make it smaller, or copy it into another one',
    load: async () => (await import('./daemon/database.ts')).addDatabaseCommands,
  },
  secrets: {
    description: 'give the database another key for what is sealed in it',
    load: async () => (await import('./daemon/secrets.ts')).addSecretsCommands,
  },
  completion: {
    description: 'print the completion script of a shell',
    load: async () => (await import('./completion/commands.ts')).setUpCompletion,
  },
  zone: {
    description: 'list the zones of the BMC network',
    load: async () => (await import('./conductor/lists.ts')).addZoneCommands,
  },
  driver: {
    description: 'list the drivers',
    load: async () => (await import('./conductor/lists.ts')).addDriverCommands,
  },
};

/** Completion scripts ask with this word what can stand next. It is no command of people. */
const COMPLETE = '__complete';

const EXAMPLES = `
Examples:
  countermand serve
  countermand node create r7n1 --driver fake --info fake_address=r7n1
  countermand node power r7n1 soft_off
  countermand plan create rack7.yaml --start
  countermand node list --json`;

/**
 * The tree of commands. With `words`, only the commands that they can name have more than a name and a description.
 * Nothing runs before it is parsed.
 */
export async function buildProgram(terminal: Terminal, words?: readonly string[]): Promise<Command> {
  const program = new Command('countermand')
    .description('The bare-metal conductor whose orders can be taken back.')
    .version(VERSION, '--version', 'print the version')
    .option(
      '--conductor <host:port,...>',
      `the conductor to ask, or several of one installation, of which one leads; else COUNTERMAND_CONDUCTOR, else the context in use, else ${DEFAULT_ADDRESS}`,
    )
    .option('--context <context>', 'the conductor of this context; countermand context --help')
    .option('--ca <file>', 'PEM file with the authorities that may vouch for the conductor; else COUNTERMAND_CA')
    .option('--certificate <file>', 'PEM file with the certificate to show it; else COUNTERMAND_CERTIFICATE')
    .option('--token-file <file>', 'file with the token to show it; else COUNTERMAND_TOKEN_FILE')
    .option('--key <file>', 'PEM file with the key of the certificate; else COUNTERMAND_KEY')
    .option(
      '--server-name <name>',
      'the name that its certificate must have; else COUNTERMAND_SERVER_NAME, else its host',
    )
    .option(
      '--insecure',
      'allow plaintext on addresses that other hosts can reach; with serve, also without authentication',
    )
    .option('--json', 'for programs: one JSON object per line, nothing else on stdout')
    .option('--utc', 'times in UTC; else in the local time zone')
    .addOption(
      new Option('--color <when>', 'colours; auto has them on a terminal, unless NO_COLOR is set')
        .choices(WHEN_COLOURED)
        .default('auto'),
    )
    .addHelpText('after', EXAMPLES)
    .hook('preAction', (_program, command) => {
      refuseEmptyFlags(command);
      warnOfFilesIn(command, terminal);
    })
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: () => {},
    });
  for (const [name, { description, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description);
    // A word that is the value of an option can name one as well; that loads too much, and does no harm.
    if (words === undefined || words.includes(name)) (await load())(command, terminal);
  }
  return program;
}

/** Each --yes without a number is given an empty one: commander would take the word after it for the number. */
function withEmptyYes(words: readonly string[]): string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  return words.map((word, at) => (word === '--yes' && at < end ? '--yes=' : word));
}

/** Runs one command line and answers its exit code. Never rejects. */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = await buildProgram(terminal, words);
  if (words[0] === COMPLETE) {
    const { complete } = await import('./completion/complete.ts');
    await complete(words.slice(1), program, terminal);
    return 0;
  }
  try {
    await program.parseAsync(withEmptyYes(withHelpFlag(words, program)), { from: 'user' });
    return 0;
  } catch (error) {
    const ours = asOurs(error);
    const meant = numberOfYes(ours, words) ?? wordOfOthers(ours, words);
    return reportFailure(meant ?? error, program.opts().json === true, terminal.stderr);
  }
}
