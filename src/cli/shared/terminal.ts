/** What the commands have of the world outside: the composition root's own, or one that a test made. */
import type { Readable } from 'node:stream';
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';

/** The variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where text goes. */
export type TextStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly rows?: number;
  readonly columns?: number;
  /** How much waits to be written. */
  readonly writableLength?: number;
};

/** Where text comes from. */
export type TextSource = Readable & {
  readonly isTTY?: boolean;
  /** Of a terminal: whether each key comes as it is typed, and is not shown. */
  setRawMode?(raw: boolean): unknown;
};

/** One run of the command line, seen from inside. */
export interface Terminal {
  readonly environment: Environment;
  readonly stdin: TextSource;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Aborted with CALL_ENDED by Ctrl-C and by SIGTERM, and with OUTPUT_LOST when stdout cannot be written any more. */
  readonly signal: AbortSignal;
  /** Shows text on the terminal that a person sits at, wherever stdout and stderr go. False if there is none. */
  showPerson(text: string): boolean;
  /**
   * From now on, keys that are typed are not shown and not kept, so that they do not end up in live text; those that stop a
   * command do so as ever. The answer undoes it. Without a person at the terminal nothing is muted.
   * @param onContinue called each time that the process goes on after it was stopped, as by Ctrl-Z: what stands on the terminal is
   *   another's at that time. False: it goes on in the background, and the terminal is the shell's
   * @param onSignal called when a key that stops a command was shown, as ^C, and before it does so: what is written over would be gone
   */
  muteKeys(onContinue: (isInFront: boolean) => void, onSignal: () => void): () => void;
  /**
   * From now on, the loss of the reader of stdout is noticed also while nothing is written. For what only watches: an order that
   * is not given yet would not be given any more. A second call does nothing.
   */
  watchReader(): void;
  /** True if the current folder has a file of this name. */
  hasFile(name: string): boolean;
  /** The number of files and sockets that this process may open. */
  openFilesLimit(): number;
  /**
   * From now on the process is a daemon: it outlives the readers of its output. SIGHUP stops it only if a terminal that was
   * closed has sent it; otherwise `onHangup` is called.
   * @param onExit called when the process ends, unless it is killed: what it then writes is written
   */
  becomeDaemon(onHangup: () => void, onExit?: () => void): void;
  /** Says that a daemon has started: it does what it is for. May be called again. */
  started(): void;
  /** The process ends as soon as its command has, whatever it still has open. */
  abandon(): void;
}
