/** Keys that are typed while live text is written over: they would be shown in it, and read by the shell afterwards. */
import { readFileSync } from 'node:fs';

/** What a terminal does by itself at a key, unless it is told to leave keys alone; and what it shows of that. */
const SIGNALS: ReadonlyMap<number, readonly [NodeJS.Signals, shown: string]> = new Map([
  [0x03, ['SIGINT', '^C']],
  [0x1a, ['SIGTSTP', '^Z']],
  [0x1c, ['SIGQUIT', '^\\']],
]);

/** What Linux says of this process: behind its name its state, parent, group, session, terminal, and the group in front. */
const OWN_STATE = '/proc/self/stat';

/** A process in the background that changes its terminal is stopped. False where the system does not tell. */
function isInForeground(): boolean {
  try {
    const state = readFileSync(OWN_STATE, 'utf8');
    const [, , group, , , inFront] = state.slice(state.lastIndexOf(')') + 2).split(' ');
    return group !== undefined && group === inFront;
  } catch {
    return false;
  }
}

/**
 * Reads the keys that are typed, and forgets them. Ctrl-C, Ctrl-Z and Ctrl-\ do what they do. Answers what ends it. Does
 * nothing if stdin is no terminal, or if the process is in the background.
 */
export function muteKeys(own: NodeJS.Process): () => void {
  const { stdin, stdout } = own;
  if (!stdin.isTTY || !isInForeground()) return () => {};
  const mute = (): void => {
    if (isInForeground()) stdin.setRawMode(true);
  };
  const onKeys = (keys: Buffer): void => {
    for (const key of keys) {
      const known = SIGNALS.get(key);
      if (known === undefined) continue;
      const [signal, shown] = known;
      stdout.write(shown);
      // If the signal ends or stops this process, whoever is in front next finds the terminal as it was.
      stdin.setRawMode(false);
      own.kill(0, signal);
    }
  };
  // A terminal that is gone ends the process by SIGHUP.
  const ignore = (): void => {};
  own.on('SIGCONT', mute);
  stdin.on('data', onKeys).on('error', ignore).resume();
  mute();
  return () => {
    own.off('SIGCONT', mute);
    stdin.off('data', onKeys).pause();
    stdin.setRawMode(false);
  };
}
