/** What several routes of nodes ask the services for. */
import type { Driver } from '../../gen/countermand/v1/conductor.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { type TargetsOf, targetWord } from './node_view.ts';

/**
 * A node by name or uuid. Ironic takes `n1.json` for `n1`, where no node is called so.
 * @throws NODE_NOT_FOUND
 */
export async function nodeNamed(ident: string, { nodes }: Clients): Promise<Node> {
  try {
    return nodeIn(await nodes.getNode({ node: ident }));
  } catch (error) {
    const short = /^(.+)\.json$/.exec(ident)?.[1];
    if (short === undefined) throw error;
    return nodeIn(await nodes.getNode({ node: short }).catch(() => Promise.reject(error)));
  }
}

/** The node of an answer. */
export function nodeIn({ node }: { readonly node?: Node | undefined }): Node {
  if (node === undefined) throw new Error('an answer without a node');
  return node;
}

/** The targets that drivers have, asked for once for a whole list. */
export async function targetsOfDrivers({ itself }: Clients): Promise<TargetsOf> {
  const { drivers } = await itself.listDrivers({});
  const words = ({ targets }: Driver) => targets.map(targetWord).filter((word) => word !== null);
  const targets = new Map(drivers.map((driver) => [driver.name, words(driver)]));
  return ({ driver }) => targets.get(driver) ?? [];
}
