/** What goes wrong with an iRMC. All of it can be changed while it runs. */

/** What is wrong with a web server. */
export type WebFault =
  /** Nothing. */
  | 'none'
  // What was asked is not done.
  /** It takes requests and says nothing, for ever. */
  | 'stalls'
  /** Status 503, as after a restart of the iRMC. */
  | 'unavailable'
  /** Status 302, to an address where nothing answers. */
  | 'redirects'
  // What was asked is done, but that cannot be told from the answer.
  /** The connection is reset. */
  | 'resets'
  /** Half of the answer comes, then the connection ends. */
  | 'truncated'
  /** The answer never ends, and comes slowly. */
  | 'endless'
  /** The answer is of 64 MiB. */
  | 'huge'
  /** The answer is not well-formed: an iRMC does not always escape what it quotes. */
  | 'malformed'
  /** The answer is a page for people. */
  | 'a page'
  /** The answer has entities that would become gigabytes. */
  | 'entities'
  /** The answer is nested a hundred thousand times. */
  | 'nested'
  /** The answer has no Value, or no PowerState. */
  | 'no value';

/** What is wrong with the SNMP agent: it is silent, has values of another type, has not the object, or the boot status is unknown. */
export type SnmpFault = 'none' | 'silent' | 'wrong type' | 'no such object' | 'unknown boot status';

/** What goes wrong with an iRMC. */
export interface IrmcFaults {
  /** The ServerView agent is not installed in the operating system. */
  readonly agentMissing: boolean;
  /** What is wrong with the answers of SCCI. */
  readonly scci: WebFault;
  /** What is wrong with the answers of Redfish. */
  readonly redfish: WebFault;
  /** The power state that Redfish shows, as while a server goes on or off; null is what the server really is. */
  readonly redfishPower: 'PoweringOn' | 'PoweringOff' | null;
  readonly snmp: SnmpFault;
  /** IPMI hears nothing and says nothing. A closed port is another thing: that is `switchIpmi` of the listening iRMC. */
  readonly ipmi: 'none' | 'silent';
  /** How a login that is not right is refused: with status 401, or with status 200 and a page that asks to log in. */
  readonly refusesLoginWith: 'status' | 'page';
  /** How long the answer to an SCCI order is held back. The order is done when it comes. */
  readonly holdsMs: number;
  /** For this time after an order that switches, and while an answer is held back, every other gets Value 5; 0: never. */
  readonly busyMs: number;
  /** It refuses every order with this Value; null if it does not. */
  readonly refusesWith: number | null;
  /** The answer to a cancel when nothing is pending: no public source says it. */
  readonly nothingPendingValue: 0 | 31;
  /** What a reset, a cycle and an NMI do when the server is off: no public source says it. */
  readonly whileOffValue: number;
}

/** An iRMC in good health. */
export const HEALTHY_IRMC: IrmcFaults = {
  agentMissing: false,
  scci: 'none',
  redfish: 'none',
  redfishPower: null,
  snmp: 'none',
  ipmi: 'none',
  refusesLoginWith: 'status',
  holdsMs: 0,
  busyMs: 0,
  refusesWith: null,
  nothingPendingValue: 0,
  whileOffValue: 31,
};

/** One that is there but has stopped to think: nothing it listens on says anything. */
export const STALLED_IRMC: IrmcFaults = {
  ...HEALTHY_IRMC,
  scci: 'stalls',
  redfish: 'stalls',
  snmp: 'silent',
  ipmi: 'silent',
};
