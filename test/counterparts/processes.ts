/** Looks at other processes, as `ps` does. The kernel answers at once: to ask it from another thread takes several times as long. */
import { readdirSync, readFileSync } from 'node:fs';

/** A process that lives. */
export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** The process ids that exist now. */
const pids = (): number[] => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));

/** The living processes with all of `words` among their arguments. What has ended and waits to be collected is dead. */
export async function processesWith(...words: string[]): Promise<Process[]> {
  const found = pids().map((pid) => ({ pid, argv: argvOf(pid) }));
  return found.filter(({ argv }) => words.every((word) => argv.includes(word)));
}

/** Kills what is left of them and of their groups, if a test has failed: they would keep its process alive. */
export async function killAllWith(...words: string[]): Promise<void> {
  for (const { pid } of await processesWith(...words))
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, 'SIGKILL');
      } catch {
        // it leads no group, or is gone
      }
    }
}

/** The living processes of the group that has this leader, by their ids. */
export async function processesOfGroup(leader: number): Promise<number[]> {
  const found = pids().map((pid) => ({ pid, ...statOf(pid) }));
  return found.filter(({ state, group }) => group === leader && state !== 'Z').map(({ pid }) => pid);
}

/** State and group of a process, from what follows its name in parentheses. */
function statOf(pid: number): { readonly state?: string; readonly group: number } {
  const text = readIfThere(`/proc/${pid}/stat`);
  const [state, , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { ...(state !== undefined && { state }), group: Number(group) };
}

/** Its arguments; none if it is dead. */
const argvOf = (pid: number): string[] => readIfThere(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

/** Empty if the process is gone. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The environment it was given. */
export async function environmentOf(pid: number): Promise<Record<string, string>> {
  const lines = readFileSync(`/proc/${pid}/environ`, 'latin1')
    .split('\0')
    .filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
}
