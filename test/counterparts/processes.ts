/** Looks at other processes, as `ps` does. */
import { readdir, readFile } from 'node:fs/promises';

/** A process that lives. */
export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** The living processes with all of `words` among their arguments. What has ended and waits to be collected is dead. */
export async function processesWith(...words: string[]): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ({ pid, argv: await argvOf(pid) })));
  return found.filter(({ argv }) => words.every((word) => argv.includes(word)));
}

/** Its arguments; none if it is dead. */
async function argvOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').slice(0, -1);
}

/** The environment it was given. */
export async function environmentOf(pid: number): Promise<Record<string, string>> {
  const lines = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
}
