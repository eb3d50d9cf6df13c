/** The ids by which OpenStack tells requests apart: what an action asks of a compute service comes back in its notifications. */
import { CANONICAL_UUID } from './uuid.ts';

const PREFIX = 'req-';

/** The request id under which everything goes that an action asks for. */
export const requestIdOf = (actionUuid: string): string => `${PREFIX}${actionUuid}`;

/** The uuid of the action that a request id may be of; null if it can be of none. */
export function actionOfRequest(requestId: string): string | null {
  const uuid = requestId.slice(PREFIX.length);
  return requestId.startsWith(PREFIX) && CANONICAL_UUID.test(uuid) ? uuid : null;
}
