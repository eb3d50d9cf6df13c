/** Whether a conductor can do what it is there for, as probes ask: they have no credentials, so no names are told. */
import { fail } from '../../core/errors.ts';
import type { Conductor } from '../conductor.ts';
import { zonesWithNodes } from '../store/census.ts';

/** What a conductor that is ready says. */
export interface Readiness {
  /** How many zones have nodes. */
  readonly zones: number;
  /** In how many of them no agent is attached, so that their nodes can be neither read nor ordered. */
  readonly zonesWithoutAgent: number;
}

/** Probes that come within this time are told the same: whoever reaches the port may ask. */
const TOLD_FOR_MS = 1000;

/**
 * How ready a conductor that leads and can write is.
 * @returns a question that throws AGENT_NOT_ATTACHED if there are nodes, and no agent for any of them
 */
export function openReadiness({ store, attachments }: Conductor): () => Promise<Readiness> {
  const { clock, database } = store;
  let told: { readonly at: number; readonly readiness: Promise<Readiness> } | null = null;
  const look = async (): Promise<Readiness> => {
    const zones = await zonesWithNodes(database.read);
    const served = new Set(attachments.list().flatMap(({ hello }) => hello.zones));
    const without = zones.filter((zone) => !served.has(zone)).length;
    if (without > 0 && without === zones.length)
      throw fail('AGENT_NOT_ATTACHED', `no agent is attached for any of the ${without} zones that have nodes`);
    return { zones: zones.length, zonesWithoutAgent: without };
  };
  return () => {
    const now = clock.monotonic();
    if (told === null || now - told.at >= TOLD_FOR_MS) told = { at: now, readiness: look() };
    return told.readiness;
  };
}
