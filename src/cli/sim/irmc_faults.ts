/** The faults that pretended iRMCs can have, as flags. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { HEALTHY_IRMC, type IrmcFaults, type SnmpFault, STALLED_IRMC, type WebFault } from '../../sim/irmc/faults.ts';
import { addFaulty, hasFaults, WEB_FAULTS } from './fault_flags.ts';
import { readNumber, readSpanMs } from './flags.ts';

/** What can be wrong with the answers of an iRMC. */
const IRMC_FAULTS = { ...WEB_FAULTS, entities: 'entities' } as const satisfies Record<string, WebFault>;
const SNMP_FAULTS = {
  silent: 'silent',
  'wrong-type': 'wrong type',
  'no-such-object': 'no such object',
  'unknown-boot-status': 'unknown boot status',
} as const satisfies Record<string, SnmpFault>;
const POWER_STATES = ['PoweringOn', 'PoweringOff'] as const;
const IPMI_FAULTS = ['silent', 'closed'] as const;

/** The flags, as commander gives them. */
export interface IrmcFaultOptions {
  readonly faulty?: string;
  readonly agentMissing?: boolean;
  readonly stall?: boolean;
  readonly scci?: keyof typeof IRMC_FAULTS;
  readonly redfish?: keyof typeof IRMC_FAULTS;
  readonly redfishPower?: (typeof POWER_STATES)[number];
  readonly snmp?: keyof typeof SNMP_FAULTS;
  readonly ipmi?: (typeof IPMI_FAULTS)[number];
  readonly loginPage?: boolean;
  readonly holdOrders?: string;
  readonly busy?: string;
  readonly refuse?: string;
  readonly nothingPending?: string;
  readonly whileOff?: string;
  readonly ignoreSoftOff?: boolean;
}

/** What is wrong with the nodes that are faulty. */
export interface IrmcFaultSettings {
  readonly irmc: IrmcFaults;
  /** IPMI over LAN is off: its port is closed. */
  readonly ipmiIsClosed: boolean;
  /** The operating system begins to stop when it is asked to, and never ends. */
  readonly hangs: boolean;
}

/** Adds the flags of the faults, and the one that says which nodes have them. */
export function addIrmcFaultOptions(command: Command): Command {
  const oneOf = (flag: string, what: string, words: readonly string[]): Option =>
    new Option(`${flag} <fault>`, `fault: what is wrong with ${what}`).choices(words);
  return addFaulty(command)
    .option('--agent-missing', 'fault: no ServerView agent in the operating system')
    .option('--stall', 'fault: all of it takes what comes and says nothing')
    .addOption(oneOf('--scci', 'the answers of SCCI', Object.keys(IRMC_FAULTS)))
    .addOption(oneOf('--redfish', 'the answers of Redfish', Object.keys(IRMC_FAULTS)))
    .addOption(oneOf('--redfish-power', 'the power state that Redfish shows', POWER_STATES))
    .addOption(oneOf('--snmp', 'SNMP', Object.keys(SNMP_FAULTS)))
    .addOption(oneOf('--ipmi', 'IPMI', IPMI_FAULTS))
    .option('--login-page', 'fault: a wrong login is answered with status 200 and a page')
    .option('--hold-orders <ms>', 'fault: how long the answer to an SCCI order is held back; it is carried out at once')
    .option(
      '--busy <ms>',
      'fault: reject orders with error 5 for this long after one that switched power; a real one: 3000',
    )
    .option('--refuse <value>', 'fault: every SCCI order is refused with this Value, such as 6')
    .option('--nothing-pending <value>', 'the result of a cancel when nothing is pending, 0 or 31')
    .option('--while-off <value>', 'the code that answers a reset and an NMI while the server is off, 0 to 255')
    .option('--ignore-soft-off', 'fault: the operating system hangs while it stops');
}

/** Reads the faults; null if none is asked for. @throws ARGUMENT_INVALID naming the flag */
export function readIrmcFaults(options: IrmcFaultOptions): IrmcFaultSettings | null {
  const irmc = readFaults(options);
  if (!hasFaults(options, FAULT_FLAGS, '--stall')) return null;
  return { irmc, ipmiIsClosed: options.ipmi === 'closed', hangs: options.ignoreSoftOff ?? false };
}

const FAULT_FLAGS = [
  'agentMissing',
  'stall',
  'scci',
  'redfish',
  'redfishPower',
  'snmp',
  'ipmi',
  'loginPage',
  'holdOrders',
  'busy',
  'refuse',
  'nothingPending',
  'whileOff',
  'ignoreSoftOff',
] as const satisfies readonly (keyof IrmcFaultOptions)[];

function readFaults(options: IrmcFaultOptions): IrmcFaults {
  const { scci, redfish, redfishPower = null, snmp, ipmi, refuse, nothingPending = '0', whileOff = '31' } = options;
  if (nothingPending !== '0' && nothingPending !== '31')
    throw fail('ARGUMENT_INVALID', `--nothing-pending: '${nothingPending}' is neither 0 nor 31`);
  return {
    ...(options.stall ? STALLED_IRMC : HEALTHY_IRMC),
    agentMissing: options.agentMissing ?? false,
    ...(scci !== undefined && { scci: IRMC_FAULTS[scci] }),
    ...(redfish !== undefined && { redfish: IRMC_FAULTS[redfish] }),
    redfishPower,
    ...(snmp !== undefined && { snmp: SNMP_FAULTS[snmp] }),
    ...(ipmi === 'silent' && { ipmi }),
    refusesLoginWith: options.loginPage ? 'page' : 'status',
    holdsMs: readSpanMs(options.holdOrders ?? '0', '--hold-orders'),
    busyMs: readSpanMs(options.busy ?? '0', '--busy'),
    refusesWith: refuse === undefined ? null : readNumber(refuse, 1, 255, '--refuse'),
    nothingPendingValue: nothingPending === '0' ? 0 : 31,
    whileOffValue: readNumber(whileOff, 0, 255, '--while-off'),
  };
}
