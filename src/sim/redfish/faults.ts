/** What goes wrong with a Redfish service. All of it can be changed while it runs. */
import type { WebFault } from '../irmc/faults.ts';

/** What the service answers to a Reset, and whether it carries it out. */
export const ORDER_FAULTS = {
  none: 'it is carried out, and answered with 204',
  message: 'it is carried out, and answered with 200 and a message of success, as HPE has it',
  task: 'it is carried out, and answered with 202 and a Task that completes',
  'task-exception': 'it is carried out, and answered with 202 and a Task that ends with Exception, as AMI has it',
  late: 'it is carried out, and answered after a while',
  resets: 'it is carried out, and the connection is reset',
  truncated: 'it is carried out, and half of the answer comes',
  'internal-error': 'it is carried out, and answered with 500',
  'bad-gateway': 'it is carried out, and answered with 502, as a web server in front does it',
  'front-unavailable': 'it is carried out, and answered with 503 and a page, as a web server in front does it',
  'error-in-200': 'it is carried out, and answered with 200 and an error that nobody knows',
  unavailable: 'it is not carried out, and answered with 503 and a message of Redfish',
  'wants-match': 'it is answered with 428 unless it has the ETag of the System in If-Match',
  'wants-match-412': 'it is answered with 412 unless it has the ETag of the System in If-Match',
  'refuses-match': 'it is answered with 412 if it has If-Match, as iDRAC10 does it, and with 428 if not',
  'login-ends': 'the first one is answered with 401, and with it every session ends',
  'slash-redirect': 'it is answered with 308 to the same path with a slash, as iLO 5 before 1.40 does it',
  'redirect-loop': 'it is answered with 308 to itself',
  'redirect-away': 'it is answered with 308 to another place',
  'already-there': 'it is answered with 409 where the node is there already, as iDRAC does it',
  masked: 'it is refused: the power button is masked, as OpenBMC says it',
  'not-supported': 'it is refused with ActionNotSupported',
  'not-implemented': 'it is answered with 501',
  conflict: 'it is answered with 409 ActionParameterValueConflict, as iDRAC10 does it after a power off',
  privilege: 'it is answered with 403 InsufficientPrivilege',
} as const;
export type OrderFault = keyof typeof ORDER_FAULTS;

/** Where the ResetTypes stand that a System takes. */
export const LISTINGS = ['inline', 'action-info', 'none'] as const;

/** What goes wrong with a Redfish service. */
export interface RedfishFaults {
  /** What is wrong with the answers to Resets. */
  readonly order: OrderFault;
  /** How long the answer to a Reset is held back with the fault `late`, in milliseconds. */
  readonly lateMs: number;
  /** What is wrong with the pages. */
  readonly pages: WebFault;
  /** The PowerState that is shown, whatever the server is; undefined is what it is. null is a value, too. */
  readonly powerState: string | null | undefined;
  /** It shows PoweringOff while the operating system stops. */
  readonly showsTransitions: boolean;
  /** How long after the System is off its Chassis says On, and a Reset with On is lost, as with OpenBMC. */
  readonly chassisLagMs: number;
  /** Where the ResetTypes stand. */
  readonly listing: (typeof LISTINGS)[number];
  /** The ResetTypes that are listed and taken. */
  readonly resetTypes: readonly string[];
  /** Basic is offered. */
  readonly basic: boolean;
  /** Sessions that may be open at a time. */
  readonly maxSessions: number;
  /** The session is not named in the header Location. */
  readonly sessionWithoutLocation: boolean;
  /** It repeats a refused POST of a session in the error. */
  readonly echoesLogin: boolean;
  /** Links and targets are whole URLs of this origin; null for paths. */
  readonly linksTo: string | null;
}

/** A service in good health. */
export const HEALTHY_REDFISH: RedfishFaults = {
  order: 'none',
  lateMs: 40_000,
  pages: 'none',
  powerState: undefined,
  showsTransitions: false,
  chassisLagMs: 0,
  listing: 'inline',
  resetTypes: ['On', 'ForceOff', 'ForceRestart', 'GracefulShutdown', 'GracefulRestart', 'Nmi', 'PowerCycle'],
  basic: true,
  maxSessions: 8,
  sessionWithoutLocation: false,
  echoesLogin: false,
  linksTo: null,
};
