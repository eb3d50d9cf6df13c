import type { Knex } from 'knex';

const TABLES = ['nodes', 'power_tasks', 'events', 'audits', 'action_plans', 'actions'];

/**
 * That a column has one of a few values is checked by comparisons instead of a list. SQLite fills a table with such a list each
 * time that it writes a row, and that was half of what it took to move a power task. All else stays as it is.
 */
export async function up(knex: Knex): Promise<void> {
  for (const table of TABLES) await rebuild(table, knex);
}

/** SQLite cannot change a check: the table is made anew, its rows are copied, its indexes follow. */
async function rebuild(table: string, knex: Knex): Promise<void> {
  const old = `${table}_with_lists`;
  const parts: { type: string; sql: string }[] = await knex('sqlite_master')
    .where('tbl_name', table)
    .whereNotNull('sql')
    .orderByRaw("type = 'table' desc")
    .select('type', 'sql');
  const [newTable, ...indexes] = parts.map(({ sql }) => withoutLists(sql));
  await knex.schema.renameTable(table, old);
  await knex.raw(newTable ?? '');
  await knex.raw('insert into ?? select * from ??', [table, old]);
  await countOn(table, old, knex);
  await knex.schema.dropTable(old);
  for (const index of indexes) await knex.raw(index);
}

/** Numbers that were given once are not given again, also if their rows are gone. */
async function countOn(table: string, old: string, knex: Knex): Promise<void> {
  const [counted] = await knex('sqlite_sequence').where('name', old).select('seq');
  if (counted === undefined) return;
  await knex('sqlite_sequence').where('name', table).delete();
  await knex('sqlite_sequence').insert({ name: table, seq: counted.seq });
}

/** `state` in ('A', 'B') → (`state` = 'A' or `state` = 'B') */
function withoutLists(sql: string): string {
  return sql.replace(/(`?\w+`?) in \(('[^)]*')\)/g, (_, column: string, list: string) => {
    const comparisons = list.split(/,\s*/).map((value) => `${column} = ${value}`);
    return `(${comparisons.join(' or ')})`;
  });
}
