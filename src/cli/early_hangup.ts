/**
 * SIGHUP in the first moments of a daemon, before its command is loaded: loading takes up to a second, and a signal that nothing listens to
 * ends the process. What a daemon does about it later is decided by its terminal.
 */
import { isatty } from 'node:tty';

/** The commands that run for as long as the machine does. */
const DAEMONS = ['serve', 'agent', 'sim'];

/**
 * Ignores SIGHUP from now on, if these words start a daemon that no person has started at a terminal. Call it before anything is loaded.
 * @param words the command line
 */
export function outliveHangup(words: readonly string[], own: NodeJS.Process, isAtTerminal = isatty(0)): void {
  if (DAEMONS.includes(words[0] ?? '') && !isAtTerminal) own.on('SIGHUP', () => {});
}
