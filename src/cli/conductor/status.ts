/** `countermand status` and `countermand version`: how the conductor stands, and what it is. */
import type { Command } from 'commander';
import { asCountermandError } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import { type CloudStatus, GetStatusResponse } from '../../gen/countermand/v1/conductor.ts';
import type { Sink } from '../../gen/countermand/v1/notification.ts';
import { asking, type Call } from '../shared/asking.ts';
import { oneLine } from '../shared/harmless.ts';
import { facts } from '../shared/table.ts';
import type { Terminal } from '../shared/terminal.ts';
import { bytesWords, spanWords } from '../shared/words.ts';

/** `12 of these, 3 of those`; what there is none of is left out. */
function countsWords(counts: readonly (readonly [count: number, what: string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}

/** The conductors on one database: who leads, since when, and who else is there. */
function conductorLines({ conductors, epoch, electedAt }: GetStatusResponse, nowMs: number): [string, string][] {
  const leader = conductors.find(({ leads }) => leads);
  if (!leader) return [];
  const since = electedAt ? `, for ${spanWords(nowMs - electedAt.getTime())}` : '';
  const others = conductors
    .filter(({ leads }) => !leads)
    .map((other) => {
      const version = other.version === leader.version ? '' : `, version ${other.version}`;
      return `${other.address}${version}${other.present ? '' : ' (not there)'}`;
    });
  return [
    ['leads', `${leader.address}, version ${leader.version}, epoch ${epoch}${since}`],
    ['stand by', others.join(', ') || 'none'],
  ];
}

/** Each sink with how far it is behind. */
function sinkWords(sinks: readonly Sink[], nowMs: number): string {
  const one = ({ name, lag, waitingSince }: Sink): string =>
    lag === 0n || !waitingSince ? name : `${name} ${lag} behind for ${spanWords(nowMs - waitingSince.getTime())}`;
  return sinks.map(one).join(', ');
}

/** Each cloud with its services, and how its notifications are read. */
function cloudWords(clouds: readonly CloudStatus[], nowMs: number): string {
  const one = (cloud: CloudStatus): string => {
    const { name, answeredAt, servicesUp, servicesDown, notifies, readSince, notifiedAt, changed } = cloud;
    const services = answeredAt ? [`${servicesUp} services up, ${servicesDown} down`] : [];
    const last = notifiedAt ? `, the last ${spanWords(nowMs - notifiedAt.getTime())} ago` : '';
    const read = readSince
      ? `notifications are read${last}; changes of nodes: ${changed}`
      : 'notifications are not read';
    return [name, [...services, ...(notifies ? [read] : [])].join('; ')].filter((words) => words !== '').join(': ');
  };
  return clouds.map(one).join(' | ');
}

/** How a conductor stands, for people. `address` is where it was asked. */
export function statusText(status: GetStatusResponse, address: string, nowMs: number): string {
  const { nodes, startedAt } = status;
  const up = startedAt ? `, up ${spanWords(nowMs - startedAt.getTime())}` : '';
  const states = countsWords([
    [nodes?.on ?? 0, 'on'],
    [nodes?.off ?? 0, 'off'],
    [nodes?.error ?? 0, 'error'],
    [nodes?.unknown ?? 0, 'unknown'],
    [nodes?.unreadable ?? 0, 'cannot be read'],
  ]);
  const plans = countsWords([
    [status.ongoingActionPlans, 'ONGOING'],
    [status.cancellingActionPlans, 'CANCELLING'],
    [status.pendingActionPlans, 'PENDING'],
  ]);
  const agents = countsWords([
    [status.attachedAgents, 'attached'],
    [status.lostAgents, 'lost'],
  ]);
  const leads = conductorLines(status, nowMs);
  const known = facts([
    // Where several are, the one that was asked may only have passed the question on.
    ['conductor', leads.length > 0 ? address : `${address}, version ${status.version}${up}`],
    [
      'database',
      `${status.databaseId}${status.databaseBytes > 0n ? `, ${bytesWords(Number(status.databaseBytes))}` : ''}`,
    ],
    ...leads,
    ['nodes', `${nodes?.total ?? 0}${states && `: ${states}`}`],
    ['maintenance', String(nodes?.maintenance ?? 0)],
    ...(status.freezes > 0 ? [['freezes', `${status.freezes} hold: countermand freeze list`] as [string, string]] : []),
    ['power tasks', `${status.unsettledPowerTasks} not at rest`],
    ['action plans', plans || 'none under way'],
    ['agents', agents || 'none'],
    ...(status.sinks.length > 0 ? [['sinks', sinkWords(status.sinks, nowMs)] as [string, string]] : []),
    ...(status.clouds.length > 0 ? [['clouds', cloudWords(status.clouds, nowMs)] as [string, string]] : []),
  ]);
  const problems = status.problems.map((problem) => `  ${oneLine(problem)}`);
  if ((nodes?.unreadable ?? 0) > 0) problems.push('  show them: countermand node list --failing');
  return problems.length === 0 ? `${known}\n\nno problems` : [known, '', 'problems:', ...problems].join('\n');
}

async function status(_options: object, { conductor, output, clock }: Call): Promise<void> {
  const answer = await conductor.itself.getStatus({});
  output.message(GetStatusResponse, answer, () => statusText(answer, conductor.address, clock.now()));
}

/** Gives the command `status` its action. */
export function setUpStatus(command: Command, terminal: Terminal): void {
  command.action(asking(status, terminal));
}

/** The versions of both sides; that of the conductor is absent if it did not answer. */
interface Versions {
  readonly client: string;
  readonly conductor?: string;
}

const VERSIONS = { toJSON: (versions: Versions): unknown => versions };

/** The own version is told even if no conductor answers. */
async function version(_options: object, { conductor, output }: Call): Promise<void> {
  const text = ({ client, conductor: theirs }: Versions): string =>
    facts([
      ['client', client],
      ['conductor', theirs === undefined ? '' : `${theirs} (${conductor.address})`],
    ]);
  try {
    const answer = await conductor.itself.getVersion({});
    output.message(VERSIONS, { client: VERSION, conductor: answer.version }, text);
  } catch (error) {
    output.message(VERSIONS, { client: VERSION }, text);
    throw asCountermandError(error);
  }
}

/** Gives the command `version` its action. */
export function setUpVersion(command: Command, terminal: Terminal): void {
  command.action(asking(version, terminal));
}
