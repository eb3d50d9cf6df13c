import type { Knex } from 'knex';

/**
 * Which server a node is, beyond its address: the GUID that it is known by, the one that answered and was not accepted, where its
 * BMC really is, and the node that is reached through the same BMC. A power task keeps which server it was ordered for.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('nodes', (table) => {
    table.string('bmc_guid', 63).index();
    table.integer('guid_shared').notNullable().defaultTo(0);
    table.string('other_guid', 63);
    table.string('bmc_place', 511).notNullable().defaultTo('').index();
    table.string('same_bmc_as', 36).index();
  });
  await knex.schema.alterTable('power_tasks', (table) => {
    table.string('bmc_key', 511);
    table.string('bmc_guid', 63);
  });
  await respellKeys(knex);
}

interface KeyOfNode {
  readonly uuid: string;
  readonly name: string;
  readonly bmc_key: string;
  readonly updated_at: number;
}

/** IPv4 addresses that are written as IPv6 are IPv4 from now on. Where another node has that key, both are told. */
async function respellKeys(knex: Knex): Promise<void> {
  const nodes: KeyOfNode[] = await knex('nodes')
    .where('bmc_key', 'like', '%://[::ffff:%')
    .select('uuid', 'name', 'bmc_key', 'updated_at');
  for (const node of nodes) {
    const key = respelled(node.bmc_key);
    if (key === node.bmc_key) continue;
    const twin: KeyOfNode | undefined = await knex('nodes')
      .where('bmc_key', key)
      .first('uuid', 'name', 'bmc_key', 'updated_at');
    if (twin === undefined) await knex('nodes').where('uuid', node.uuid).update('bmc_key', key);
    else await tellBoth(node, twin, key, knex);
  }
}

/** `ipmi://[::ffff:7f00:1]:623` → `ipmi://127.0.0.1:623` */
function respelled(key: string): string {
  return key.replace(/:\/\/\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]/, (_, high: string, low: string) => {
    const bytes = Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex');
    return `://${[...bytes].join('.')}`;
  });
}

async function tellBoth(node: KeyOfNode, twin: KeyOfNode, key: string, knex: Knex): Promise<void> {
  const pairs = [
    [node, twin],
    [twin, node],
  ] as const;
  for (const [one, other] of pairs) {
    const message = `node ${other.name} is reached through the same BMC (${key}); delete one of the two, or change its address`;
    const problem = JSON.stringify({ code: 'BMC_TAKEN', message, since: one.updated_at });
    await knex('nodes').where('uuid', one.uuid).update({ same_bmc_as: other.uuid, problem });
  }
}
