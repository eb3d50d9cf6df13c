/**
 * The driver `irmc`: Fujitsu's iRMC S4 to S6. Orders go by SCCI; their result is read over SNMP, IPMI or Redfish.
 *
 * A graceful order lies with the ServerView agent for a while before the operating system begins to stop; until then
 * `ShutdownRequestCancelled` takes it back. That the iRMC accepts the recall proves nothing: the agent watches the host.
 */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { OPEN_LIMITS } from '../../core/limits.ts';
import { type NodeTraits, TARGETS, type Target } from '../../core/power.ts';
import { Authorities } from '../authorities.ts';
import { type Bmc, type Driver, defineDriver, objectionTo, type Supported } from '../driver.ts';
import { type Exchanges, exchangesOf } from '../exchanges.ts';
import { openNativeIpmi } from '../ipmi/native.ts';
import { Logins } from '../logins.ts';
import { Lookups, type Resolver, systemResolver } from '../lookups.ts';
import { accountsOf } from './accounts.ts';
import type { SeenOverIpmi } from './agent_over_ipmi.ts';
import { exchange } from './http.ts';
import { type IrmcInfo, irmcKey, irmcName, irmcPlace, irmcSchema, reachOf } from './info.ts';
import { Pace } from './pace.ts';
import { IrmcEyes } from './reading.ts';
import { COMMAND_OF, type ScciCommand, type ScciStatus, scciRequest } from './scci.ts';

/** What takes an agent in the operating system. */
const NEEDS_AGENT: readonly Target[] = [
  'soft rebooting',
  'soft power off',
  'abort soft rebooting',
  'abort soft power off',
];
/** What takes a server that is on. */
const NEEDS_POWER: readonly Target[] = [...NEEDS_AGENT, 'inject nmi', 'abort inject nmi'];

/** What an iRMC can do whose ServerView agent is connected. */
const TRAITS: NodeTraits = { recalls: ['soft rebooting', 'soft power off'], softRebootInOneCommand: true };

/** After these an iRMC is not to be bothered for a while. A recall of a graceful order need not wait. */
const SWITCHES: readonly ScciCommand[] = ['PowerOnCabinet', 'PowerOffCabinet', 'ResetServer'];
/** How long, as scciclient has it. */
export const IRMC_REST_MS = 3000;
/** Input/Output error: what an iRMC answers to commands that come too fast. */
const TOO_FAST = 5;

/** What the driver needs. */
interface IrmcDriverParts {
  readonly clock: Clock;
  readonly chance: Chance;
  /** How long an idle IPMI session is kept open, in milliseconds; 0 keeps none. */
  readonly keepSessionMs: number;
  /** At most this many IPMI sessions are open at the same time; by default as many as `bmc_sessions` allows. */
  readonly maxSessions?: number;
  /** The exchanges over HTTP and SNMP at the same time; by default as many as `bmc_exchanges` allows. */
  readonly exchanges?: Exchanges;
  /** How long an iRMC rests after a command that switches the power. */
  readonly restMs: number;
  /** How host names are looked up; by the system if left out. */
  readonly resolver?: Resolver;
  /** What is known of refused logins; nothing at first if left out. */
  readonly logins?: Logins;
  /** Whose certificates iRMCs may show; no file is read if left out. */
  readonly authorities?: Authorities;
}

/** The driver `irmc`. */
export function createIrmcDriver({ resolver = systemResolver, ...given }: IrmcDriverParts): Driver<IrmcInfo> {
  const { exchanges = exchangesOf(OPEN_LIMITS.bmc_exchanges.limit) } = given;
  const lookups = new Lookups(resolver, given.clock);
  const { logins = new Logins(given.clock), authorities = new Authorities(null, given.clock) } = given;
  const parts = { ...given, lookups, logins, authorities };
  const ipmi = openNativeIpmi(parts);
  const [eyes, pace] = [new IrmcEyes({ ...parts, ipmi }), new Pace(parts.clock)];

  /** One SCCI command, at most once, to one machine only. @returns what the iRMC says to it, which may be a refusal */
  async function command({ info, only }: Bmc<IrmcInfo>, name: ScciCommand, signal: AbortSignal): Promise<ScciStatus> {
    const send = async (): Promise<string> => {
      const address = await lookups.findBmc(info.irmc_address, 'irmc_address', info, 'anew', signal);
      const objection = objectionTo(await eyes.identityAt(info, address, only, signal), only, irmcName(info));
      if (objection !== null) throw objection;
      return exchange(info, { ...request, address }, parts, signal);
    };
    const place = irmcPlace(info, await lookups.findBmc(info.irmc_address, 'irmc_address', info, 'recent', signal));
    const restMs = SWITCHES.includes(name) ? parts.restMs : 0;
    const timeoutMs = info.irmc_client_timeout * 1000;
    const request = { method: 'POST', path: '/config', body: scciRequest(name), order: true, timeoutMs } as const;
    const reply = await pace.hold(place, restMs, () => exchanges.orders.hold(send, signal), signal);
    const { readStatus } = await import('./reply.ts');
    const status = readStatus(reply, [info.irmc_password]);
    if (typeof status !== 'string') return status;
    const doubt = 'the command may have been carried out';
    throw fail('BMC_GARBLED', `the answer of the iRMC ${irmcName(info)} to ${name} ${status}; ${doubt}`);
  }

  return defineDriver<IrmcInfo>({
    name: 'irmc',
    schema: irmcSchema,
    targets: TARGETS,
    ...TRAITS,
    keyOf: irmcKey,
    reach: reachOf,

    async locate({ info }, age, signal) {
      return irmcPlace(info, await lookups.findBmc(info.irmc_address, 'irmc_address', info, age, signal));
    },

    getSupportedPowerStates: async ({ info }, signal) => supportedBy(await eyes.probe(info, signal)),

    getPowerState: ({ info }, signal) => exchanges.questions.hold(() => eyes.read(info, signal), signal),

    async setPowerState(bmc, target, signal) {
      const { info } = bmc;
      const status = await command(bmc, COMMAND_OF[target], signal);
      if (status.value !== 0) throw refusalOf(info, COMMAND_OF[target], status);
      return COMMAND_OF[target];
    },

    async abortPowerState(bmc, target, signal) {
      if (!NEEDS_AGENT.includes(target))
        return { accepted: false, reason: `an iRMC cannot recall ${target}: it has happened when it is sent` };
      const { value, words } = await command(bmc, 'ShutdownRequestCancelled', signal);
      const said = words === '' ? `error ${value}` : words;
      return value === 0
        ? { accepted: true, reason: `the iRMC took the recall: ${said}` }
        : { accepted: false, reason: `the iRMC ${irmcName(bmc.info)} says: ${said}` };
    },

    async allowLogin({ info }, signal) {
      const address = await lookups.findBmc(info.irmc_address, 'irmc_address', info, 'recent', signal);
      for (const account of accountsOf(info, address)) parts.logins.allow(account);
    },

    sessions: () => ipmi.sessions(),
    close: () => ipmi.close(),
  });
}

function supportedBy(seen: SeenOverIpmi | string): Supported {
  if (typeof seen === 'string') return { ...TRAITS, targets: TARGETS, probed: false, reason: seen };
  if (seen.reading.powerState === 'power off') return without(NEEDS_POWER, 'the node is off');
  if (seen.agent === false) return without(NEEDS_AGENT, 'the ServerView agent of the node is not connected');
  return { ...TRAITS, targets: TARGETS, probed: true };
}

function without(missing: readonly Target[], reason: string): Supported {
  const able = (target: Target): boolean => !missing.includes(target);
  return { ...TRAITS, recalls: TRAITS.recalls.filter(able), targets: TARGETS.filter(able), probed: true, reason };
}

/** An iRMC says 31 to anything; its words tell the agent that is missing from the rest. */
function refusalOf(info: IrmcInfo, name: ScciCommand, { value, words }: ScciStatus): CountermandError {
  const who = `the iRMC ${irmcName(info)}`;
  const said = words === '' ? `error ${value}` : `error ${value}: ${words}`;
  if (/agent not connected/i.test(words))
    return fail(
      'TARGET_NOT_SUPPORTED',
      `${who} cannot do ${name} now (${said}); a graceful order needs the ServerView agent in the operating system, a hard one does not`,
    );
  if (value === TOO_FAST) return fail('BMC_BUSY', `${who} did not take ${name} (${said}); try again later`);
  return fail('BMC_REFUSED', `${who} refuses ${name} (${said})`);
}
