/** The tree of commands, and one run of it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { DEFAULT_ADDRESS } from './address.ts';
import { reportFailure } from './failures.ts';
import type { Terminal } from './terminal.ts';

type Add = (program: Command, terminal: Terminal) => void;

/** The commands, in the order of the help, each loaded when it is needed. A new group is one file and one line here. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  serve: async () => (await import('./serve.ts')).addServeCommand,
  agent: async () => (await import('./agent.ts')).addAgentCommand,
  sim: async () => (await import('./sim.ts')).addSimCommands,
  node: async () => (await import('./node.ts')).addNodeCommands,
  power: async () => (await import('./power.ts')).addPowerCommands,
  plan: async () => (await import('./plan.ts')).addPlanCommands,
  audit: async () => (await import('./audit.ts')).addAuditCommands,
  events: async () => (await import('./events.ts')).addEventsCommand,
};

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

/**
 * The tree of commands: with `words`, as much of it as they can mean. Nothing runs before it is parsed.
 * A word that is the value of an option loads what it means elsewhere, for nothing.
 */
export async function buildProgram(terminal: Terminal, words: readonly string[] = []): Promise<Command> {
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
  const named = Object.keys(COMMANDS).filter((name) => words.includes(name));
  for (const name of named.length > 0 ? named : Object.keys(COMMANDS)) {
    const add = await COMMANDS[name]?.();
    add?.(program, terminal);
  }
  return program;
}

/** Runs one command line and answers its exit code. Never rejects. */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = await buildProgram(terminal, words);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    return reportFailure(error, program.opts().json === true, terminal.stderr);
  }
}
