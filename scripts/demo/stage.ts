/** What the viewer of the demo sees: headings, sentences, and commands with all that they print. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { onAbort } from '../../src/core/signals.ts';
import type { Environment } from './conductor_process.ts';

/** A command that runs while others do. */
export interface Running {
  /** From now on its lines are kept back. */
  hold(): void;
  /** Its lines are shown again, those kept back first. */
  release(): void;
  /** Resolves when it has printed a line, or has ended. */
  readonly spoke: Promise<void>;
  /** Resolves with its exit code. Rejects at the abort, with its reason. */
  readonly ended: Promise<number>;
}

/** The stage. */
export interface Stage {
  heading(text: string): void;
  say(text: string): void;
  /** Shows a command line that another part runs. */
  command(text: string): void;
  /** Shows a line of its output. */
  output(line: string): void;
  /** Shows a command line and begins to run it in a shell. The abort kills it. */
  begin(command: string, signal: AbortSignal): Running;
  /** The same, to its end. */
  run(command: string, signal: AbortSignal): Promise<number>;
  /** The same, without showing it. */
  runUnseen(command: string, signal: AbortSignal): Promise<number>;
}

const WIDTH = 100;
/** Before commands and their output, so that they stand apart from what we say. */
const INDENT = '  ';
/** Before what goes on in a new line. */
const HANGING = '      ';

/** Opens the stage. Every command runs in this folder, with this environment. */
export function openStage(out: NodeJS.WriteStream, folder: string, environment: Environment): Stage {
  const place = { cwd: folder, env: environment };
  const width = Math.max(60, out.columns ?? WIDTH);
  const print = (lines: readonly string[]): void => void out.write(`${lines.join('\n')}\n`);
  const stage: Stage = {
    heading: (text) => print(['', styleText('bold', text, { stream: out })]),
    say: (text) => print(fold(text, width, '')),
    command(text) {
      const lines = fold(`${INDENT}$ ${text}`, width - 2, HANGING).join(' \\\n');
      print([styleText('cyan', lines, { stream: out })]);
    },
    output: (line) => print(fold(INDENT + line, width, HANGING)),
    begin(command, signal) {
      stage.command(command);
      return start(command, stage.output, place, signal);
    },
    run: (command, signal) => stage.begin(command, signal).ended,
    runUnseen: (command, signal) => start(command, () => {}, place, signal).ended,
  };
  return stage;
}

/** A line as lines of at most `width`, parted at blanks; better between two columns, if there is a gap near the end. */
export function fold(line: string, width: number, hanging: string): string[] {
  if (line.length <= width) return [line];
  const gap = line.lastIndexOf('  ', width);
  const at = gap > (width * 2) / 3 ? gap : line.lastIndexOf(' ', width);
  if (at <= hanging.length) return [line];
  return [line.slice(0, at).trimEnd(), ...fold(hanging + line.slice(at).trimStart(), width, hanging)];
}

interface Place {
  readonly cwd: string;
  readonly env: Environment;
}

function start(command: string, show: (line: string) => void, place: Place, signal: AbortSignal): Running {
  const child = spawn('sh', ['-c', command], { ...place, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let kept: string[] | null = null;
  const { promise: spoke, resolve: speak } = Promise.withResolvers<void>();
  const hear = (line: string): void => {
    speak();
    if (kept === null) show(line);
    else kept.push(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', hear);
  child.once('close', () => speak());
  const ended = untilEnded(child, signal);
  // A command in the background may end before anybody waits for it.
  ended.catch(() => {});
  return {
    hold() {
      kept ??= [];
    },
    release() {
      for (const line of kept ?? []) show(line);
      kept = null;
    },
    spoke,
    ended,
  };
}

async function untilEnded(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const unlink = onAbort(signal, () => killGroup(child));
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('close', resolve).once('error', reject),
    );
    signal.throwIfAborted();
    return code ?? 1;
  } finally {
    unlink();
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
