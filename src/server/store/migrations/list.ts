import type { Knex } from 'knex';
import { up as nodesAndPowerTasks } from './0001_nodes_and_power_tasks.ts';
import { up as actionPlans } from './0002_action_plans.ts';

/** One step of the schema. There is no way back: a backup is. */
export interface Migration {
  readonly name: string;
  up(knex: Knex): Promise<void>;
}

/** Every migration, in order. New ones are added below; those above are never edited. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '0001_nodes_and_power_tasks', up: nodesAndPowerTasks },
  { name: '0002_action_plans', up: actionPlans },
];
