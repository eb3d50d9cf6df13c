import type { Knex } from 'knex';

/** What is known of a driver is kept for each agent that says it. What was known before stands under no agent. */
export async function up(knex: Knex): Promise<void> {
  const rows: Record<string, unknown>[] = await knex('drivers');
  await knex.schema.dropTable('drivers');
  await knex.schema.createTable('drivers', (table) => {
    table.string('agent_uuid', 255).notNullable();
    table.string('zone', 255).notNullable();
    table.string('name', 255).notNullable();
    table.text('info_schema').notNullable();
    table.text('secret_keys').notNullable();
    table.text('targets').notNullable();
    table.text('recalls').notNullable();
    table.integer('soft_reboot_in_one_command').notNullable();
    table.bigInteger('since').notNullable();
    table.primary(['name', 'zone', 'agent_uuid']);
    table.index('agent_uuid');
  });
  for (const { updated_at: since, ...row } of rows)
    await knex('drivers').insert({ ...row, agent_uuid: '', since, secret_keys: secretKeys(String(row.info_schema)) });
}

function secretKeys(infoSchema: string): string {
  const properties: Record<string, { writeOnly?: boolean }> = JSON.parse(infoSchema).properties ?? {};
  return JSON.stringify(Object.keys(properties).filter((key) => properties[key]?.writeOnly === true));
}
