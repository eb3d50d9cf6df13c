/**
 * The driver `fake`: hardware that exists only in this process. It is the example to read before writing a driver; it
 * can do every target, and every delay and fault can be set, for trying things out and for the simulation.
 */
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { guidFrom } from '../../core/guid.ts';
import { TARGETS, type Target } from '../../core/power.ts';
import { sleep, throwIfOver } from '../../core/signals.ts';
import { type Bmc, type Driver, defineDriver, objectionTo, type Supported } from '../driver.ts';
import { type Account, Logins } from '../logins.ts';
import {
  carryOut,
  type FakeHardware,
  type FakeInfo,
  type FakeServer,
  fakeSchema,
  placeOf,
  readingOf,
  refusesOn,
  serverOf,
  takeBack,
} from './hardware.ts';

/** How long a command waits for a BMC that does not answer. */
const FAKE_SILENCE_MS = 5000;

const REFUSALS: Partial<Record<FakeInfo['fake_fault'], readonly [ErrorCode, string]>> = {
  refuse: ['BMC_REFUSED', 'refuses the command'],
  login: ['BMC_PASSWORD_WRONG', 'refuses the password'],
  busy: ['BMC_NO_SESSION', 'has no session left'],
  garbled: ['BMC_GARBLED', 'answered with something that is no answer'],
};

const RECALLS: readonly Target[] = ['soft rebooting', 'soft power off'];

function refusalOf({ settings }: FakeServer): CountermandError | null {
  const refusal = REFUSALS[settings.fake_fault];
  return refusal ? fail(refusal[0], `fake BMC ${settings.fake_address} ${refusal[1]}`) : null;
}

/** What a fake driver needs, and how its hardware behaves. */
interface FakeDriverParts {
  readonly clock: Clock;
  /** Given from outside, the hardware outlives the driver. */
  readonly hardware?: FakeHardware;
  /** As some hardware does a soft reboot on one command and some does not, both can be had. */
  readonly softRebootInOneCommand?: boolean;
  /** What is known of refused logins; nothing at first if left out. */
  readonly logins?: Logins;
}

function accountOf(info: FakeInfo): Account {
  return { bmc: placeOf(info), user: 'fake', way: 'IPMI', secret: info.fake_password ?? '' };
}

/** The driver `fake`. */
export function createFakeDriver(parts: FakeDriverParts): Driver<FakeInfo> {
  const { clock, hardware = new Map(), softRebootInOneCommand = true, logins = new Logins(clock) } = parts;
  /** One exchange with a BMC: `effect` happens at once, the answer comes later. */
  const exchange = <T>({ info }: Bmc<FakeInfo>, effect: (server: FakeServer) => T, signal: AbortSignal): Promise<T> =>
    logins.attempt(accountOf(info), () => answer(serverOf(info, hardware, clock), effect, clock, signal));
  /** The same, of what may go to one machine only. */
  const order = <T>(bmc: Bmc<FakeInfo>, effect: (server: FakeServer) => T, signal: AbortSignal): Promise<T> => {
    const { settings } = serverOf(bmc.info, hardware, clock);
    const found = { guid: guidFrom(settings.fake_guid), place: placeOf(bmc.info) };
    const objection = objectionTo(found, bmc.only, bmc.info.fake_address);
    return objection === null ? exchange(bmc, effect, signal) : Promise.reject(objection);
  };

  return defineDriver<FakeInfo>({
    name: 'fake',
    schema: fakeSchema,
    targets: TARGETS,
    recalls: RECALLS,
    softRebootInOneCommand,
    minCommandIntervalMs: 0,
    keyOf: (info) => `fake://${info.fake_address}`,
    locate: async ({ info }) => placeOf(info),

    getSupportedPowerStates(bmc, signal): Promise<Supported> {
      const probe = ({ settings }: FakeServer): Supported => ({
        targets: TARGETS.filter((target) => !settings.fake_unsupported.includes(target)),
        recalls: RECALLS,
        softRebootInOneCommand,
        probed: true,
      });
      return exchange(bmc, probe, signal);
    },

    getPowerState: (bmc, signal) =>
      exchange(bmc, (server) => ({ ...readingOf(server, clock), place: placeOf(bmc.info) }), signal),

    async setPowerState(bmc, target, signal) {
      if (target === 'soft rebooting' && !softRebootInOneCommand) {
        throw fail('TARGET_NOT_SUPPORTED', 'this fake hardware has no soft reboot of its own');
      }
      const effect = (server: FakeServer): boolean => {
        if (target === 'power on' && refusesOn(server, clock))
          throw fail(
            'BMC_PRIVILEGE_TOO_LOW',
            `fake BMC ${bmc.info.fake_address} refuses a power on so soon after the off`,
          );
        carryOut(server, target, clock);
        return server.settings.fake_fault === 'orders_unanswered';
      };
      if (await order(bmc, effect, signal)) throw await unanswered(bmc.info.fake_address, clock, signal);
      return '';
    },

    allowLogin: async ({ info }) => logins.allow(accountOf(info)),

    abortPowerState: (bmc, target, signal) => order(bmc, (server) => takeBack(server, target, clock), signal),
  });
}

async function answer<T>(
  server: FakeServer,
  effect: (server: FakeServer) => T,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  const { fake_fault: fault, fake_answer_ms: answerMs, fake_address: address } = server.settings;
  throwIfOver(signal);
  if (fault === 'silent') {
    await sleep(FAKE_SILENCE_MS, clock, signal);
    throw fail('BMC_SILENT', `fake BMC ${address} does not answer`);
  }
  const refusal = refusalOf(server);
  if (fault === 'login') server.refusedLogins += 1;
  // Garbled is the answer, not the question: the order is carried out.
  const result = refusal === null || fault === 'garbled' ? effect(server) : null;
  if (answerMs > 0) await sleep(answerMs, clock, signal);
  if (fault === 'no_answer') throw await unanswered(address, clock, signal);
  if (refusal !== null) throw refusal;
  return result as T;
}

/** The error of a command that was carried out and not answered, once it was waited for long enough. */
async function unanswered(address: string, clock: Clock, signal: AbortSignal): Promise<CountermandError> {
  await sleep(FAKE_SILENCE_MS, clock, signal);
  return fail('NO_ANSWER', `fake BMC ${address} did not answer the command; it may have been carried out`);
}
