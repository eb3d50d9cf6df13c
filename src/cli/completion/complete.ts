/** `countermand __complete WORDS...`: what the scripts of the shells ask at each TAB. */
import type { Command } from 'commander';
import { CLUSTER_EVENT_TYPES } from '../../core/cluster_events.ts';
import { TARGET_TABLE, TARGETS } from '../../core/power.ts';
import type { GlobalOptions } from '../shared/asking.ts';
import { oneLine } from '../shared/harmless.ts';
import type { Terminal } from '../shared/terminal.ts';
import { completionOf } from './candidates.ts';
import { SHELLS } from './scripts.ts';

/** The line that tells a shell to complete the names of files. */
export const FILES = ':files';

/** Values of arguments that are words of ours. */
const KNOWN = {
  target: TARGETS.map((target) => TARGET_TABLE[target].word),
  shell: SHELLS,
  event: Object.keys(CLUSTER_EVENT_TYPES),
};

/** A word as the shell has it, without its quotes. */
const unquoted = (word: string): string => word.replaceAll(/\\(.)|['"]/g, '$1');

/** Prints a line for each thing that can stand next: the word, a tab, what it means. Never fails. */
export async function complete(raw: readonly string[], program: Command, terminal: Terminal): Promise<void> {
  const words = raw.map(unquoted);
  const { candidates, source } = completionOf(words, program, KNOWN);
  const last = words.at(-1) ?? '';
  const found = [...candidates];
  if (source === 'files') found.push({ word: FILES, meaning: '' });
  else if (typeof source === 'string') {
    const { namesOf } = await import('./names.ts');
    found.push(...(await namesOf(source, last, optionsIn(words), terminal)));
  }
  const lines = found.map(({ word, meaning }) => `${oneLine(word)}\t${oneLine(meaning)}\n`);
  terminal.stdout.write(lines.join(''));
}

/** The options of a command line that say which conductor it would ask. */
function optionsIn(words: readonly string[]): GlobalOptions {
  const before = words.slice(0, -1);
  const given = (option: string): string | undefined => {
    const at = before.lastIndexOf(option);
    return at < 0 ? undefined : before[at + 1];
  };
  const conductor = given('--conductor');
  const context = given('--context');
  return { ...(conductor !== undefined && { conductor }), ...(context !== undefined && { context }) };
}
