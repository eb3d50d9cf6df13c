/** Pages recorded from real BMCs, which a pretended service can have instead of its own. */
import { readFile } from 'node:fs/promises';
import { HEALTHY_REDFISH, type OrderFault, type RedfishFaults } from './faults.ts';
import type { Page } from './page.ts';

/** The recordings, and how such a BMC answers a Reset. */
export const TREES = {
  'dell-idrac9-r750': 'already-there',
  'hpe-ilo5-trailing-slashes': 'message',
  'lenovo-xcc-sr670': 'none',
  'supermicro-sys821ge': 'none',
  'ami-megarac-dgx-h100': 'task-exception',
  'openbmc-stock-off': 'none',
  'openbmc-nvidia-gb200': 'none',
  'intel-s2600bpb': 'none',
  'cray-ex4252-four-nodes': 'none',
} as const satisfies Record<string, OrderFault>;
export type TreeName = keyof typeof TREES;

/** A recording. */
export interface Tree {
  /** The pages by their paths, without a slash at their ends. */
  readonly pages: ReadonlyMap<string, Page>;
  /** Its Systems, in the order in which they are listed. */
  readonly systems: readonly { readonly id: string; readonly hasReset: boolean }[];
  /** A BMC like it in good health. */
  readonly healthy: RedfishFaults;
}

const FOLDER = new URL('./trees', import.meta.url);

/** Reads a recording. */
export async function readTree(name: TreeName): Promise<Tree> {
  const text = await readFile(new URL(`${FOLDER.href}/${name}.json`), 'utf8');
  const pages = new Map<string, Page>(Object.entries(JSON.parse(text)));
  const members = (pages.get('/redfish/v1/Systems')?.Members ?? []) as { '@odata.id': string }[];
  const paths = members.map((member) => member['@odata.id'].replace(/\/$/, ''));
  const systems = paths.map((path) => ({
    id: path.split('/').at(-1) ?? '',
    hasReset: resetOf(pages.get(path)) !== null,
  }));
  const resetTypes = [...new Set(paths.flatMap((path) => resetTypesOf(pages, path)))];
  return { pages, systems, healthy: { ...HEALTHY_REDFISH, order: TREES[name], resetTypes } };
}

interface Reset {
  readonly 'ResetType@Redfish.AllowableValues'?: string[];
  readonly '@Redfish.ActionInfo'?: string;
}

function resetOf(page: Page | undefined): Reset | null {
  const actions = page?.Actions as Record<string, Reset> | undefined;
  return actions?.['#ComputerSystem.Reset'] ?? null;
}

function resetTypesOf(pages: Tree['pages'], path: string): string[] {
  const reset = resetOf(pages.get(path));
  const inLine = reset?.['ResetType@Redfish.AllowableValues'];
  if (inLine) return inLine;
  const info = pages.get(reset?.['@Redfish.ActionInfo']?.replace(/\/$/, '') ?? '');
  const parameters = (info?.Parameters ?? []) as { Name: string; AllowableValues?: string[] }[];
  return parameters.find(({ Name: parameter }) => parameter === 'ResetType')?.AllowableValues ?? [];
}
