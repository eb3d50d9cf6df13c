/** What errors can be about. */

/** The kinds of things that an error can be about. */
export const RESOURCE_TYPES = [
  'node',
  'power_task',
  'action_plan',
  'action',
  'audit',
  'audit_template',
  'token',
  'freeze',
  'sink',
] as const;
/** One of these kinds. */
export type ResourceType = (typeof RESOURCE_TYPES)[number];
