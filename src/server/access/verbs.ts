/** What can be allowed: the verbs, and the roles that every conductor has. docs/security.md is printed from these tables. */

/** One verb. */
interface VerbRow {
  /** What it allows, without its end. */
  readonly meaning: string;
  /** It is about nodes, so that a role can have it for some of them. Without, it is had for the whole installation or not at all. */
  readonly ofNodes: boolean;
}

const ofNodes = (meaning: string): VerbRow => ({ meaning, ofNodes: true });
const ofAll = (meaning: string): VerbRow => ({ meaning, ofNodes: false });

/** The table of verbs. */
export const VERBS = {
  'node.read': ofNodes('see nodes, their power tasks, what holds them and what they can do; have them read now'),
  'node.write': ofNodes('enrol, change, accept and delete nodes'),
  'node.credentials': ofNodes('set driver_info, beside `node.write`: addresses of BMCs, user names, passwords'),
  'node.maintenance': ofNodes('set maintenance, alone or by a plan; `node.write` is not needed for it'),
  'node.freeze': ofAll('freeze zones and labels, so that their nodes take no orders, and lift that'),
  'power.on': ofNodes('power on'),
  'power.off': ofNodes('power off, also by force when a soft order times out'),
  'power.soft_off': ofNodes('soft power off'),
  'power.reboot': ofNodes('reboot'),
  'power.soft_reboot': ofNodes('soft reboot'),
  'power.inject_nmi': ofNodes('inject an NMI'),
  'power.abort': ofNodes('abort and withdraw orders, whoever gave them'),
  'plan.read': ofNodes('see plans and their actions; preview them'),
  'plan.create': ofNodes('make plans'),
  'plan.start': ofNodes('start plans'),
  'plan.approve': ofNodes('approve and reject plans of others that wait for a second person'),
  'plan.cancel': ofNodes('cancel plans, whoever started them'),
  'plan.rollback': ofNodes('roll plans back, also by a plan that does so itself when it fails'),
  'plan.delete': ofNodes('delete plans'),
  'audit.read': ofNodes('see audits, strategies and audit templates; preview audits'),
  'audit.create': ofNodes('make audits, and resume them'),
  'audit.cancel': ofNodes('cancel and suspend audits'),
  'audit.delete': ofNodes('delete audits'),
  'audit.template': ofAll('make, change and delete audit templates'),
  'event.read': ofNodes('follow events'),
  'event.report': ofNodes('report events of the cluster, which supersede plans'),
  'sink.read': ofAll('see sinks: where they send events to, and how far they are'),
  'sink.write': ofAll('make, test and delete sinks, which send events out of the installation'),
  'metrics.read': ofAll('read the metrics, which count all nodes'),
  'log.level': ofAll('change how much a conductor logs'),
  'agent.attach': ofAll('attach as an agent; tokens of agents have it, for their zones, and no other verb'),
  'trail.read': ofAll('read the audit trail'),
  'access.admin': ofAll('make, list and revoke tokens'),
  'access.delegate': ofAll('say on whose behalf one calls'),
} as const satisfies Record<string, VerbRow>;

/** One of them. */
export type Verb = keyof typeof VERBS;

/** All of them, in the order of the table. */
export const VERB_NAMES = Object.keys(VERBS) as readonly Verb[];

/** True for a verb that a role can have for some nodes only. */
export const isOfNodes = (verb: Verb): boolean => VERBS[verb].ofNodes;

/** Verbs that a role can have: that of agents comes with their tokens. */
export const GRANTABLE: readonly Verb[] = VERB_NAMES.filter((verb) => verb !== 'agent.attach');

const OBSERVER: readonly Verb[] = ['node.read', 'plan.read', 'audit.read', 'event.read', 'sink.read', 'metrics.read'];

/** The roles that every conductor has. */
export const BUILT_IN_ROLES = {
  observer: OBSERVER,
  operator: GRANTABLE.filter(
    (verb) => OBSERVER.includes(verb) || verb === 'node.maintenance' || /^(power|plan|audit)\./.test(verb),
  ),
  admin: GRANTABLE,
} as const satisfies Record<string, readonly Verb[]>;
