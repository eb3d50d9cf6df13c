/**
 * Node names that are also names of files here. A shell replaces an unquoted range such as `r7n[1-16]` by the name of a file
 * that matches it, r7n1 for example, and nothing but the file tells that from what was typed.
 */
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Arguments and options that name nodes. */
const NAMES_NODES: readonly string[] = ['node', 'nodes'];
/** Commands that tell of it themselves, as a part of their question. */
const ASK_THEMSELVES: readonly string[] = ['power', 'delete'];

/** What a name means that is also the name of a file, in a sentence. */
export function fileWords(name: string): string {
  return `'${name}' is also a file in this folder; if you typed a range such as 'r7n[1-16]' without quotes, the shell has replaced it`;
}

/** Warns on stderr of names that are also files here. */
export function warnOfFiles(names: readonly string[], json: boolean, { hasFile, stderr }: Terminal): void {
  for (const name of names.filter(hasFile)) {
    const message = fileWords(name);
    stderr.write(json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
  }
}

/** Warns of the nodes that a command line names, before the command runs. */
export function warnOfFilesIn(command: Command, terminal: Terminal): void {
  if (ASK_THEMSELVES.includes(command.name())) return;
  const given = command.registeredArguments.flatMap((argument, at) =>
    NAMES_NODES.includes(argument.name()) ? [command.processedArgs[at]] : [],
  );
  const flagged = NAMES_NODES.map((name) => command.opts()[name]);
  const words = [...given, ...flagged].flat().filter((word) => typeof word === 'string');
  warnOfFiles(words, command.optsWithGlobals().json === true, terminal);
}
