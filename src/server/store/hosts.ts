/** The nodes that are hosts of a compute service, as their labels say. */
import type { Knex } from 'knex';
import { type NodeRow, nodeCodec } from './rows.ts';

/** What is looked at of such a node. */
export type HostNode = Pick<NodeRow, 'uuid' | 'name' | 'labels' | 'goodPowerState' | 'targetPowerState'>;

/** The nodes that have a label with this value, in the order of their names. */
export async function nodesWithLabel(label: string, value: string, sql: Knex): Promise<HostNode[]> {
  // The labels are a text of JSON. What means something to LIKE may be any character here: each row is looked at afterwards.
  const pattern = `%${JSON.stringify(value).replace(/[\\%_]/g, '_')}%`;
  const rows = await sql('nodes')
    .where('labels', 'like', pattern)
    .orderBy('name')
    .select('uuid', 'name', 'labels', 'good_power_state', 'target_power_state');
  const nodes: HostNode[] = rows.map((row) => nodeCodec.decode(row));
  return nodes.filter(({ labels }) => labels[label] === value);
}
