import type { Knex } from 'knex';
import { up as nodesAndPowerTasks } from './0001_nodes_and_power_tasks.ts';
import { up as actionPlans } from './0002_action_plans.ts';
import { up as rollback } from './0003_rollback.ts';
import { up as clusterModel } from './0004_cluster_model.ts';
import { up as audits } from './0005_audits.ts';
import { up as checksWithoutLists } from './0006_checks_without_lists.ts';
import { up as actionUuid } from './0007_action_uuid.ts';
import { up as databaseOwner } from './0008_database_owner.ts';
import { up as problems } from './0009_problems.ts';
import { up as driversPerAgent } from './0010_drivers_per_agent.ts';
import { up as databaseId } from './0011_database_id.ts';
import { up as bmcIdentity } from './0012_bmc_identity.ts';
import { up as nodeTraits } from './0013_node_traits.ts';
import { up as auditsAboutEveryNode } from './0014_audits_about_every_node.ts';
import { up as orderedBy } from './0015_ordered_by.ts';
import { up as planReason } from './0016_plan_reason.ts';
import { up as auditTemplates } from './0017_audit_templates.ts';
import { up as tokens } from './0018_tokens.ts';
import { up as tokenRoles } from './0019_token_roles.ts';
import { up as conductors } from './0020_conductors.ts';
import { up as sealingKey } from './0021_sealing_key.ts';
import { up as trail } from './0022_trail.ts';
import { up as createdBy } from './0023_created_by.ts';
import { up as agentIdentity } from './0024_agent_identity.ts';
import { up as freezes } from './0025_freezes.ts';
import { up as startedBy } from './0026_started_by.ts';
import { up as backedUpAt } from './0027_backed_up_at.ts';
import { up as approvals } from './0028_approvals.ts';
import { up as sinks } from './0029_sinks.ts';
import { up as retention } from './0030_retention.ts';
import { up as actors } from './0031_actors.ts';
import { up as reportedMessages } from './0032_reported_messages.ts';
import { up as trailOnBehalf } from './0033_trail_on_behalf.ts';
import { up as traces } from './0034_traces.ts';
import { up as computeServices } from './0035_compute_services.ts';
import { up as predecessorsEnded } from './0036_predecessors_ended.ts';
import { up as nodesOfAZone } from './0037_nodes_of_a_zone.ts';
import { up as nodesWithProblem } from './0038_nodes_with_problem.ts';
import { up as leaderLease } from './0039_leader_lease.ts';
import { up as agentLease } from './0040_agent_lease.ts';

/** One step of the schema. There is no way back: a backup is. */
export interface Migration {
  readonly name: string;
  up(knex: Knex): Promise<void>;
}

/** Every migration, in order. New ones are added below; those above are never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '0001_nodes_and_power_tasks', up: nodesAndPowerTasks },
  { name: '0002_action_plans', up: actionPlans },
  { name: '0003_rollback', up: rollback },
  { name: '0004_cluster_model', up: clusterModel },
  { name: '0005_audits', up: audits },
  { name: '0006_checks_without_lists', up: checksWithoutLists },
  { name: '0007_action_uuid', up: actionUuid },
  { name: '0008_database_owner', up: databaseOwner },
  { name: '0009_problems', up: problems },
  { name: '0010_drivers_per_agent', up: driversPerAgent },
  { name: '0011_database_id', up: databaseId },
  { name: '0012_bmc_identity', up: bmcIdentity },
  { name: '0013_node_traits', up: nodeTraits },
  { name: '0014_audits_about_every_node', up: auditsAboutEveryNode },
  { name: '0015_ordered_by', up: orderedBy },
  { name: '0016_plan_reason', up: planReason },
  { name: '0017_audit_templates', up: auditTemplates },
  { name: '0018_tokens', up: tokens },
  { name: '0019_token_roles', up: tokenRoles },
  { name: '0020_conductors', up: conductors },
  { name: '0021_sealing_key', up: sealingKey },
  { name: '0022_trail', up: trail },
  { name: '0023_created_by', up: createdBy },
  { name: '0024_agent_identity', up: agentIdentity },
  { name: '0025_freezes', up: freezes },
  { name: '0026_started_by', up: startedBy },
  { name: '0027_backed_up_at', up: backedUpAt },
  { name: '0028_approvals', up: approvals },
  { name: '0029_sinks', up: sinks },
  { name: '0030_retention', up: retention },
  { name: '0031_actors', up: actors },
  { name: '0032_reported_messages', up: reportedMessages },
  { name: '0033_trail_on_behalf', up: trailOnBehalf },
  { name: '0034_traces', up: traces },
  { name: '0035_compute_services', up: computeServices },
  { name: '0036_predecessors_ended', up: predecessorsEnded },
  { name: '0037_nodes_of_a_zone', up: nodesOfAZone },
  { name: '0038_nodes_with_problem', up: nodesWithProblem },
  { name: '0039_leader_lease', up: leaderLease },
  { name: '0040_agent_lease', up: agentLease },
];
