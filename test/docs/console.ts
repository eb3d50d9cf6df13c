/** Console blocks of a page: command lines with their output, run one after the other against a conductor in this process. */
import { runCommandLine } from '../../src/cli/program.ts';
import { openCaptured } from '../cli/captured.ts';

/** One command line of a page, and the lines that it prints there. */
export interface Shown {
  /** The number of its line in the page, from 1. */
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
}

const FENCE = '```';

/** The command lines of the `console` blocks of a page, in their order. */
export function shownIn(page: string): Shown[] {
  const shown: { line: number; command: string; output: string[] }[] = [];
  let inside = false;
  for (const [at, text] of page.split('\n').entries()) {
    if (text.startsWith(FENCE)) inside = text === `${FENCE}console`;
    else if (inside && text.startsWith('$ ')) shown.push({ line: at + 1, command: text.slice(2), output: [] });
    else if (inside) shown.at(-1)?.output.push(text);
  }
  return shown;
}

/** The page with these outputs below its commands; what only differs as it does from run to run stays as it is. */
export function withOutputs(page: string, outputs: ReadonlyMap<number, readonly string[]>): string {
  const lines = page.split('\n');
  for (const { line, output } of shownIn(page).reverse()) {
    const ran = outputs.get(line) ?? [];
    if (masked(ran).join('\n') !== masked(output).join('\n')) lines.splice(line, output.length, ...ran);
  }
  return lines.join('\n');
}

const WORD = /'([^']*)'|"([^"]*)"|(\S+)/g;

/** The words of a command line, as a shell takes them. It knows quotes around whole words, and no more. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(WORD)].map(([, single, double, plain]) => single ?? double ?? plain ?? '');
}

const LOOP = /^for (\w+) in (.*?); do (.*); done$/;

/** The command lines that a loop is; any other is itself. */
export function unrolled(command: string): string[] {
  const [, name = '', values = '', body = ''] = LOOP.exec(command) ?? [];
  return name === '' ? [command] : values.split(' ').map((value) => body.replaceAll(`$${name}`, value));
}

/** What differs from run to run, each with what stands for it. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:\d\d))?/g, 'TIME'],
  [/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, 'ID'],
  [/\b[\da-f]{8}\b/g, 'ID'],
  [/\b[\da-f]{32}\b/g, 'ID'],
  [/\b127\.[\d.]+:\d+/g, 'ADDRESS'],
  [/, data in .*/g, ', data in FOLDER'],
  [/\b(\d+(d|h|m|s|ms))+\b|\b\d+ (s|min|h)\b/g, 'SPAN'],
  [/\b[\d.]+ [KMG]iB\b/g, 'SIZE'],
  // The order has been sent or is about to be: which of them is seen is chance.
  [/\b(QUEUED|SENDING|CONFIRMING)\b/g, 'UNDER-WAY'],
  [/^ *\d+ {2}(?=TIME)/g, 'N  '],
  [/ {2,}/g, '  '],
  [/ +$/g, ''],
];

/** A change on the way to an end, and what a cancel would do then: how many of them are seen is chance. */
const ON_THE_WAY =
  /^([\w-]+: .* (QUEUED|SENDING|CONFIRMING|ONGOING|CANCELLING)\b|[\w-]+: .* SUCCEEDED after \S+$|a cancel would )/;
/** The end of an action; of two at once, either may be the first. Successes are told in between, or counted at the end. */
const END = /^[\w-]+: .* (FAILED|CANCELLED|SKIPPED)\b/;

/** Lines without what differs from run to run. */
export function masked(lines: readonly string[]): string[] {
  const left = lines.filter((text) => !ON_THE_WAY.test(text));
  const ends = left.filter((text) => END.test(text)).sort();
  const steady = left.map((text) => (END.test(text) ? (ends.shift() ?? '') : text));
  return steady.map((text) => MASKS.reduce((rest, [pattern, stands]) => rest.replaceAll(pattern, stands), text));
}

const UNSEEN = / >\/dev\/null$/;

/** Runs a command line to its end; resolves with its exit code and what a terminal would show of stdout and stderr, by lines. */
export async function runShown(command: string, address: string): Promise<{ exitCode: number; lines: string[] }> {
  const { terminal, stdin, stdout } = openCaptured(false, { COUNTERMAND_CONDUCTOR: address, HOME: '/nonexistent' });
  stdin.end();
  const [, ...words] = wordsOf(command.replace(UNSEEN, ''));
  const exitCode = await runCommandLine(words, { ...terminal, stderr: terminal.stdout });
  const text = UNSEEN.test(command) ? '' : stdout().trimEnd();
  return { exitCode, lines: text === '' ? [] : text.split('\n') };
}
