/** The words of the house as tables: which are ours, which are written nowhere, and where the exceptions lie. */

/** Words that are not ours, and what we say. */
export const FOREIGN_WORDS = {
  job: 'power task',
  jobs: 'power tasks',
  workflow: 'action plan',
  workflows: 'action plans',
  machine: 'node',
  machines: 'nodes',
  operation: 'order, or power task',
  operations: 'orders, or power tasks',
};

/** Types with one meaning: no other file declares a type, interface or class of the name. Words of the glossary, above all. */
export const ONE_MEANING = [
  'AccessRules',
  'ActionPlanRow',
  'Conductor',
  'Engine',
  'GrantFilter',
  'HeldBack',
  'Kept',
  'Keeper',
  'Migration',
  'NodeChange',
  'NodeFilter',
  'NodeRow',
  'Order',
  'Ordered',
  'Outcome',
  'Phase',
  'PowerState',
  'PowerTaskRow',
  'Reading',
  'ReadingParts',
  'Recall',
  'Rights',
  'Scope',
  'ScopedNode',
  'Target',
  'Trust',
  'Verb',
  'WantedAudit',
];

/** The folders whose sentences reach every client, and what in them names flags: of released clients, of ipmitool, and of OpenStack's clients. */
export const TOLD_TO_ALL = [
  'src/core/',
  'src/server/',
  'src/agent/',
  'src/drivers/',
  'src/http/',
  'src/compute/',
  'src/sinks/',
];
export const COMMAND_LINES = [
  'src/server/api/possible.ts',
  'src/drivers/ipmi/ipmitool/',
  'src/http/ironic/',
  'src/http/watcher/',
];

/**
 * Words of translated English that are written nowhere: they hide who acts, how many, and which tools are meant. A user may be called
 * `nobody`, and rows come to rest. Each is a part of a regular expression.
 */
export const TRANSLATED = [
  'so many',
  'so much',
  'so long',
  'so often',
  'nobody',
  'somebody',
  'came to',
  'comes to',
  'come to (?:nothing|something|anything|an end|its end)',
  'is to be(?:come)?',
  'are to be(?:come)?',
  'by then',
  'for want of',
  '(?:as|in|of) the field',
  "the field's",
];
/** Texts of releases, and rows that are kept as they were written. */
export const KEPT_AS_WRITTEN = [
  'proto/released/',
  'test/server/store/fixtures/',
  'test/upgrade/released/',
  'src/server/store/migrations/',
];
/** More of them, and where they are not written: what a user reads in the contract, errors and configuration. */
export const LOOSE = ['the field'];
export const PLAINLY_WRITTEN = [
  'proto/countermand/**',
  'docs/{glossary,errors,limits,configuration}.md',
  'src/core/errors.ts',
];
