/** What the commands have of the world outside: the composition root's own, or one that a test made. */
import type { Readable } from 'node:stream';
import type { Chance } from '../core/chance.ts';
import type { Clock } from '../core/clock.ts';

/** The variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where text goes. */
export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly rows?: number };

/** Where text comes from. */
export type TextSource = Readable & { readonly isTTY?: boolean };

/** One run of the command line, seen from inside. */
export interface Terminal {
  readonly environment: Environment;
  readonly stdin: TextSource;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Aborted with CALL_ENDED by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
}
