/** The terminal of a real process: its streams, its signals, and what happens when whoever reads its output has gone. */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { systemChance } from '../../core/chance.ts';
import { systemClock } from '../../core/clock.ts';
import { ERROR_TABLE, fail } from '../../core/errors.ts';
import { type Cancellation, openCancellation } from '../../core/signals.ts';
import { watchReader } from './lost_reader.ts';
import { muteKeys } from './muted_keys.ts';
import type { Terminal } from './terminal.ts';

/** Where a person sits, whatever the streams are connected to. */
const CONTROLLING_TERMINAL = '/dev/tty';

/** Errors of a stream that say that its reader has gone: of a pipe, and of a terminal. */
const READER_GONE: readonly string[] = ['EPIPE', 'EIO', 'ECONNRESET'];

/** What Linux says of the limits of this process: a line for each, with its soft limit first. */
const OWN_LIMITS = '/proc/self/limits';
/** The name of this process, on Linux. */
const OWN_NAME = '/proc/self/comm';
const OPEN_FILES = /^Max open files +(\d+)/m;
/** The usual soft limit, where the system does not tell. */
const USUAL_OPEN_FILES = 1024;

/** The terminal of a real process. */
interface ProcessTerminal extends Terminal {
  /** True if something keeps the process that is not waited for: a daemon's output without a reader, or what was abandoned. */
  isStuck(): boolean;
}

/**
 * Opens the terminal of this process. SIGINT and SIGTERM abort its signal once; a second one ends the process.
 *
 * A command whose stdout cannot be written any more is aborted with OUTPUT_LOST, and the exit code is never 0. A daemon
 * goes on without its output, and writes again as soon as that is possible.
 * @param onStarted called when a daemon has started
 */
export function openProcessTerminal(own: NodeJS.Process, onStarted = (): void => {}): ProcessTerminal {
  nameProcess(own);
  const cancellation = openCancellation([]);
  let isDaemon = false;
  let isAbandoned = false;
  let isWatched = false;
  for (const name of ['SIGINT', 'SIGTERM']) own.once(name, () => cancellation.abort(fail('CALL_ENDED', 'stopped')));
  const onLost = (error: NodeJS.ErrnoException): void => {
    if (!isDaemon) loseOutput(error, cancellation, own);
  };
  own.stdout.on('error', onLost);
  // There is no other place to say that stderr is lost.
  own.stderr.on('error', () => {});
  const { env: environment, stdin, stdout, stderr } = own;
  return {
    environment,
    stdin,
    stdout,
    stderr,
    clock: systemClock,
    chance: systemChance,
    signal: cancellation.signal,
    showPerson: (text) => writeTo(CONTROLLING_TERMINAL, text) || (stderr.isTTY && stderr.write(text)),
    muteKeys: (onContinue, onSignal) => muteKeys(own, onContinue, onSignal),
    watchReader() {
      if (!isWatched)
        watchReader(own, () => onLost(Object.assign(new Error('its reader has gone'), { code: 'EPIPE' })));
      isWatched = true;
    },
    hasFile: existsSync,
    openFilesLimit: readOpenFilesLimit,
    isStuck: () => isAbandoned || (isDaemon && stdout.writableLength + stderr.writableLength > 0),
    started: onStarted,
    abandon() {
      isAbandoned = true;
    },
    becomeDaemon(onHangup, onExit = () => {}) {
      isDaemon = true;
      own.once('exit', onExit);
      const startedByPerson = stdin.isTTY;
      own.on('SIGHUP', () => {
        if (startedByPerson) cancellation.abort(fail('CALL_ENDED', 'stopped: the terminal was closed'));
        else onHangup();
      });
    },
  };
}

/** `ps` and `top` call it countermand; its command line stays as it was given. */
function nameProcess(own: NodeJS.Process): void {
  if (!writeTo(OWN_NAME, 'countermand')) own.title = 'countermand';
}

function loseOutput(error: NodeJS.ErrnoException, cancellation: Cancellation, own: NodeJS.Process): void {
  // What has ended well before the loss was noticed was not read either.
  own.exitCode ||= ERROR_TABLE.OUTPUT_LOST.exitCode;
  // A reader that needs no more, such as head, wants no message. Anything else, such as a full disk, is told once.
  if (!READER_GONE.includes(error.code ?? '') && !cancellation.signal.aborted)
    own.stderr.write(`error: stdout cannot be written: ${error.message}\n`);
  cancellation.abort(fail('OUTPUT_LOST', ''));
}

function readOpenFilesLimit(): number {
  try {
    const soft = OPEN_FILES.exec(readFileSync(OWN_LIMITS, 'utf8'))?.[1];
    // Without a number it is unlimited.
    return soft === undefined ? Number.MAX_SAFE_INTEGER : Number(soft);
  } catch {
    return USUAL_OPEN_FILES;
  }
}

/** False if there is no such file, or it cannot be written. */
function writeTo(path: string, text: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch {
    return false;
  }
  try {
    writeSync(file, text);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}
