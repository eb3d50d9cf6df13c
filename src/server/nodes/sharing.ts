/** Nodes that share a GUID, which then proves nothing, or a BMC, which then two nodes would order about. */
import type { Transaction } from '../store/database.ts';
import { findNodesAt, findNodesWhere, isGuidBorneElsewhere } from '../store/nodes.ts';
import type { NodeRow, Problem } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Cause } from './model_changes.ts';
import { isUnreadable, sameBmcProblem } from './problems.ts';
import { writeNode } from './write.ts';

/** To share something is no change of the cluster model. */
const CAUSE: Cause = { why: 'it shares a GUID or a BMC with another node, or does so no more', planUuid: null };

/** True if other nodes may share something with this one, or it with them, that they did not share before it was written. */
export function isSharedAnew(before: NodeRow | null, after: NodeRow | null): boolean {
  const samePlace = before?.bmcPlace === after?.bmcPlace && before?.zone === after?.zone;
  return before?.bmcGuid !== after?.bmcGuid || !samePlace;
}

/**
 * Notes what a node shares with others, and they with it, after its GUID, place or zone was written, or after it was deleted.
 * @param before the node as it was, or null if it is new
 * @param after the node as it was written, or null if it was deleted
 * @returns the node as it now is
 */
export async function noteSharing(
  before: NodeRow | null,
  after: NodeRow | null,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow | null> {
  const write = (node: NodeRow, patch: Partial<NodeRow>): Promise<NodeRow> =>
    writeNode(node, patch, CAUSE, transaction, store);
  const sharing = new Sharing(transaction, store.clock.now(), write);
  const isAnew = isSharedAnew(before, after);
  if (before && isAnew) await sharing.leave(before);
  return after && isAnew ? sharing.join(after) : after;
}

class Sharing {
  readonly #transaction: Transaction;
  readonly #now: number;
  readonly #write: (node: NodeRow, patch: Partial<NodeRow>) => Promise<NodeRow>;

  constructor(
    transaction: Transaction,
    now: number,
    write: (node: NodeRow, patch: Partial<NodeRow>) => Promise<NodeRow>,
  ) {
    this.#transaction = transaction;
    this.#now = now;
    this.#write = write;
  }

  /** Those that are left alone with a GUID or a BMC share it no more. */
  async leave({ uuid, bmcGuid }: NodeRow): Promise<void> {
    const bearers = bmcGuid === null ? [] : await this.#find({ bmcGuid, guidShared: true }, uuid, 2);
    const [last] = bearers;
    if (last && bearers.length === 1) await this.#write(last, { guidShared: false });
    for (const node of await this.#find({ sameBmcAs: uuid }, uuid)) {
      const [other] = await this.#atPlaceOf(node, uuid);
      await this.#write(node, { sameBmcAs: other?.uuid ?? null, problem: this.#problemOf(node, other) });
    }
  }

  /** @returns the node as it now is */
  async join(node: NodeRow): Promise<NodeRow> {
    const { bmcGuid } = node;
    const guidShared = await isGuidBorneElsewhere(node, this.#transaction.sql);
    const alone = guidShared ? await this.#find({ bmcGuid, guidShared: false }, node.uuid) : [];
    for (const bearer of alone) await this.#write(bearer, { guidShared });
    const others = await this.#atPlaceOf(node, node.uuid);
    for (const other of others)
      if (other.sameBmcAs === null)
        await this.#write(other, { sameBmcAs: node.uuid, problem: this.#problemOf(other, node) });
    const [first] = others;
    return this.#write(node, { guidShared, sameBmcAs: first?.uuid ?? null, problem: this.#problemOf(node, first) });
  }

  /** Why a node cannot be read is told first. */
  #problemOf({ problem, bmcPlace }: NodeRow, other: NodeRow | undefined): Problem | null {
    if (isUnreadable(problem)) return problem;
    return other ? sameBmcProblem(problem, other, bmcPlace, this.#now) : null;
  }

  async #atPlaceOf({ bmcPlace, zone, uuid }: NodeRow, except: string): Promise<NodeRow[]> {
    if (bmcPlace === '') return [];
    const nodes = await findNodesAt(bmcPlace, zone, except, 1000, this.#transaction.sql);
    return nodes.filter((node) => node.uuid !== uuid);
  }

  #find(part: Partial<NodeRow>, except: string, limit = 1000): Promise<NodeRow[]> {
    return findNodesWhere(part, except, limit, this.#transaction.sql);
  }
}
