/** The entry of the `countermand` command: it opens the terminal of its process, and sets the exit code. */

import { runCommandLine } from './program.ts';
import { openProcessTerminal } from './shared/process_terminal.ts';

/**
 * Runs the command line of this process.
 * @param onStarted called when a daemon has started
 */
export async function main(onStarted: () => void): Promise<void> {
  const terminal = openProcessTerminal(process, onStarted);
  const code = await runCommandLine(process.argv.slice(2), terminal);
  // What the command itself failed with says more than a lost output.
  process.exitCode = code || (process.exitCode ?? 0);
  // A command's output is read to its end; a daemon does not wait for the reader of its log.
  if (terminal.isStuck()) process.exit();
}

// From the sources.
if (import.meta.main) void main(() => {});
