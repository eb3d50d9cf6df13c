/** The pages of decisions: their fields, and the index of them. */
import { posix } from 'node:path';
import type { Pages } from './links.ts';

const FORM = "begins with '# TITLE', '* Status: in force|replaced by LINK', '* Date: YYYY-MM-DD'";
const PAGE =
  /^# (?<title>.+)\n\n\* Status: (?:in force|replaced by \[[^\]]+\]\((?<heir>\S+)\))\n\* Date: (?<date>\d{4}-\d\d-\d\d)\n(?:\* Replaces: .+\n)*\n\S/;

/**
 * What is wrong with the decisions, as `page: reason`. `pages` are all Markdown pages of their folder. The numbers of the
 * files have no gaps, a replaced decision and its heir name each other, and README.md has one line for each page, in
 * the order of the numbers. A page whose form is wrong is not looked at any further.
 */
export function wrongDecisions(pages: Pages): string[] {
  const paths = Object.keys(pages).sort();
  const index = paths.find((path) => posix.basename(path) === 'README.md') ?? 'README.md';
  const decisions = paths.filter((path) => path !== index);
  const wrong = decisions.flatMap((path, at) => wrongPage(path, at, pages));
  const wanted = decisions.map((path) => lineOf(path, pages[path] ?? ''));
  const lines = (pages[index] ?? '').match(/^\| \d.*$/gm) ?? [];
  if (lines.length > wanted.length)
    wrong.push(`${index}: the table has ${lines.length} lines for ${wanted.length} pages`);
  wanted.forEach((line, at) => {
    if (line !== null && lines[at] !== line) wrong.push(`${index}: line ${at + 1} of the table is not '${line}'`);
  });
  return wrong;
}

function wrongPage(path: string, at: number, pages: Pages): string[] {
  const name = posix.basename(path);
  const number = String(at + 1).padStart(3, '0');
  if (!new RegExp(`^${number}_[a-z0-9_]+\\.md$`).test(name)) return [`${path}: the next number is ${number}`];
  const { title, heir } = PAGE.exec(pages[path] ?? '')?.groups ?? {};
  if (title === undefined) return [`${path}: ${FORM}`];
  const back = `* Replaces: [${title}](${name})`;
  if (heir === undefined || pages[posix.join(posix.dirname(path), heir)]?.includes(`\n${back}\n`)) return [];
  return [`${path}: ${heir} does not say '${back}'`];
}

/** The line of the index for a page; null for a page whose form is wrong. */
function lineOf(path: string, text: string): string | null {
  const { title, heir, date } = PAGE.exec(text)?.groups ?? {};
  if (title === undefined) return null;
  const name = posix.basename(path);
  const status = heir === undefined ? 'in force' : `replaced by [${heir.slice(0, 3)}](${heir})`;
  return `| ${name.slice(0, 3)} | [${title}](${name}) | ${date} | ${status} |`;
}
