/** `countermand audit list`. */
import { type Command, Option } from 'commander';
import { AUDIT_STATES, type AuditState as StateName } from '../../core/states.ts';
import { Audit, AuditState } from '../../gen/countermand/v1/audit.ts';
import { asking, type Call, upTo } from '../shared/asking.ts';
import { stateMeaning } from '../shared/colours.ts';
import { readCount } from '../shared/flags.ts';
import { addListFlags, countStates, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ageWords } from '../shared/words.ts';
import { runsCell, stateOf } from './text.ts';

/** The list of audits. */
const AUDIT_LIST: Listing<Audit> = {
  things: 'audits',
  type: Audit,
  name: ({ uuid }) => uuid,
  summary: (audits) => countStates(audits.map(stateOf), 'audit'),
  columns: [
    { head: 'NAME', cell: ({ name }) => name, cuts: true },
    { head: 'AUDIT', cell: ({ uuid }) => shortId(uuid), narrow: true },
    { head: 'AUDIT', cell: ({ uuid }) => uuid, wide: true },
    { head: 'STRATEGY', cell: ({ strategy }) => strategy },
    { head: 'STATE', cell: stateOf, meaning: (audit) => stateMeaning(stateOf(audit)) },
    { head: 'RUNS', cell: (audit, { nowMs }) => runsCell(audit, nowMs), spare: 2, cuts: true },
    {
      head: 'AGE',
      cell: ({ createdAt }, { nowMs }) => ageWords(createdAt, nowMs),
      key: ({ createdAt }) => -(createdAt?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'MESSAGE', cell: ({ statusMessage }) => statusMessage, cuts: true },
    { head: 'GOAL', cell: ({ goal }) => goal, wide: true },
    { head: 'MADE', cell: ({ createdAt }, { time }) => time(createdAt), wide: true },
  ],
};

interface ListOptions extends ListFlags {
  readonly state?: readonly StateName[];
  readonly limit?: string;
}

async function list(options: ListOptions, call: Call): Promise<void> {
  const states = (options.state ?? []).map((name) => AuditState[name]);
  const limit = readCount(options.limit, 1, '--limit');
  const ask = (): Promise<Audit[]> =>
    upTo(limit, async (pageToken, pageSize) => {
      const answer = await call.conductor.audits.listAudits({ pageSize, pageToken, states });
      return { items: answer.audits, nextPageToken: answer.nextPageToken };
    });
  await showList(AUDIT_LIST, ask, options, call);
}

/** Adds `audit list`. */
export function addList(group: Command, terminal: Terminal): void {
  const command = group
    .command('list')
    .description('list the audits, the newest first')
    .addOption(
      new Option('--state <state...>', 'only audits in these states; all but DELETED if left out').choices(
        Object.keys(AUDIT_STATES),
      ),
    )
    .option('--limit <n>', 'only the newest n');
  addListFlags(command, AUDIT_LIST).action(asking(list, terminal));
}
