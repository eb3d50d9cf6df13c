/** Writes what a suite has shown into the page that says so. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../../docs/openstack.md', import.meta.url));
const [BEGIN, END] = ['<!-- acceptance -->', '<!-- acceptance ends -->'];

/** What a run was. */
export interface Run {
  /** YYYY-MM-DD. */
  readonly day: string;
  /** Of what was run, in a sentence. */
  readonly versions: string;
  readonly hosts: number;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  /** Each check: whether it passed, and how long it took. */
  readonly checks: readonly { readonly name: string; readonly passed: boolean; readonly seconds: number }[];
}

/** Puts a run in the place of the one that stands in docs/openstack.md. */
export async function record(run: Run): Promise<void> {
  const text = await readFile(PAGE, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for the result: ${BEGIN} and ${END}`);
  const rows = run.checks.map(
    ({ name, passed, seconds }) => `| ${passed ? 'passed' : 'FAILED'} | ${seconds.toFixed(0)} | ${name} |`,
  );
  const lines = [
    `${BEGIN}`,
    `The last run, on ${run.day}: ${run.passed} passed, ${run.failed} failed, in ${run.seconds} s, with ${run.hosts} hosts. ${run.versions}.`,
    '',
    '| result | s | check |',
    '|---|---|---|',
    ...rows,
    '',
  ];
  await writeFile(PAGE, `${text.slice(0, from)}${lines.join('\n')}${text.slice(to)}`);
}
