/** What must be true of the audits of a simulated world, after every step. */
import type { AuditRow } from '../../src/server/store/plan_rows.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';
import type { PlanRows } from './plan_invariants.ts';

/** Checks every audit against its plans. `created` are those that an answer has promised. */
export function checkAudits({ audits, plans }: PlanRows, created: ReadonlySet<string>, world: World): void {
  const known = new Set(audits.map(({ uuid }) => uuid));
  for (const uuid of created) insist(known.has(uuid), `audit ${uuid} was created, and that is lost`);
  const byAudit = Map.groupBy(plans, ({ auditUuid }) => auditUuid);
  for (const audit of audits) {
    const { name, state, requestId, autoTrigger } = audit;
    const made = byAudit.get(audit.uuid) ?? [];
    insist(state !== 'PENDING', `audit ${name} is seen PENDING`);
    insist(requestId !== null || made.length === 1, `audit ${name} came with ${made.length} plans`);
    const unstarted = made.filter((plan) => plan.state === 'RECOMMENDED').length;
    insist(unstarted <= 1, `${unstarted} plans of audit ${name} wait to be started`);
    const queued = made.filter((plan) => plan.state === 'PENDING').length;
    insist(!autoTrigger || unstarted + queued <= 1, `${unstarted + queued} plans of audit ${name} wait`);
    checkTime(audit, world);
  }
}

/** One that runs again is never overdue when nothing is left that goes on by itself, and never further off than its interval. */
function checkTime({ name, state, auditType, intervalMs, nextRunAt }: AuditRow, world: World): void {
  const { clock, conductorSince } = world;
  insist((auditType === 'CONTINUOUS') === (nextRunAt !== null), `audit ${name} (${auditType}) runs at ${nextRunAt}`);
  // What a failing disk has interrupted is tried again soon.
  if (state !== 'ONGOING' || nextRunAt === null || world.conductorProcess.recovers) return;
  const { forwardMs, backMs } = clock.set;
  const leftMs = nextRunAt - clock.now();
  // A conductor that has started this very moment runs it with the next turn of the clock.
  insist(leftMs > -forwardMs || conductorSince >= clock.now(), `audit ${name} is overdue for ${-leftMs} ms`);
  insist(leftMs <= (intervalMs ?? 0) + backMs, `audit ${name} runs in ${leftMs} ms, its interval is ${intervalMs} ms`);
}
