/** One term: a conductor with all that it has in memory, from the moment that it may write the database until it may not. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Attach } from '../../agent/agent.ts';
import type { Clouds } from '../../compute/compute.ts';
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { openCancellation } from '../../core/signals.ts';
import type { Traces } from '../../core/tracing.ts';
import type { Access } from '../../server/access/access.ts';
import type { Identify } from '../../server/access/identity.ts';
import type { Leading } from '../../server/agents/leading.ts';
import type { Front } from '../../server/api/front.ts';
import { createServices, type Elsewhere } from '../../server/api/services.ts';
import type { WatchedCloud } from '../../server/clouds/watched.ts';
import { type Conductor, openStore, startConductor } from '../../server/conductor.ts';
import { announceElected, announceResigned, type Leader, type LedBefore } from '../../server/events/leadership.ts';
import type { LogLevel } from '../../server/log.ts';
import { countChanges } from '../../server/metrics/changes.ts';
import { timed } from '../../server/metrics/database.ts';
import type { MetricRegistry } from '../../server/metrics/registry.ts';
import type { Retention, RetentionRules } from '../../server/retention.ts';
import type { SinkMakers } from '../../server/sinks/sinks.ts';
import type { Database } from '../../server/store/database.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import type { Ending } from './ending.ts';
import type { Ports } from './ports.ts';
import { type AgentFiles, runAgentHere } from './run_agent.ts';

/** Why calls are refused, and streams end, when the process stops. */
export const SHUT_DOWN = fail(
  'SHUTTING_DOWN',
  'the conductor is shutting down; its work is carried on after the next start',
);

/** The right to write a database. */
interface Mandate {
  readonly database: Database;
  /** By what this process leads, where others may take its place. */
  readonly leading: Leading;
  /** For how long it certainly leads, in milliseconds. */
  readonly restMs: () => number;
  /** For how long agents inside the conductors before may still act, in milliseconds. */
  readonly embeddedMayActMs: number;
  /** Who was elected, and who led before; null where there can be one only. */
  readonly elected: { readonly leader: Leader; readonly before: LedBefore | null } | null;
}

/** What every term of a process has. */
export interface TermParts {
  readonly configuration: Omit<Configuration, 'tls'>;
  /** Who calls, by the tokens of a conductor among others; undefined if every caller is anonymous. */
  readonly identifyBy: ((tokens: Conductor['tokens']) => Identify) | undefined;
  /** What callers may do. */
  readonly access: Access;
  /** The compute services that plans may speak to. */
  readonly clouds: Clouds;
  /** How they are followed. */
  readonly watched: readonly WatchedCloud[];
  /** What the agent inside has read; null: there is none. */
  readonly agentFiles: AgentFiles | null;
  readonly front: Front;
  /** What sinks are made with. */
  readonly sinks: SinkMakers;
  /** What the process counts. */
  readonly registry: MetricRegistry;
  /** How long what is stored is kept, as it is now. */
  readonly retention: () => Retention;
  readonly log: Logger;
  readonly logLevel: LogLevel;
  readonly terminal: Terminal;
  /** Where spans go. */
  readonly traces: Traces;
  readonly ending: Ending;
}

/** A conductor that leads. */
interface Term {
  /** Resolves when the agent inside has attached for the first time; at once if there is none. */
  readonly attached: Promise<void>;
  /** Ends the term in order: the agent inside leaves, then all stops. */
  end(elsewhere: Elsewhere): Promise<void>;
  /** Ends the term at once: nothing that it says counts any more. Resolves when nothing of it is left. */
  drop(elsewhere: Elsewhere): Promise<void>;
}

/** Starts a term: what was under way is taken up, and the front serves it. A start that fails leaves nothing behind. */
export async function startTerm(mandate: Mandate, parts: TermParts): Promise<Term> {
  const { configuration, identifyBy, access, clouds, agentFiles, front, registry, sinks, log, logLevel, terminal } =
    parts;
  const { leading, embeddedMayActMs, elected } = mandate;
  const { clock, chance } = terminal;
  const database = timed(mandate.database, registry, clock);
  const publisherId = `countermand-conductor.${hostname()}`;
  const store = openStore({ database, clock, chance, publisherId, traces: parts.traces });
  if (elected) await announceElected(elected.leader, elected.before, store);
  const { agentLeaseMs, secondAgent } = configuration;
  const retention: RetentionRules = {
    keep: parts.retention,
    deleted: (kind, count) => registry.add('countermand_rows_deleted_total', { kind }, count),
  };
  const limited = { limits: configuration, retention, access, agentLeaseMs, secondAgent };
  const rules = { ...limited, leading, embeddedMayActMs, sinks, watched: parts.watched };
  const conductor = await startConductor({ ...rules, store, clouds, log, logLevel });
  void countChanges(database, registry, conductor.shutdown);
  registry.set('countermand_epoch', [[{}, leading.epoch]]);
  const services = createServices(
    conductor,
    identifyBy?.(conductor.tokens),
    access,
    registry,
    configuration.identityLimits,
  );
  const agent = agentFiles && startEmbeddedAgent(conductor, mandate, agentFiles, parts);
  const serve = (): void => {
    front.lead({ conductor, services, objection: leading.objection });
    const { powerTasks, plans } = conductor.takenUp;
    log.info(
      { power_tasks: powerTasks, plans, callers: whatCallersMay(parts) },
      'the conductor serves, and has taken up what was under way',
    );
  };
  const serving = onceReady(agent?.attached ?? null, serve, clock);
  return {
    attached: agent?.attached.then(serving.now) ?? Promise.resolve(),
    async end(elsewhere) {
      serving.never();
      // The agent leaves first, so that the conductor can still hear its farewell.
      parts.ending.at('the agent inside');
      await agent?.stop(fail('SHUTTING_DOWN', 'the conductor stops'));
      front.standBy(elsewhere);
      parts.ending.at('the work of the conductor');
      await conductor.stop(elsewhere.error);
      // What is not told any more because the database does not answer harms nothing.
      if (elected) await announceResigned(elected.leader, elsewhere.error.message, store).catch(() => {});
    },
    async drop(elsewhere) {
      serving.never();
      front.standBy(elsewhere);
      await Promise.all([conductor.stop(elsewhere.error), agent?.stop(elsewhere.error)]);
    },
  };
}

/** A term does not wait longer for the agent inside before it serves calls. Attaching takes it some milliseconds. */
const ATTACH_LIMIT_MS = 2000;

/**
 * Calls `serve` once: as soon as the agent inside has attached, as an order before that would be refused for its absence, or at once if there is
 * none.
 */
function onceReady(attached: Promise<void> | null, serve: () => void, clock: Clock) {
  let isDecided = false;
  const decide = (what: () => void) => (): void => {
    if (isDecided) return;
    isDecided = true;
    timer?.cancel();
    what();
  };
  const now = decide(serve);
  const timer = attached === null ? null : clock.after(ATTACH_LIMIT_MS, now);
  if (attached === null) now();
  else void attached.then(now);
  return { now, never: decide(() => {}) };
}

/** For the log: what whoever reaches the conductor may do. */
function whatCallersMay({ identifyBy, access }: TermParts): string {
  if (!identifyBy) return 'anonymous, and may do everything';
  return access.hasFile ? 'may do what the file of roles says' : 'may do everything: there is no file of roles';
}

/** Says where the conductor is: for people and for whoever has started it. */
export function sayWhere(
  { grpc, http }: Pick<Ports, 'grpc' | 'http'>,
  what: string,
  { log, terminal }: TermParts,
): void {
  log.info({ listen: grpc }, 'the conductor can be called');
  if (http) terminal.stdout.write(`countermand: HTTP on ${http}\n`);
  terminal.stdout.write(`countermand: conductor on ${grpc}, ${what}\n`);
  terminal.started();
}

/** The agent inside `serve` attaches as any other, but without a network in between. */
function startEmbeddedAgent(
  { attachments }: Conductor,
  { restMs: leadsForMs }: Mandate,
  files: AgentFiles,
  { configuration, log, terminal, traces }: TermParts,
) {
  const attach: Attach = (outgoing, signal) => attachments.attach(outgoing, signal, { embedded: true, identity: null });
  const cancellation = openCancellation([]);
  let done = Promise.resolve();
  const attached = new Promise<void>((resolve) => {
    const inside = { attach, embedded: true, leadsForMs, attached: resolve, traces };
    done = runAgentHere(inside, configuration, files, log, terminal, cancellation.signal);
  });
  return {
    attached,
    async stop(reason: CountermandError): Promise<void> {
      cancellation.abort(reason);
      await done;
    },
  };
}
