/** The *may still change* window of a node: whether it is open, and for how long. */
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** The part of a node that its window is read from. */
export type Window = Pick<NodeRow, 'uuid' | 'mayChangeUntil'>;

const windowOf = (nodeUuid: string): string => `window of ${nodeUuid}`;

/** True while an older order, which was given up, may still change the node. */
export function mayStillChange({ uuid, mayChangeUntil }: Window, { deadlines }: Store): boolean {
  return mayChangeUntil !== null && !deadlines.isPast(windowOf(uuid), mayChangeUntil);
}

/** For how many milliseconds the window stays open; null if none was opened, below zero if its time is over. */
export function windowLeftMs({ uuid, mayChangeUntil }: Window, { deadlines }: Store): number | null {
  return mayChangeUntil === null ? null : deadlines.leftMs(windowOf(uuid), mayChangeUntil);
}

/** The window was closed, or its node is gone. */
export function forgetWindow(nodeUuid: string, { deadlines }: Store): void {
  deadlines.forget(windowOf(nodeUuid));
}
