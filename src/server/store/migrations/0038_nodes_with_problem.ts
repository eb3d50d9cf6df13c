import type { Knex } from 'knex';

/** The nodes that cannot be read are few, and are looked for in the order of names: without a look at those that can. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create index nodes_with_problem_index on nodes (name) where problem is not null');
}
