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

/** True if the terminal is this process's to change: in the background it is another's. Null where the system does not tell. */
function isInFront(): boolean | null {
  try {
    const state = readFileSync(OWN_STATE, 'utf8');
    const [, , group, , , inFront] = state.slice(state.lastIndexOf(')') + 2).split(' ');
    return group === undefined ? null : group === inFront;
  } catch {
    return null;
  }
}

/**
 * Reads the keys that are typed while this process is in front, and forgets them. Ctrl-C, Ctrl-Z and Ctrl-\ do what they do.
 * While the process is stopped, by whichever way, its terminal is as it was before. Answers what ends it. Of a stdin that is no
 * terminal nothing is read.
 * @param onContinue called each time that the process goes on after it was stopped; with false if it is in the background now
 * @param onSignal called when a key was shown, such as ^C, and before its signal is sent
 */
export function muteKeys(
  own: NodeJS.Process,
  onContinue: (isInFront: boolean) => void,
  onSignal: () => void,
): () => void {
  const keys = own.stdin.isTTY ? openKeys(own, onSignal) : null;
  const goOn = (): void => {
    keys?.mute();
    onContinue(isInFront() ?? true);
  };
  own.on('SIGCONT', goOn);
  return () => {
    own.off('SIGCONT', goOn);
    keys?.close();
  };
}

function openKeys(own: NodeJS.Process, onSignal: () => void): { mute(): void; close(): void } {
  const { stdin, stdout } = own;
  // A process in the background that changes its terminal is stopped for that, and so is one that reads.
  const leave = (): void => {
    if (isInFront()) stdin.setRawMode(false);
  };
  const onKeys = (typed: Buffer): void => {
    for (const key of typed) {
      const known = SIGNALS.get(key);
      if (known === undefined) continue;
      const [signal, shown] = known;
      stdout.write(shown);
      onSignal();
      // If the signal ends this process, whoever is in front next finds the terminal as it was.
      leave();
      own.kill(0, signal);
    }
  };
  const stop = (): void => {
    leave();
    // Without a listener, the signal does what it does: it stops the process, until SIGCONT.
    own.off('SIGTSTP', stop);
    own.kill(own.pid, 'SIGTSTP');
  };
  const mute = (): void => {
    own.off('SIGTSTP', stop).on('SIGTSTP', stop);
    if (!isInFront()) {
      stdin.pause();
      return;
    }
    // SIGSTOP comes without a warning: the shell has changed the modes since, which Node does not know.
    stdin.setRawMode(false).setRawMode(true);
    stdin.resume();
  };
  // A terminal that is gone ends the process by SIGHUP.
  const ignore = (): void => {};
  stdin.pause().on('data', onKeys).on('error', ignore);
  mute();
  return {
    mute,
    close() {
      own.off('SIGTSTP', stop);
      stdin.off('data', onKeys).pause();
      leave();
    },
  };
}
