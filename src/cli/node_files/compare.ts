/** What a file would change: its nodes, beside those that are enrolled. */

import { MASK } from '../../core/masking.ts';
import type { Node, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import type { Notes, WantedNode } from './wanted.ts';

/** One difference between a file and what is enrolled. Values of secrets are not shown. */
export interface Difference {
  readonly field: string;
  readonly was: string;
  readonly is: string;
}

/** What becomes of one node of a file. */
export interface Step {
  readonly wanted: WantedNode;
  /** The node as it is enrolled; null if it is not. */
  readonly node: Node | null;
  /** None, of a node that is enrolled, if it stays as it is. */
  readonly differences: readonly Difference[];
  /** True if the file has secrets of the node that were not compared: those that are stored are not shown. */
  readonly hasSecrets: boolean;
}

/**
 * What becomes of each node of a file.
 * @param secrets secrets that are stored are set anew; else they are taken for the same
 */
export function compare(
  wanted: readonly WantedNode[],
  enrolled: readonly Node[],
  secrets: boolean,
  notes: Notes,
): Step[] {
  const byUuid = new Map(enrolled.map((node) => [node.uuid, node]));
  const byName = new Map(enrolled.map((node) => [node.name, node]));
  const placeOf = new Map<string, string>();
  return wanted.map((one) => {
    const node = byUuid.get(one.uuid) ?? byName.get(one.name) ?? null;
    if (node === null) return { wanted: one, node, differences: [], hasSecrets: false };
    // One entry may mean it by its uuid and another by its name: the second would give it the BMC of another server.
    const twin = placeOf.get(node.uuid);
    if (twin !== undefined)
      notes.fault(one.place, `it means the enrolled node '${node.name}' (${node.uuid}), as ${twin} does`);
    placeOf.set(node.uuid, one.place);
    if (one.uuid !== '' && one.uuid !== node.uuid)
      notes.fault(
        one.place,
        `node '${one.name}' is enrolled with the uuid ${node.uuid}, and the file says ${one.uuid}`,
      );
    if (one.driver !== node.driver)
      notes.fault(
        one.place,
        `node '${node.name}' has driver ${node.driver}, and the file says ${one.driver}; a driver cannot be changed: delete the node first`,
      );
    const hidden = Object.keys(one.driverInfo).filter((key) => isHidden(key, one, node));
    const differences = differencesOf(one, node, secrets ? hidden : []);
    return { wanted: one, node, differences, hasSecrets: hidden.length > 0 };
  });
}

/** True for a secret that is stored, and that the file has as it is. A reference to a secret is shown, and compared. */
const isHidden = (key: string, { driverInfo }: WantedNode, node: Node): boolean =>
  node.driverInfo[key] === MASK && !isReference(driverInfo[key] ?? '');

const isReference = (value: string): boolean => /^(?:file|env):/.test(value);

function differencesOf(wanted: WantedNode, node: Node, anew: readonly string[]): Difference[] {
  const { name, zone, driverInfo, labels, maintenance, maintenanceReason } = wanted;
  const plain: readonly (readonly [field: string, is: string | undefined, was: string | undefined])[] = [
    ['name', name, node.name],
    ['zone', zone, node.zone],
    ['maintenance', maintenance === undefined ? undefined : String(maintenance), String(node.maintenance)],
    ['maintenance_reason', maintenanceReason, node.maintenanceReason],
    ...Object.entries(labels).map(([key, value]) => [`labels.${key}`, value, node.labels[key]] as const),
  ];
  const infos = Object.entries(driverInfo).flatMap(([key, value]) => {
    const was = node.driverInfo[key];
    if (isHidden(key, wanted, node))
      return anew.includes(key) ? [{ field: `driver_info.${key}`, was: MASK, is: MASK }] : [];
    if (was === value) return [];
    // Where there was nothing, or a reference, the value may be a secret.
    const isShown = isReference(value) || (was !== undefined && !isReference(was));
    return [{ field: `driver_info.${key}`, was: was ?? '', is: isShown ? value : MASK }];
  });
  return [
    ...plain.flatMap(([field, is, was]) => (is === undefined || is === was ? [] : [{ field, was: was ?? '', is }])),
    ...infos,
  ];
}

/** The request that makes a node as the file wants it. Whatever changes its way to the BMC sends the secrets of the file too. */
export function updateOf({ wanted, node, differences }: Step): UpdateNodeRequest {
  const changes = (prefix: string): boolean => differences.some(({ field }) => field.startsWith(prefix));
  const { name, zone, driverInfo, labels, maintenance, maintenanceReason } = wanted;
  return {
    node: node?.uuid ?? '',
    name: changes('name') ? name : undefined,
    zone: changes('zone') ? zone : undefined,
    setDriverInfo: changes('driver_info.') || changes('zone') ? { ...driverInfo } : {},
    removeDriverInfo: [],
    setLabels: changes('labels.') ? { ...labels } : {},
    removeLabels: [],
    maintenance: changes('maintenance') ? maintenance : undefined,
    maintenanceReason: changes('maintenance') ? maintenanceReason : undefined,
    validateOnly: false,
  };
}

const shown = (value: string): string => (value === '' ? "''" : value);

/** What a node of a file would become, in a line; empty if it stays as it is. */
export function stepLine({ wanted, node, differences }: Step): string {
  const { name, driver, driverInfo } = wanted;
  if (node === null)
    return `${name}: would be enrolled, ${driver} at ${driverInfo[`${driver}_address`] ?? 'an address of its own'}`;
  const told = differences.map(({ field, was, is }) => {
    if (was === MASK && is === MASK) return `${field} set anew`;
    if (was === '') return is === MASK ? `${field} set` : `${field} set to ${shown(is)}`;
    return `${field} ${was} -> ${shown(is)}`;
  });
  return told.length === 0 ? '' : `${node.name}: would change: ${told.join(', ')}`;
}
