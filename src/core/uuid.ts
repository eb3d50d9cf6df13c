/** A uuid as it is written and stored: in lower case. (RFC 9562, section 4) */
export const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const ANY_UUID = new RegExp(CANONICAL_UUID, 'i');

/** True for a uuid, in any case. */
export const isUuid = (text: string): boolean => ANY_UUID.test(text);
