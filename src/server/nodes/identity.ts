/**
 * Which server a node is: the BMC that it is reached through, and the GUID that answers there. A GUID that several BMCs bear proves
 * nothing, and of two nodes that are reached through one BMC one is wrong.
 */
import { isOtherGuid } from '../../core/guid.ts';
import type { Reading } from '../../core/power.ts';
import type { NodeRow } from '../store/rows.ts';

/** The part of a node's row that says which server it is. */
type Identity = Pick<NodeRow, 'bmcKey' | 'bmcGuid' | 'guidShared' | 'otherGuid'>;

/** The GUID by which a node's server is told from others; null if none is known that proves something. */
export function provingGuidOf({ bmcGuid, guidShared }: Pick<NodeRow, 'bmcGuid' | 'guidShared'>): string | null {
  return guidShared ? null : bmcGuid;
}

/** The GUID that answers behind a node's address, accepted or not; null if none is known that proves something. */
export function answeringGuidOf(node: Pick<NodeRow, 'bmcGuid' | 'guidShared' | 'otherGuid'>): string | null {
  return node.otherGuid ?? provingGuidOf(node);
}

/** True if a node is another server than it was: another BMC, or another GUID behind the same one. */
export function isOtherServer(before: Identity, after: Identity): boolean {
  return before.bmcKey !== after.bmcKey || isOtherGuid(answeringGuidOf(before), answeringGuidOf(after));
}

/** Which server a node is, in words; that an operator has to accept it is said. */
export function serverWords({
  bmcKey,
  otherGuid,
  bmcGuid,
}: Pick<Identity, 'bmcKey' | 'bmcGuid' | 'otherGuid'>): string {
  if (otherGuid !== null) return `${bmcKey} with GUID ${otherGuid}, not accepted`;
  return bmcGuid === null ? bmcKey : `${bmcKey} with GUID ${bmcGuid}`;
}

/** What is forgotten of a node that is another server now. Readings begun before are dropped, as its fence grows. */
export function asOtherServer({ fence }: NodeRow): Partial<NodeRow> {
  return {
    bmcGuid: null,
    guidShared: false,
    otherGuid: null,
    bmcPlace: '',
    sameBmcAs: null,
    powerState: null,
    powerStateReadAt: null,
    mayChangeUntil: null,
    lastError: '',
    problem: null,
    fence: fence + 1,
  };
}

/** Why a power task, or a plan, would act on another server than it was about; null if it would not. */
export function serverDriftOf(
  node: NodeRow,
  then: { readonly bmcKey: string | null; readonly bmcGuid: string | null },
): string | null {
  if (then.bmcKey === null) return null;
  const was = { bmcKey: then.bmcKey, bmcGuid: then.bmcGuid, guidShared: false, otherGuid: null };
  if (!isOtherServer(was, node)) return null;
  return `${node.name} is another server now: ${serverWords(node)}; the plan was about ${serverWords(was)}`;
}

/** What a reading says of which server was read. */
interface IdentityFound {
  /** Another GUID than that of the node answered: what was read is not the node's. */
  readonly isOther: boolean;
  readonly patch: Partial<NodeRow>;
}

/** What a reading of a node makes of its identity. The first GUID that is read is the node's. */
export function identityFound(node: NodeRow, { guid, place }: Reading): IdentityFound {
  if (isOtherGuid(provingGuidOf(node), guid)) return { isOther: true, patch: { otherGuid: guid ?? null } };
  const known = node.bmcGuid !== null && (guid === undefined || !isOtherGuid(node.bmcGuid, guid));
  return {
    isOther: false,
    patch: { otherGuid: null, bmcGuid: known ? node.bmcGuid : (guid ?? null), bmcPlace: place ?? node.bmcPlace },
  };
}

/** The sentence about a node behind whose address another GUID answers. */
export function otherServerWords(node: Pick<NodeRow, 'name' | 'bmcKey' | 'bmcGuid'>, guid: string): string {
  return (
    `another server answers at ${node.bmcKey}: its GUID is ${guid}, and that of ${node.name} is ${node.bmcGuid}; ` +
    `nothing is sent to it. If that is right, accept it with AcceptNode`
  );
}

/** The sentence about a node that shares its BMC with another. */
export function sameBmcWords(other: Pick<NodeRow, 'name'>, place: string): string {
  return `node ${other.name} is reached through the same BMC (${place}); delete one of the two, or change its address`;
}
