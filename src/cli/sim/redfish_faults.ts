/** The faults that simulated Redfish services can have, as flags. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import {
  ERROR_FORMS,
  type ErrorForm,
  ORDER_FAULTS,
  type OrderFault,
  RESET_TIMES,
  type RedfishFaults,
} from '../../sim/redfish/faults.ts';
import { addFaulty, hasFaults, WEB_FAULTS } from './fault_flags.ts';
import { readNumber, readSpanMs } from './flags.ts';

/** More sessions, uses and refusals than anybody wants. */
const MOST = 1000;

/** The flags, as commander gives them. */
export interface RedfishFaultOptions {
  readonly faulty?: string;
  readonly order?: Exclude<OrderFault, 'none'>;
  readonly late?: string;
  readonly pages?: keyof typeof WEB_FAULTS;
  readonly answer?: string;
  readonly powerState?: string;
  readonly chassisLag?: string;
  readonly softOffGivesUp?: boolean;
  readonly onFallsBack?: string;
  readonly refuseOnAfterOff?: string;
  readonly bootProgressStuck?: boolean;
  readonly lastResetTime?: (typeof RESET_TIMES)[number];
  readonly errors?: ErrorForm;
  readonly links?: 'whole' | 'foreign';
  readonly sessions?: string;
  readonly sessionsAsIdrac?: boolean;
  readonly sessionExpires?: string;
  readonly sessionUses?: string;
  readonly sessionNoLocation?: boolean;
  readonly echoLogin?: boolean;
  readonly lockAfter?: string;
  /** False with `--no-basic`. */
  readonly basic: boolean;
}

/** Adds the flags of the faults, and the one that says which nodes have them. */
export function addRedfishFaultOptions(command: Command): Command {
  const oneOf = (flag: string, what: string, words: readonly string[]): Option =>
    new Option(flag, `fault: ${what}`).choices(words);
  const orders = Object.keys(ORDER_FAULTS).filter((name) => name !== 'none');
  return addFaulty(command)
    .addOption(oneOf('--order <fault>', 'what a Reset is answered with, see below', orders))
    .option('--late <ms>', 'fault: how late the answer of --order late is; 40000 without it')
    .addOption(oneOf('--pages <fault>', 'what is wrong with the answers to GET', Object.keys(WEB_FAULTS)))
    .option('--answer <ms>', 'fault: how long the answer to a GET takes')
    .option('--power-state <word>', 'fault: the PowerState that is always shown, such as PoweringOff or null')
    .option('--chassis-lag <ms>', 'fault: how long PowerState is Off before the power is off; an On is lost then')
    .option('--soft-off-gives-up', 'fault: a GracefulShutdown is given up after --soft-off, and the node stays on')
    .option('--on-falls-back <ms>', 'fault: after an On, PowerState is PoweringOn for this long, then Off again')
    .option('--refuse-on-after-off <ms>', 'fault: refuse an On for this long after an off, with 409, as iDRAC10 does')
    .option('--boot-progress-stuck', 'fault: BootProgress always says that the firmware runs, as with Supermicro')
    .addOption(oneOf('--last-reset-time <what>', 'what LastResetTime says, which is not there without it', RESET_TIMES))
    .addOption(oneOf('--errors <form>', 'how error bodies are written, see below', Object.keys(ERROR_FORMS)))
    .addOption(oneOf('--links <which>', 'links are whole URLs, of the BMC or of another place', ['whole', 'foreign']))
    .option('--sessions <count>', 'fault: how many sessions may be open; 8 without it')
    .option('--sessions-as-idrac', 'fault: a session too many is answered with RAC0218')
    .option('--session-expires <ms>', 'fault: how long a session lives')
    .option('--session-uses <count>', 'fault: how many requests a session is good for')
    .option('--session-no-location', 'fault: a new session is not named in the header Location')
    .option('--echo-login', 'fault: a refused login is repeated in the error, with its password')
    .option('--lock-after <count>', 'fault: after this number of refused logins, refuse all logins for 300 s')
    .option('--no-basic', 'fault: only sessions, no Basic');
}

/** What the words of `--order` and `--errors` mean, for the help. */
export function faultsHelp(): string {
  const rows = (meanings: Readonly<Record<string, string>>): string =>
    Object.entries(meanings)
      .filter(([name]) => name !== 'none')
      .map(([name, meaning]) => `  ${name.padEnd(20)} ${meaning}`)
      .join('\n');
  return `The faults of --order:\n${rows(ORDER_FAULTS)}\n\nThe forms of --errors:\n${rows(ERROR_FORMS)}`;
}

const FAULT_FLAGS = [
  'order',
  'late',
  'pages',
  'answer',
  'powerState',
  'chassisLag',
  'softOffGivesUp',
  'onFallsBack',
  'refuseOnAfterOff',
  'bootProgressStuck',
  'lastResetTime',
  'errors',
  'links',
  'sessions',
  'sessionsAsIdrac',
  'sessionExpires',
  'sessionUses',
  'sessionNoLocation',
  'echoLogin',
  'lockAfter',
] as const satisfies readonly (keyof RedfishFaultOptions)[];

/** Where links lead with `--links foreign`: nothing listens there. */
const ELSEWHERE = 'http://127.0.0.1:9';

/** What is wrong with a faulty service, as far as the flags say; the rest is as it is without faults. */
export interface ReadRedfishFaults {
  readonly faults: Partial<RedfishFaults>;
  /** Its links are whole URLs of its own: they are known when it listens. */
  readonly wholeLinks: boolean;
}

/** Reads the faults; null if none is asked for. @throws ARGUMENT_INVALID naming the flag */
export function readRedfishFaults(options: RedfishFaultOptions): ReadRedfishFaults | null {
  if (options.basic && !hasFaults(options, FAULT_FLAGS, '--order late')) return null;
  if (options.late !== undefined && options.order !== 'late')
    throw fail('ARGUMENT_INVALID', '--late says how late an answer is, and needs --order late');
  const faults = { ...readAnswers(options), ...readStates(options), ...readLogins(options) };
  return { faults, wholeLinks: options.links === 'whole' };
}

function readAnswers({ order, late, pages, answer, errors, links }: RedfishFaultOptions): Partial<RedfishFaults> {
  return {
    ...(order !== undefined && { order }),
    ...(late !== undefined && { lateMs: readSpanMs(late, '--late') }),
    ...(pages !== undefined && { pages: WEB_FAULTS[pages] }),
    ...(answer !== undefined && { pagesMs: readSpanMs(answer, '--answer') }),
    ...(errors !== undefined && { errorForm: errors }),
    ...(links === 'foreign' && { linksTo: ELSEWHERE }),
  };
}

function readStates(options: RedfishFaultOptions): Partial<RedfishFaults> {
  const { powerState, chassisLag, softOffGivesUp, onFallsBack, refuseOnAfterOff, bootProgressStuck } = options;
  return {
    ...(powerState !== undefined && { powerState: powerState === 'null' ? null : powerState }),
    ...(chassisLag !== undefined && { chassisLagMs: readSpanMs(chassisLag, '--chassis-lag') }),
    ...(softOffGivesUp !== undefined && { softGivesUp: softOffGivesUp }),
    ...(onFallsBack !== undefined && { onFallsBackMs: readSpanMs(onFallsBack, '--on-falls-back') }),
    ...(refuseOnAfterOff !== undefined && { refusesOnMs: readSpanMs(refuseOnAfterOff, '--refuse-on-after-off') }),
    ...(bootProgressStuck !== undefined && { bootProgressStuck }),
    ...(options.lastResetTime !== undefined && { lastResetTime: options.lastResetTime }),
  };
}

function readLogins(options: RedfishFaultOptions): Partial<RedfishFaults> {
  const { sessions, sessionExpires, sessionUses, lockAfter, basic } = options;
  return {
    basic,
    ...(sessions !== undefined && { maxSessions: readNumber(sessions, 0, MOST, '--sessions') }),
    ...(options.sessionsAsIdrac && { noSessionId: 'RAC0218' }),
    ...(sessionExpires !== undefined && { sessionMs: readSpanMs(sessionExpires, '--session-expires') }),
    ...(sessionUses !== undefined && { sessionUses: readNumber(sessionUses, 1, MOST, '--session-uses') }),
    ...(options.sessionNoLocation && { sessionWithoutLocation: true }),
    ...(options.echoLogin && { echoesLogin: true }),
    ...(lockAfter !== undefined && { locksAfter: readNumber(lockAfter, 1, MOST, '--lock-after') }),
  };
}
