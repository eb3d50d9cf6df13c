/** The daemons and commands as people start them: `bin/countermand` in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { flagOf, type KeyName } from '../../src/cli/daemon/configuration_keys.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { openCaptured } from '../cli/captured.ts';
import { Watch } from './watching.ts';

/** The command of the checkout. */
const PROGRAM = fileURLToPath(new URL('../../bin/countermand', import.meta.url));

/** Configuration keys with their values. */
export type Settings = Partial<Record<KeyName, string | number>>;

/** Variables beside those that every process is given. */
export type Variables = Readonly<Record<string, string>>;

/** One started process. It dies with ours, however that ends. */
export interface Daemon {
  readonly pid: number;
  /** The lines of its stdout. */
  readonly said: Watch<string>;
  /** The lines of its stderr: the log. */
  readonly logged: Watch<string>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void;
  /** Ends it with SIGKILL and resolves when it is gone. */
  kill(): Promise<void>;
}

/** The environment that every process is given: nothing of ours leaks in, and no two of them want the default HTTP port. */
function environment(variables: Variables): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: '/nonexistent', COUNTERMAND_HTTP_LISTEN: 'none', ...variables };
}

/** Settings as flags. */
export function flagsOf(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([key, value]) => [flagOf(key as KeyName), String(value)]);
}

/**
 * Starts `countermand` with these words; ended with SIGKILL after the test, if it still runs.
 * @param within a command that runs the command that follows it, in the same process
 */
export function startProcess(
  t: ExecutionContext,
  words: readonly string[],
  variables: Variables = {},
  within: readonly string[] = [],
): Daemon {
  return startProgram(t, [...within, PROGRAM], words, variables);
}

/** Starts any program as `startProcess` starts `countermand`. */
export function startProgram(
  t: ExecutionContext,
  program: readonly string[],
  words: readonly string[],
  variables: Variables = {},
): Daemon {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(variables),
  });
  const daemon = daemonOf(child);
  t.teardown(async () => {
    await daemon.kill();
    if (!t.passed) t.log(`${words.join(' ')}\n${[...daemon.said.seen, ...daemon.logged.seen].join('\n')}`);
  });
  return daemon;
}

function daemonOf(child: ChildProcess): Daemon {
  const { stdout, stderr, pid } = child;
  if (!stdout || !stderr || pid === undefined) throw new Error('setpriv could not be started');
  const ended = once(child, 'close').then(([code, signal]) => signal ?? code);
  return {
    pid,
    said: new Watch(createInterface(stdout)),
    logged: new Watch(createInterface(stderr)),
    ended,
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A conductor that listens. */
export interface ConductorProcess extends Daemon {
  /** HOST:PORT. */
  readonly address: string;
  /** HOST:PORT of its HTTP door; empty if it has none. */
  readonly http: string;
}

/** What a conductor says when it listens. */
export const LISTENING = /^countermand: conductor on (\S+), data in /;
const HTTP = /^countermand: HTTP on (\S+)$/;

/** Starts `countermand serve`; resolves when it listens, and its agent is attached if it has one. */
export async function startConductor(
  t: ExecutionContext,
  settings: Settings & { data: string; listen: string },
  withAgent: boolean,
  variables: Variables = {},
  within: readonly string[] = [],
): Promise<ConductorProcess> {
  return untilListening(startProcess(t, wordsOf(settings, withAgent), variables, within), withAgent);
}

/** What a conductor says when another one leads. */
export const STANDS_BY = /^countermand: conductor on (\S+) stands by; (\S+) leads$/;

/** Starts `countermand serve` where another conductor leads; resolves when it stands by. */
export async function startStandBy(
  t: ExecutionContext,
  settings: Settings & { data: string; listen: string },
  variables: Variables = {},
): Promise<ConductorProcess & { readonly leads: Promise<string> }> {
  const daemon = startProcess(t, wordsOf(settings, true), variables);
  const line = await daemon.said.until('the conductor to stand by', (said) => STANDS_BY.test(said));
  const leads = daemon.said.until('the conductor to lead', (said) => LISTENING.test(said));
  leads.catch(() => {});
  return { ...daemon, address: STANDS_BY.exec(line)?.[1] ?? '', http: '', leads };
}

async function untilListening(daemon: Daemon, withAgent: boolean): Promise<ConductorProcess> {
  const line = await daemon.said.until('the conductor to listen', (said) => LISTENING.test(said));
  if (withAgent) await untilAttached(daemon);
  const http = daemon.said.seen.map((said) => HTTP.exec(said)?.[1]).find((address) => address !== undefined) ?? '';
  return { ...daemon, address: LISTENING.exec(line)?.[1] ?? '', http };
}

/**
 * Starts `countermand serve` in this process, for tests that are about its answers and not about its process: it costs a
 * fraction. It is stopped in order after the test, and must end well.
 */
export async function startConductorHere(
  t: ExecutionContext,
  settings: Settings & { data: string; listen: string },
  withAgent: boolean,
  variables: Variables = {},
  _within: readonly string[] = [],
  clock: Clock = systemClock,
): Promise<ConductorProcess> {
  return untilListening(startHere(t, wordsOf(settings, withAgent), variables, clock), withAgent);
}

/** Runs a daemon in this process, until the test is over or it is sent a signal: each ends it in order. */
function startHere(t: ExecutionContext, words: readonly string[], variables: Variables, clock: Clock): Daemon {
  const { terminal, interrupt } = openCaptured(false, environment(variables));
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = new Watch(createInterface(stdout));
  const logged = new Watch(createInterface(stderr));
  const ended = runCommandLine(words, { ...terminal, clock, stdout, stderr }).finally(() => {
    stdout.end();
    stderr.end();
  });
  const stop = (): void => interrupt.abort(fail('CALL_ENDED', 'the test is over'));
  t.teardown(async () => {
    stop();
    const exitCode = await ended;
    if (!t.passed) t.log([...said.seen, ...logged.seen].join('\n'));
    if (exitCode !== 0) throw new Error(`${words[0]} ended with ${exitCode}: ${logged.seen.join('\n')}`);
  });
  const kill = (): Promise<void> => Promise.reject(new Error('what runs in this process cannot be killed'));
  return { pid: process.pid, said, logged, ended, signal: stop, kill };
}

/** The HTTP door has a fixed port by default, which another conductor of the tests may have: a test says its own. */
function wordsOf(settings: Settings, withAgent: boolean): string[] {
  return ['serve', ...flagsOf({ http_listen: 'none', ...settings }), ...(withAgent ? [] : ['--no-agent'])];
}

/** Starts `countermand agent`; resolves when it is attached. */
export async function startAgent(
  t: ExecutionContext,
  conductor: string,
  settings: Settings = {},
  variables: Variables = {},
): Promise<Daemon> {
  const daemon = startProcess(t, agentWords(conductor, settings), variables);
  await untilAttached(daemon);
  return daemon;
}

/** Starts `countermand agent` in this process, as `startConductorHere` starts a conductor. */
export async function startAgentHere(
  t: ExecutionContext,
  conductor: string,
  settings: Settings = {},
  variables: Variables = {},
): Promise<Daemon> {
  const daemon = startHere(t, agentWords(conductor, settings), variables, systemClock);
  await untilAttached(daemon);
  return daemon;
}

function agentWords(conductor: string, settings: Settings): string[] {
  return ['agent', '--conductor', conductor, ...flagsOf(settings)];
}

/** Resolves when an agent has logged this many times that it is attached. */
export async function untilAttached({ logged }: Daemon, times = 1): Promise<void> {
  const attached = (line: string): boolean => line.includes('"msg":"attached"');
  await logged.until('the agent to be attached', () => logged.seen.filter(attached).length >= times);
}

/** The result of a command. */
export interface CommandResult {
  readonly exitCode: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command of the command line to its end, in this process: for tests of what it says, of which there are many. What
 * signals, pipes and the bundle do is tested with `run`.
 */
export async function runHere(
  words: readonly string[],
  variables: Variables = {},
  clock: Clock = systemClock,
): Promise<CommandResult> {
  const { terminal, stdin, stdout, stderr } = openCaptured(false, variables);
  stdin.end();
  const exitCode = await runCommandLine(words, { ...terminal, clock });
  return { exitCode, stdout: stdout().trimEnd(), stderr: stderr().trimEnd() };
}

/** Runs a command of the command line to its end, as a process. */
export async function run(
  t: ExecutionContext,
  words: readonly string[],
  variables: Variables = {},
): Promise<CommandResult> {
  const { ended, said, logged } = startProcess(t, words, variables);
  const exitCode = await ended;
  await Promise.all([said.ended, logged.ended]);
  return { exitCode, stdout: said.seen.join('\n'), stderr: logged.seen.join('\n') };
}
