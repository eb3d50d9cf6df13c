/** `countermand completion SHELL`: the script that a shell loads. */
import { Argument, type Command } from 'commander';
import type { Terminal } from '../shared/terminal.ts';
import { SCRIPTS, SHELLS, type Shell } from './scripts.ts';

const EXAMPLES = `
A Debian package brings these scripts to where the shells look for them. Without it:
A conductor that has not answered within 3 seconds has no names; COUNTERMAND_COMPLETION_TIMEOUT says another number of seconds.

Examples:
  source <(countermand completion bash)                                        # in ~/.bashrc
  source <(countermand completion zsh)                                         # in ~/.zshrc, after compinit
  countermand completion fish > ~/.config/fish/completions/countermand.fish`;

/** Gives the command `completion` its argument and its action. */
export function setUpCompletion(command: Command, terminal: Terminal): void {
  command
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) => void terminal.stdout.write(SCRIPTS[shell]));
}
