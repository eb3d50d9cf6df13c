/** Which agents can serve a node, and which of them does. */
import type { Hello } from '../../gen/countermand/v1/agent.ts';
import type { NodeRow } from '../store/rows.ts';

/** True if the agent reaches the node's zone and has its driver. */
export function serves({ hello }: { readonly hello: Hello }, node: Pick<NodeRow, 'zone' | 'driver'>): boolean {
  return hello.zones.includes(node.zone) && hello.drivers.some(({ name }) => name === node.driver);
}

/** A place in a list of `length`, the same for the same uuid: spreads nodes over the agents of a zone. */
export function spread(uuid: string, length: number): number {
  return length === 0 ? 0 : Number.parseInt(uuid.slice(0, 8), 16) % length;
}
