/** A conductor on a database that others may stand on: it leads or stands by, again and again, while its ports stay open. */
import { hostname } from 'node:os';
import { asCountermandError, type CountermandError, fail, failWith } from '../../core/errors.ts';
import { onAbort, openCancellation, sleep, untilAborted } from '../../core/signals.ts';
import { VERSION } from '../../core/version.ts';
import { readConductors } from '../../server/store/conductors.ts';
import type { Database } from '../../server/store/database.ts';
import { isStorageError } from '../../server/store/failures.ts';
import type { Terminal } from '../shared/terminal.ts';
import { type ConductorName, openElections, type StandByListener, type Won } from './open_database.ts';
import { openPorts, type PortParts, type Ports } from './ports.ts';
import { SHUT_DOWN, sayWhere, startTerm, type TermParts } from './term.ts';

type Parts = TermParts & PortParts;

/** How long a conductor whose database has failed leaves the lead to others. They look several times meanwhile. */
const REST_MS = 1000;

/**
 * Runs a conductor on a PostgreSQL database until the terminal's signal is aborted.
 * @throws CONFIGURATION_INVALID, DATABASE_REFUSED, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE if it cannot be used when the
 *   conductor starts; LISTEN_FAILED; and DATABASE_NEWER or DATABASE_DAMAGED when that happens while it runs
 */
export async function runAmongOthers(url: string, parts: Parts): Promise<void> {
  const { configuration, terminal, front, log } = parts;
  const elections = await openElections(url, configuration, terminal);
  try {
    const ports = await openPorts(parts);
    try {
      const conductor = nameOf(ports, parts);
      const standBy = elections.standBy({ ...conductor, version: VERSION }, listenerOf(ports, conductor, parts));
      try {
        const { where, seal } = elections;
        await standByAndLead(() => standBy.won(terminal.signal), { ports, where, seal, conductor }, parts);
      } finally {
        parts.ending.at('the list of conductors');
        await standBy.close();
      }
    } finally {
      front.standBy({ error: SHUT_DOWN, grpc: null, http: null });
      parts.ending.at('the ports');
      await ports.close();
    }
  } finally {
    elections.close();
  }
  log.info({}, 'the conductor has stopped');
}

interface Place {
  readonly ports: Ports;
  readonly conductor: ConductorName;
  readonly where: string;
  readonly seal: (database: Database) => Promise<void>;
}

async function standByAndLead(next: () => Promise<Won>, place: Place, parts: Parts): Promise<void> {
  const { terminal, log } = parts;
  for (;;) {
    const won = await next().catch((error) => {
      if (terminal.signal.aborted) return null;
      throw error;
    });
    if (won === null) break;
    const lost = await lead(won, place, parts);
    if (lost === null) break;
    if (lost.code === 'DATABASE_DAMAGED') throw lost;
    log.warn({ epoch: won.epoch, reason: lost.message }, 'the conductor leads no more');
    if (passesBy(lost)) await sleep(REST_MS, terminal.clock, terminal.signal).catch(() => {});
  }
  log.info({ reason: asCountermandError(terminal.signal.reason).message }, 'the conductor stops');
}

/**
 * True for what ends a term and not the process: a database without room, or one that answers badly, would otherwise end each conductor in
 * turn as it is elected.
 */
const passesBy = (error: unknown): error is CountermandError =>
  isStorageError(error) && (error.code === 'DISK_FULL' || error.code === 'DATABASE_UNUSABLE');

/** Leads until that is over: resolves with the reason, or with null when the process is to stop. */
async function lead(
  won: Won,
  { ports, where, seal, conductor }: Place,
  parts: Parts,
): Promise<CountermandError | null> {
  const { database, tenure, epoch, mayActMs } = won;
  const { log, terminal, configuration } = parts;
  let lost: CountermandError | null = null;
  try {
    const objection = () => tenure.objection();
    const leading = { epoch, leaseMs: configuration.leaderLeaseMs, objection };
    const before = won.before && { address: won.before.conductor?.address ?? null, resigned: won.before.endedCleanly };
    const elected = { leader: { ...conductor, epoch }, before };
    const mandate = { database, leading, restMs: () => tenure.restMs(), embeddedMayActMs: mayActMs, elected };
    await seal(database);
    log.info({ epoch }, 'the conductor leads');
    const term = await startTerm(mandate, parts);
    const stopped = new Promise<null>((resolve) => onAbort(terminal.signal, () => resolve(null)));
    const ended = Promise.race([stopped, database.lost]);
    try {
      await Promise.race([term.attached, ended]);
      sayWhere(ports, `data in ${where}`, parts);
      lost = await ended;
    } finally {
      await (lost === null
        ? term.end({ error: await shutDownBefore(conductor, database, terminal), grpc: null, http: null })
        : term.drop({ error: lost, grpc: null, http: null }));
    }
  } catch (error) {
    // A term cannot begin without its database either.
    lost = tenure.objection() ?? (passesBy(error) ? error : null);
    if (lost === null) throw error;
  } finally {
    if (terminal.signal.aborted) parts.ending.at('the database');
    await database.close();
  }
  return lost;
}

/** The others are looked up no longer than this when the process is to stop. */
const OTHERS_LIMIT_MS = 1000;
/** How much of them is told at most. */
const TOLD_LIMIT = 255;

/** Why calls end when the process stops, with the conductors that can be called instead: the one that was seen last is the first. */
async function shutDownBefore(
  { uuid }: ConductorName,
  { read }: Database,
  { clock }: Terminal,
): Promise<CountermandError> {
  const limit = { clock, afterMs: OTHERS_LIMIT_MS, what: 'the look for other conductors' };
  const cancellation = openCancellation([], limit);
  try {
    const { conductors } = await untilAborted(readConductors(read), cancellation.signal);
    const others = conductors
      .filter((other) => other.uuid !== uuid)
      .toSorted((one, two) => two.lastSeen - one.lastSeen);
    const told = others
      .map(({ address }) => address)
      .filter((_, at, all) => all.slice(0, at + 1).join().length <= TOLD_LIMIT);
    return told.length === 0
      ? SHUT_DOWN
      : failWith(SHUT_DOWN.code, SHUT_DOWN.message, { facts: { conductors: told.join() } });
  } catch {
    return SHUT_DOWN;
  } finally {
    cancellation.end();
  }
}

/** What the others call this conductor. */
function nameOf(ports: Ports, { configuration, terminal }: Parts): ConductorName {
  const address = configuration.advertise ?? reachable(ports.grpc);
  const host = address.replace(/:\d+$/, '');
  const httpAddress = ports.http === null ? null : `${host}:${/\d+$/.exec(ports.http)?.[0]}`;
  return { uuid: terminal.chance.uuid(), address, httpAddress };
}

/** A wildcard is no address that others could dial. */
const reachable = (address: string): string => address.replace(/^(0\.0\.0\.0|\[::\]):/, `${hostname()}:`);

/** While this conductor stands by, its front says what is known of the one that leads. */
function listenerOf(ports: Ports, self: ConductorName, parts: Parts): StandByListener {
  const { front, log } = parts;
  let known: ConductorName | null = null;
  let said = '';
  /** True if what is passed on to the one that leads would come back: two hosts advertise, for example, the loopback address. */
  const isTwin = (): boolean => known?.address === self.address;
  /** @param why for the log; @param notHere why a call that has come here is not served */
  const standBy = (why: string, notHere: string, problem: CountermandError | null): void => {
    const elsewhere = front.elsewhere();
    const where = known === null ? 'no other leads' : `${known.address} leads`;
    // What is known already is not told again; but one that has just led has told something else.
    if (said === where + why && elsewhere?.error.code === 'NOT_LEADING') return;
    said = where + why;
    log[problem || isTwin() ? 'warn' : 'info'](
      { leader: known?.address ?? null, reason: why },
      'the conductor stands by',
    );
    if (known !== null) parts.terminal.stdout.write(`countermand: conductor on ${ports.grpc} stands by; ${where}\n`);
    const sentence = `the conductor at ${self.address} stands by: ${notHere}; nothing was done; try again`;
    const error = fail('NOT_LEADING', sentence, problem ?? undefined);
    const leader = isTwin() ? null : known;
    front.standBy({ error, grpc: leader?.address ?? null, http: leader?.httpAddress ?? null });
    parts.terminal.started();
  };
  return {
    seen(leader, problem) {
      // While the database cannot be asked, whoever led last may lead still.
      if (problem === null) known = leader?.uuid === self.uuid ? null : leader;
      const [why, where] = problem ? [problem.message, problem.message] : whereIs(known, isTwin());
      standBy(why, where, problem);
    },
    ended(leader) {
      known = null;
      log.warn({ leader: leader?.address ?? null }, 'the session of a leader that did nothing was ended');
    },
  };
}

/** Who leads, for the log, and why a call that has come here is not served. */
function whereIs(leader: ConductorName | null, isTwin: boolean): readonly [why: string, notHere: string] {
  if (leader === null) return ['no other leads now', 'no other leads now'];
  const twin = `another one leads that advertises the same address, ${leader.address}, so that nothing can be passed on to it; give each its own (advertise)`;
  if (isTwin) return [twin, twin];
  return ['another one leads', `the one at ${leader.address} leads, and this call was not passed on to it`];
}
