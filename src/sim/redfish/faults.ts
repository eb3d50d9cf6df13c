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
  'error-in-200': 'it is carried out, and answered with 200 and an unknown error',
  'page-in-200': 'it is carried out, and answered with 200 and a page for people, as a web server in front does it',
  unavailable: 'it is not carried out, and answered with 503 and a message of Redfish',
  'wants-match': 'it is answered with 428 unless it has the ETag of the System in If-Match',
  'wants-match-412': 'it is answered with 412 unless it has the ETag of the System in If-Match',
  'refuses-match': 'it is answered with 412 if it has If-Match, as iDRAC10 does it, and with 428 if not',
  'login-ends': 'the first one is answered with 401, and with it every session ends',
  'slash-redirect': 'it is answered with 308 to the same path with a slash, as iLO 5 before 1.40 does it',
  'redirect-loop': 'it is answered with 308 to itself',
  'redirect-away': 'it is answered with 308 to another place',
  'already-there': 'it is answered with 409 where the node is there already, as iDRAC does it',
  'already-there-400': 'it is answered with 400 InvalidOperationForSystemState where the node is there, as HPE has it',
  'nmi-not-implemented': 'an Nmi, which is listed, is answered with 501; all else is carried out',
  masked: 'it is refused: the power button is masked, as OpenBMC says it',
  'not-supported': 'it is refused with ActionNotSupported',
  'not-implemented': 'it is answered with 501',
  conflict: 'it is answered with 409 ActionParameterValueConflict, as iDRAC10 does it after a power off',
  privilege: 'it is answered with 403 InsufficientPrivilege',
} as const;
export type OrderFault = keyof typeof ORDER_FAULTS;

/** How an error body is written: as the standard has it, or as one vendor or another does. */
export const ERROR_FORMS = {
  list: 'ExtendedInfo is a list, as the standard has it',
  object: 'ExtendedInfo is one object, as iDRAC writes it',
  'args-text': 'MessageArgs is the text "[]", as Dell writes it',
  ilo4: 'Messages with a MessageID, as iLO 4 writes it',
} as const;
export type ErrorForm = keyof typeof ERROR_FORMS;

/** What LastResetTime says, where it is there at all. */
export const RESET_TIMES = ['zero', '1970', 'at-request'] as const;

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
  /** How long every page takes, in milliseconds. */
  readonly pagesMs: number;
  /** A GracefulShutdown is given up after the time that an operating system takes to stop; the node stays on. */
  readonly softGivesUp: boolean;
  /** How long it says PoweringOn after an On, in milliseconds, before it stays off; null if an On is carried out. */
  readonly onFallsBackMs: number | null;
  /** How long after it went off an On is refused with ActionParameterValueConflict, in milliseconds. */
  readonly refusesOnMs: number;
  /** How long a session lives, in milliseconds, and how many requests it is good for. */
  readonly sessionMs: number;
  readonly sessionUses: number;
  /** What it says where no session is left. */
  readonly noSessionId: 'SessionLimitExceeded' | 'RAC0218';
  /** The number of refused logins after which every login is refused, for 300 s. */
  readonly locksAfter: number;
  readonly errorForm: ErrorForm;
  readonly lastResetTime: (typeof RESET_TIMES)[number] | null;
  /** BootProgress stays at SystemHardwareInitializationComplete, as with Supermicro. */
  readonly bootProgressStuck: boolean;
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
  pagesMs: 0,
  softGivesUp: false,
  onFallsBackMs: null,
  refusesOnMs: 0,
  sessionMs: Number.POSITIVE_INFINITY,
  sessionUses: Number.POSITIVE_INFINITY,
  noSessionId: 'SessionLimitExceeded',
  locksAfter: Number.POSITIVE_INFINITY,
  errorForm: 'list',
  lastResetTime: null,
  bootProgressStuck: false,
};
