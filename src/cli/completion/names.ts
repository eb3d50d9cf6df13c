/** The names that a command line can be completed with, asked of the conductor that it would ask. */
import { openCancellation } from '../../core/signals.ts';
import { type GlobalOptions, PAGE_SIZE } from '../shared/asking.ts';
import { type Client, withConductor } from '../shared/connection.ts';
import { readContexts } from '../shared/contexts.ts';
import { placeOf } from '../shared/place.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Environment, Terminal } from '../shared/terminal.ts';
import type { Candidate, NameKind } from './candidates.ts';

/** A person who has typed TAB waits no longer, unless `COUNTERMAND_COMPLETION_TIMEOUT` says otherwise. */
const TIMEOUT_S = 3;
/** Node starts no longer timer. */
const LONGEST_TIMEOUT_S = 2_000_000;

/** How long the conductor has for its answer. What is no number of seconds is as if it was not there: a TAB has no errors. */
function timeoutMsOf({ COUNTERMAND_COMPLETION_TIMEOUT: said }: Environment): number {
  const seconds = Number(said || TIMEOUT_S);
  return 1000 * (seconds > 0 && seconds <= LONGEST_TIMEOUT_S ? seconds : TIMEOUT_S);
}

/** At most this many pages of names are asked for. */
const PAGES = 10;

type Asked = Exclude<NameKind, 'contexts'>;

const named = ({ name }: { readonly name: string }): Candidate => ({ word: name, meaning: '' });

const ASK: Readonly<Record<Asked, (conductor: Client) => Promise<Candidate[]>>> = {
  async nodes({ nodes }) {
    const found: Candidate[] = [];
    let pageToken = '';
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await nodes.listNodes({ pageSize: PAGE_SIZE, pageToken });
      found.push(...answer.nodes.map(({ name, driver, zone }) => ({ word: name, meaning: `${driver} in ${zone}` })));
      pageToken = answer.nextPageToken;
      if (pageToken === '') break;
    }
    return found;
  },
  async plans({ plans }) {
    const { actionPlans } = await plans.listActionPlans({ pageSize: PAGE_SIZE });
    return actionPlans.map(named);
  },
  async audits({ audits }) {
    return (await audits.listAudits({ pageSize: PAGE_SIZE })).audits.map(named);
  },
  async templates({ audits }) {
    return (await audits.listAuditTemplates({ pageSize: PAGE_SIZE })).auditTemplates.map(named);
  },
  async tasks({ power }) {
    const { tasks } = await power.listPowerTasks({ pageSize: PAGE_SIZE, unsettled: true });
    return tasks.map(({ uuid, nodeName }) => ({ word: shortId(uuid), meaning: nodeName }));
  },
  async tokens({ access }) {
    return (await access.listTokens({})).tokens.map(named);
  },
  async freezes({ nodes }) {
    return (await nodes.listFreezes({})).freezes.map(({ uuid, reason }) => ({ word: uuid, meaning: reason }));
  },
  async sinks({ notifications }) {
    return (await notifications.listSinks({})).sinks.map(named);
  },
  async zones({ itself }) {
    return (await itself.listZones({})).zones.map(named);
  },
  async drivers({ itself }) {
    return (await itself.listDrivers({})).drivers.map(named);
  },
};

/** The names of a kind that begin with `last`, each once. None if no conductor answers in time: a TAB has no errors. */
export async function namesOf(
  kind: NameKind,
  last: string,
  options: GlobalOptions,
  terminal: Terminal,
): Promise<Candidate[]> {
  const { environment, clock, signal } = terminal;
  const cancellation = openCancellation([signal], { clock, afterMs: timeoutMsOf(environment), what: 'the names' });
  try {
    const all =
      kind === 'contexts'
        ? readContexts(environment).all.map(({ name, conductor }) => ({ word: name, meaning: conductor }))
        : await withConductor(placeOf(options, environment), ASK[kind], { clock, signal: cancellation.signal });
    const wanted = all.filter(({ word }) => word.startsWith(last));
    return [...new Map(wanted.map((candidate) => [candidate.word, candidate])).values()];
  } catch {
    return [];
  } finally {
    cancellation.end();
  }
}
