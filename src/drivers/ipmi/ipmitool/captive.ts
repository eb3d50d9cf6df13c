/**
 * Runs a program that cannot outlive us: an order must not reach a BMC after the agent that gave it is dead.
 *
 * setpriv makes the kernel kill the program when its parent dies. The parent may have died just before setpriv said so;
 * the shell behind it looks who its parent is, once that can be trusted, and only then becomes the program.
 */
import type { Clock } from '../../../core/clock.ts';
import { fail } from '../../../core/errors.ts';
import { onAbort, openCancellation, throwIfOver } from '../../../core/signals.ts';

type Execa = typeof import('execa').execa;

/** What is run. Secrets belong in the environment: everybody can read arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment, PATH included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Shell commands that run before the program takes the shell's place. */
  readonly prologue?: string;
}

/** How a program ended. */
export interface Ending {
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, or null. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  /** Why we ended it, or null. */
  readonly cutShort: 'took too long' | 'said too much' | null;
}

/** What a program may say; ipmitool says a few lines. */
const OUTPUT_LIMIT = 64 * 1024;
/** The shell's word for a program that does not exist. */
const NOT_FOUND = 127;

/**
 * The shell's $1 is our process id; what follows is the program and its arguments. A program that crashes must not leave
 * a core file: the secrets would be in it.
 */
const guarded = (prologue: string): string => `[ "$PPID" = "$1" ] || exit 1; shift; ulimit -c 0; ${prologue} exec "$@"`;

/**
 * Runs `command` in a process group of its own and resolves with its ending, whatever that is. The group is killed at an
 * abort, after `limitMs`, and when it says too much; an abort rejects with its reason as soon as the program is gone.
 * @throws COMMAND_MISSING if the program, or setpriv, is not installed
 */
export async function runCaptive(
  command: Command,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Ending> {
  // Loaded when it is needed: it takes as long as a good part of the agent, and most nodes are not spoken to like this.
  const { execa } = await import('execa');
  throwIfOver(signal);
  const startedAt = clock.monotonic();
  const cancellation = openCancellation([signal], { clock, afterMs: limitMs, what: command.program });
  const child = spawn(command, execa);
  const unlink = onAbort(cancellation.signal, () => killGroup(child.pid));
  const result = await child;
  unlink();
  cancellation.end();
  if (result.isMaxBuffer) killGroup(child.pid);

  signal.throwIfAborted();
  if (result.exitCode === NOT_FOUND || result.code === 'ENOENT' || result.stderr.startsWith('setpriv:'))
    throw fail('COMMAND_MISSING', missing(command.program));
  return {
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
    tookMs: clock.monotonic() - startedAt,
    cutShort: result.isMaxBuffer ? 'said too much' : cancellation.signal.aborted ? 'took too long' : null,
  };
}

function spawn({ program, args, environment, prologue = '' }: Command, execa: Execa) {
  const shell = ['sh', '-c', guarded(prologue), 'sh', String(process.pid), program, ...args];
  return execa('setpriv', ['--pdeathsig', 'KILL', ...shell], {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    stripFinalNewline: false,
    maxBuffer: OUTPUT_LIMIT,
    killSignal: 'SIGKILL',
    detached: true,
    cleanup: false,
    reject: false,
  });
}

/** Kills whatever is left of the group; nothing may be. */
function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

function missing(program: string): string {
  return `the agent needs ${program} and setpriv; on Debian: apt-get install ${program} util-linux`;
}
