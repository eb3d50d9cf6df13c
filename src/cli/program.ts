/** The tree of commands, and one run of it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAgentCommand } from './agent.ts';
import { addAuditCommands } from './audit.ts';
import { DEFAULT_ADDRESS } from './connection.ts';
import { addEventsCommand } from './events.ts';
import { reportFailure } from './failures.ts';
import { addNodeCommands } from './node.ts';
import { addPlanCommands } from './plan.ts';
import { addPowerCommands } from './power.ts';
import { addServeCommand } from './serve.ts';
import { addSimCommands } from './sim.ts';
import type { Terminal } from './terminal.ts';

/** The commands, in the order of the help. A new group is one file and one line here. */
const COMMANDS = [
  addServeCommand,
  addAgentCommand,
  addSimCommands,
  addNodeCommands,
  addPowerCommands,
  addPlanCommands,
  addAuditCommands,
  addEventsCommand,
];

const EXAMPLES = `
Examples:
  countermand serve
  countermand node create r7n1 --driver fake --info fake_address=r7n1
  countermand node power r7n1 soft_off
  countermand plan create rack7.yaml --start
  countermand node list --json`;

function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return JSON.parse(manifest).version;
}

/** The whole tree. Nothing runs before it is parsed. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('countermand')
    .description('The bare-metal conductor whose orders can be taken back.')
    .version(readVersion(), '--version', 'print the version')
    .option('--conductor <host:port>', `the conductor to ask; else COUNTERMAND_CONDUCTOR, else ${DEFAULT_ADDRESS}`)
    .option('--json', 'for programs: one JSON object per line, nothing else on stdout')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: () => {},
    });
  for (const add of COMMANDS) add(program, terminal);
  return program;
}

/** Runs one command line and answers its exit code. Never rejects. */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    return reportFailure(error, program.opts().json === true, terminal.stderr);
  }
}
