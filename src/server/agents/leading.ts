/** By what a conductor leads its agents: the times that they agree on, and the right to lead. */
import type { CountermandError } from '../../core/errors.ts';
import type { Welcome } from '../../gen/countermand/v1/agent.ts';

/** Times that the conductor and its agents agree on. */
export interface LeaseTimes {
  readonly agentLeaseMs: number;
  /** How long an answer to a question may take. */
  readonly askTimeoutMs: number;
}

/** What a conductor leads by, where it is not the only one. */
export interface Leading {
  /** One more at each election; 0 where there is one conductor only. */
  readonly epoch: number;
  /** How long it leads without an answer of its database. Null: it is not the only one that may take its place. */
  readonly leaseMs: number | null;
  /** Why it leads no more; null while it leads. */
  readonly objection: () => CountermandError | null;
}

/** The only conductor of a database. */
export const ALONE: Leading = { epoch: 0, leaseMs: null, objection: () => null };

/** What an agent is told when it is welcomed. It looks for another conductor as early as another one may lead. */
export function welcomeOf(conductorUuid: string, { agentLeaseMs }: LeaseTimes, { epoch, leaseMs }: Leading): Welcome {
  const silenceLimitMs = Math.min(agentLeaseMs, leaseMs ?? agentLeaseMs);
  return { conductorUuid, agentLeaseMs, heartbeatIntervalMs: Math.round(silenceLimitMs / 3), epoch, silenceLimitMs };
}
