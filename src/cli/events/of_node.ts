/** The events of a node, also of one that was deleted: it has left them, under its name and its uuid. */
import { asCountermandError, failWith } from '../../core/errors.ts';
import type { Event } from '../../gen/countermand/v1/notification.ts';
import { type Call, present } from '../shared/asking.ts';
import { isOfNode, type Wanted } from './payload.ts';
import { printEvents, type WantedEvents } from './printing.ts';

/**
 * Prints the events of a node, of those that are wanted. Resolves with how many it printed.
 * @throws NODE_NOT_FOUND for a node that does not exist, if no event tells of it, or with --follow
 */
export async function printEventsOfNode(name: string, wanted: WantedEvents, call: Call): Promise<number> {
  const { node, exists } = await findNode(name, call);
  if (!exists && wanted.follow)
    throw missing(name, 'to follow; without --follow, the events of a deleted node are printed');
  const isWanted = (event: Event): boolean => isOfNode(event, node) && (wanted.isWanted?.(event) ?? true);
  const count = await printEvents({ ...wanted, isWanted }, call);
  if (!exists && count === 0) throw missing(name, 'now, and none of the events tells of one');
  return count;
}

const missing = (name: string, why: string): Error =>
  failWith('NODE_NOT_FOUND', `there is no node '${name}' ${why}`, { resource: { type: 'node', name } });

async function findNode(name: string, { conductor }: Call): Promise<{ node: Wanted; exists: boolean }> {
  try {
    return { node: present((await conductor.nodes.getNode({ node: name })).node, 'a node'), exists: true };
  } catch (thrown) {
    if (asCountermandError(thrown).code !== 'NODE_NOT_FOUND') throw thrown;
    return { node: { uuid: name, name }, exists: false };
  }
}
