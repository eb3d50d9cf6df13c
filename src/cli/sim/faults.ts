/** The faults that pretended BMCs can have, as flags. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { COMPLETION } from '../../drivers/ipmi/rmcp/completion_codes.ts';
import type { RestartPlan } from '../../sim/ipmi/restarts.ts';
import { type BmcFaults, HEALTHY } from '../../sim/ipmi/sim_bmc.ts';
import { readCount, readSeconds } from '../shared/flags.ts';
import { addFaulty, hasFaults } from './fault_flags.ts';
import { readShare, readSpanMs } from './flags.ts';

/** The flags, as commander gives them. */
export interface FaultOptions {
  readonly faulty?: string;
  readonly silent?: boolean;
  readonly hung?: boolean;
  readonly answer?: string;
  readonly holdOrders?: string;
  readonly refuse?: string;
  readonly dropOrderAnswers?: boolean;
  readonly refuseOnAfterOff?: string;
  readonly loss?: string;
  readonly duplicates?: string;
  readonly reorders?: string;
  readonly maxSessions?: string;
  readonly restartEvery?: string;
  readonly restartTakes: string;
  readonly restartFails: string;
  readonly restartReadsOff: string;
  readonly ignoreSoftOff?: boolean;
}

/** What is wrong with the nodes that are faulty. */
export interface Faults {
  readonly bmc: BmcFaults;
  /** How many sessions a BMC has; null if that is not wrong. */
  readonly maxSessions: number | null;
  readonly restart: RestartPlan | null;
  /** The server takes a soft power off, and goes on. */
  readonly ignoresSoftOff: boolean;
}

/** Adds the flags of the faults, and the one that says which nodes have them. */
export function addFaultOptions(command: Command): Command {
  return addFaulty(command)
    .option('--silent', 'fault: the BMC hears nothing and says nothing')
    .option('--hung', 'fault: the BMC says that it is there, but opens no session, and does nothing')
    .option('--answer <ms>', 'fault: how long the BMC takes to answer anything')
    .option('--hold-orders <ms>', 'fault: how much longer it takes to answer an order, which is carried out at once')
    .option('--refuse <code>', 'fault: it refuses every order with this completion code, such as d5')
    .option('--drop-order-answers', 'fault: it carries orders out and never answers them')
    .option('--refuse-on-after-off <ms>', 'fault: refuse to power on for this long after an off, with D4h')
    .option('--loss <share>', 'fault: the share of datagrams, either way, that are lost')
    .option('--duplicates <share>', 'fault: the share of answers that come twice')
    .option('--reorders <share>', 'fault: the share of answers that are overtaken by later ones')
    .option('--max-sessions <count>', 'fault: how many sessions it has; a healthy one has 16')
    .option('--restart-every <seconds>', 'fault: restart at about this interval and lose all sessions')
    .option('--restart-takes <ms>', 'how long it is then silent', '5000')
    .option('--restart-fails <ms>', 'how long it then answers with an error when its power state is read', '0')
    .option('--restart-reads-off <ms>', 'how long it then says that the server is off, whatever it is', '0')
    .option('--ignore-soft-off', 'fault: the server takes a soft power off and goes on');
}

/** Reads the faults; null if none is asked for. @throws ARGUMENT_INVALID naming the flag */
export function readFaults(options: FaultOptions): Faults | null {
  const { restartTakes, restartFails, restartReadsOff, ...wanted } = options;
  const { silent = false, hung = false, maxSessions, restartEvery, ignoreSoftOff = false } = wanted;
  const everyS = readSeconds(restartEvery, '--restart-every');
  const takes = {
    silentMs: readSpanMs(restartTakes, '--restart-takes'),
    failsMs: readSpanMs(restartFails, '--restart-fails'),
    readsOffMs: readSpanMs(restartReadsOff, '--restart-reads-off'),
  };
  const faults: Faults = {
    bmc: { ...HEALTHY, silent, hung, ...readAnswering(options) },
    maxSessions: readCount(maxSessions, 0, '--max-sessions') ?? null,
    restart: everyS === undefined ? null : { everyMs: everyS * 1000, ...takes },
    ignoresSoftOff: ignoreSoftOff,
  };
  return hasFaults(options, FAULT_FLAGS, '--hung') ? faults : null;
}

const FAULT_FLAGS = [
  'silent',
  'hung',
  'answer',
  'holdOrders',
  'refuse',
  'dropOrderAnswers',
  'refuseOnAfterOff',
  'loss',
  'duplicates',
  'reorders',
  'maxSessions',
  'restartEvery',
  'ignoreSoftOff',
] as const satisfies readonly (keyof FaultOptions)[];

function readAnswering(options: FaultOptions): Omit<BmcFaults, 'silent' | 'hung'> {
  const { dropOrderAnswers = false, refuseOnAfterOff: refuseOn } = options;
  const { answer = '0', holdOrders = '0', refuse, loss = '0', duplicates = '0', reorders = '0' } = options;
  return {
    answerMs: readSpanMs(answer, '--answer'),
    holdsOrdersMs: readSpanMs(holdOrders, '--hold-orders'),
    refusesWith: refuse === undefined ? null : readCompletionCode(refuse, '--refuse'),
    dropsOrderAnswers: dropOrderAnswers,
    readsOff: false,
    refusesOn:
      refuseOn === undefined
        ? null
        : { forMs: readSpanMs(refuseOn, '--refuse-on-after-off'), code: COMPLETION.insufficientPrivilege },
    loss: readShare(loss, '--loss'),
    duplicates: readShare(duplicates, '--duplicates'),
    reorders: readShare(reorders, '--reorders'),
  };
}

/** Completion codes of refusals (IPMI 2.0 table 5-2), as `d5`, `0xd5` or `D5h`. */
function readCompletionCode(word: string, flag: string): number {
  const code = Number.parseInt(/^(?:0x)?([\da-f]{1,2})h?$/i.exec(word)?.[1] ?? '0', 16);
  if (code > 0) return code;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is no completion code from 01 to ff, such as d5`);
}
