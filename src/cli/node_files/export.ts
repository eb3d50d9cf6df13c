/** Nodes as a file that can be read again. */
import { MASK } from '../../core/masking.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import { yamlOf } from '../shared/yaml_text.ts';
import { csvOf } from './csv.ts';
import type { Format } from './read.ts';

/** What a file says of a node. */
function recordOf({ name, uuid, driver, driverInfo, zone, labels, maintenance, maintenanceReason }: Node) {
  const shown = Object.entries(driverInfo).filter(([, value]) => value !== MASK);
  return {
    name,
    uuid,
    driver,
    driver_info: Object.fromEntries(shown.sort(byKey)),
    zone,
    ...(Object.keys(labels).length > 0 && { labels: Object.fromEntries(Object.entries(labels).sort(byKey)) }),
    ...(maintenance && { maintenance }),
    ...(maintenanceReason !== '' && { maintenance_reason: maintenanceReason }),
  };
}

const byKey = ([one]: readonly [string, string], [other]: readonly [string, string]): number => (one < other ? -1 : 1);

/** The file. `lines` is one JSON object on each line. */
export function exportText(nodes: readonly Node[], format: Format | 'lines'): string {
  const records = nodes.map(recordOf);
  if (format === 'csv') return tableOf(records);
  if (format === 'json') return JSON.stringify(records, null, 2);
  return format === 'lines' ? records.map((record) => JSON.stringify(record)).join('\n') : yamlOf(records);
}

function tableOf(records: readonly ReturnType<typeof recordOf>[]): string {
  const flat = records.map(({ driver_info: info, labels = {}, maintenance, ...record }) => ({
    ...record,
    ...(maintenance && { maintenance: 'true' }),
    ...prefixed('driver_info', info),
    ...prefixed('labels', labels),
  }));
  const first = ['name', 'uuid', 'driver', 'zone'];
  const others = [...new Set(flat.flatMap((record) => Object.keys(record)))].filter((key) => !first.includes(key));
  const columns = [...first, ...others.sort()];
  const rows = flat.map((record) =>
    columns.map((column) => (record as Readonly<Record<string, string>>)[column] ?? ''),
  );
  return csvOf([columns, ...rows]);
}

const prefixed = (prefix: string, pairs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).map(([key, value]) => [`${prefix}.${key}`, value]));

/** The secrets that are left out, and of how many nodes: `ipmi_password (12)`; empty if there are none. */
export function hiddenKeys(nodes: readonly Node[]): string {
  return keysWith(
    MASK,
    nodes.map(({ driverInfo }) => driverInfo),
  );
}

/** The labels without a value, of which a table has none, and of how many nodes; empty if there are none. */
export function emptyLabels(nodes: readonly Node[]): string {
  return keysWith(
    '',
    nodes.map(({ labels }) => labels),
  );
}

function keysWith(value: string, pairs: readonly Readonly<Record<string, string>>[]): string {
  const keys = pairs.flatMap((one) => Object.keys(one).filter((key) => one[key] === value));
  return [...Map.groupBy(keys, (key) => key)].map(([key, all]) => `${key} (${all.length})`).join(', ');
}
