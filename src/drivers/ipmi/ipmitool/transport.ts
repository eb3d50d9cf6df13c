/** The transport of the driver `ipmi` through ipmitool: one process for each command. */
import type { Clock } from '../../../core/clock.ts';
import { asCountermandError, fail } from '../../../core/errors.ts';
import type { Reading } from '../../../core/power.ts';
import { type FoundIdentity, objectionTo, PROVES_NOT_SENT, type RequiredIdentity } from '../../driver.ts';
import { asking, udpAsked } from '../../exchange_spans.ts';
import type { Exchanges } from '../../exchanges.ts';
import { Guids } from '../../guids.ts';
import type { LookupAge, Lookups } from '../../lookups.ts';
import { bmcName, type IpmiInfo, ipmiPlace } from '../info.ts';
import type { CipherSuiteId } from '../rmcp/cipher_suites.ts';
import type { Suites } from '../suites.ts';
import { readConfirmation, readGuid, readStatus } from './answers.ts';
import type { Ending } from './captive.ts';
import { ANSWER_LIMIT_S, ipmitoolCommand, type PowerWord, power, READ_GUID, runIpmitool } from './command.ts';
import { findBmc } from './probe.ts';

/** What it needs. */
export interface IpmitoolParts {
  readonly clock: Clock;
  /** Where ipmitool, setpriv and sh are looked for: folders as in PATH. */
  readonly searchPath: string;
  readonly lookups: Lookups;
  /** What is known of the suites of BMCs. */
  readonly suites: Suites;
  /** The processes that may run at the same time. */
  readonly processes: Exchanges;
  /** How long ipmitool waits for each answer of a BMC, in whole seconds; 5 if not said. */
  readonly answerLimitS?: number;
}

/** How BMCs are spoken to by ipmitool. */
interface Ipmitool {
  /** The power state, and which machine it was read from. @throws a BMC_ code */
  read(info: IpmiInfo, signal: AbortSignal): Promise<Reading>;
  /** Sends one order, at most once, and to one machine only. @throws as `setPowerState` of driver.ts says */
  order(
    info: IpmiInfo,
    verb: Exclude<PowerWord, 'status'>,
    only: RequiredIdentity | undefined,
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * Opens the transport. Between commands it keeps what it knows of GUIDs. A process of ipmitool cannot say which machine it has
 * spoken to, so a process of its own reads the GUID: right before an order, and for readings once in ten minutes.
 */
export function openIpmitool({
  clock,
  searchPath,
  lookups,
  suites,
  processes,
  answerLimitS = ANSWER_LIMIT_S,
}: IpmitoolParts): Ipmitool {
  const settings = { searchPath, answerLimitS };
  const guids = new Guids(clock);
  async function find(info: IpmiInfo, age: LookupAge, signal: AbortSignal): Promise<string> {
    const address = await lookups.findBmc(info.ipmi_address, 'ipmi_address', info, age, signal);
    return findBmc({ host: address, port: info.ipmi_port, name: bmcName(info) }, clock, signal);
  }
  /** Says `words` to a BMC. `readAnswer` throws what the ending means, if it is no success. */
  const tell = <T>(
    info: IpmiInfo,
    address: string,
    words: readonly string[],
    readAnswer: (ending: Ending, bmc: string, answerLimitS: number) => T,
    signal: AbortSignal,
  ): Promise<T> => {
    const speak = async (suite: CipherSuiteId): Promise<T> => {
      const command = ipmitoolCommand(info, address, suite, words, settings);
      return readAnswer(await runIpmitool(command, settings, clock, signal), bmcName(info), answerLimitS);
    };
    return suites.attempt(info, bmcName(info), (suite) => traced(info, words, signal, () => speak(suite)), signal);
  };
  const askForGuid = (info: IpmiInfo, address: string, signal: AbortSignal): Promise<string | undefined> =>
    tell(info, address, READ_GUID, readGuid, signal);
  async function read(info: IpmiInfo, signal: AbortSignal): Promise<Reading> {
    const address = await find(info, 'recent', signal);
    const powerState = await tell(info, address, power('status'), readStatus, signal);
    const place = ipmiPlace(address, info.ipmi_port);
    // The power state is known, whatever becomes of this question.
    const ask = () => askForGuid(info, address, signal).catch(() => signal.throwIfAborted() ?? undefined);
    return { powerState, place, guid: await guids.at(place, 'recent', ask) };
  }
  async function identityForOrder(info: IpmiInfo, address: string, signal: AbortSignal): Promise<FoundIdentity> {
    const place = ipmiPlace(address, info.ipmi_port);
    const guid = await guids
      .at(place, 'anew', () => askForGuid(info, address, signal))
      .catch((thrown: unknown) => {
        signal.throwIfAborted();
        const { code, message } = asCountermandError(thrown);
        if (PROVES_NOT_SENT.includes(code)) throw thrown;
        throw fail('BMC_SILENT', `the order was not sent, as the GUID before it could not be read: ${message}`, thrown);
      });
    return { place, guid };
  }
  async function order(
    info: IpmiInfo,
    verb: Exclude<PowerWord, 'status'>,
    only: RequiredIdentity | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const address = await find(info, 'anew', signal);
    const place = ipmiPlace(address, info.ipmi_port);
    const found = only?.guid ? await identityForOrder(info, address, signal) : { place };
    const objection = objectionTo(found, only, bmcName(info));
    if (objection !== null) throw objection;
    const confirm = (ending: Ending, bmc: string, limitS: number): void => readConfirmation(ending, verb, bmc, limitS);
    await tell(info, address, power(verb), confirm, signal);
  }
  return {
    read: (info, signal) => processes.questions.hold(() => read(info, signal), signal),
    order: (info, verb, only, signal) => processes.orders.hold(() => order(info, verb, only, signal), signal),
  };
}

function traced<T>(info: IpmiInfo, words: readonly string[], signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const { ipmi_address: host, ipmi_port: port } = info;
  return asking(signal, () => udpAsked('ipmi', words.join(' '), host, port), work);
}
