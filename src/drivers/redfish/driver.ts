/**
 * The driver `redfish`. An order is one Reset, one POST on a connection of its own. It is sent again only after an answer that
 * proves that it was not carried out, and at most once.
 */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, fail } from '../../core/errors.ts';
import { isLeaving, type OrderTarget, type Reading, TARGET_TABLE } from '../../core/power.ts';
import { type Bmc, type Driver, defineDriver, objectionTo } from '../driver.ts';
import { Lookups, type Resolver, systemResolver } from '../lookups.ts';
import { bmcName, type RedfishInfo, redfishKey, redfishPlace, redfishSchema } from './info.ts';
import { sameOriginPath } from './pages.ts';
import { guidOf, Readings } from './reading.ts';
import { type Answer, type Question, Services } from './service.ts';
import { type FoundSystem, Systems } from './systems.ts';
import { isAllowed, printable, REDFISH_TARGETS, RESET_TYPES, type ResetType, supportedBy } from './targets.ts';
import { judge } from './verdict.ts';

/** What the driver needs. */
export interface RedfishDriverParts {
  readonly clock: Clock;
  /** How host names are looked up; by the system if left out. */
  readonly resolver?: Resolver;
}

type Of = Bmc<RedfishInfo>;

/** The driver `redfish`. */
export function createRedfishDriver({ clock, resolver = systemResolver }: RedfishDriverParts): Driver<RedfishInfo> {
  const lookups = new Lookups(resolver, clock);
  const services = new Services(clock);
  const systems = new Systems(services, clock);
  const readings = new Readings(services, clock);
  const find = ({ info }: Of, age: 'anew' | 'recent', signal: AbortSignal): Promise<string> =>
    lookups.findBmc(info.redfish_address.host, 'redfish_address', age, signal);

  async function read(bmc: Of, ip: string, signal: AbortSignal): Promise<Reading> {
    const { page } = await systems.read(bmc, ip, signal);
    return { ...(await readings.of(bmc, page, ip, signal)), place: redfishPlace(bmc.info, ip) };
  }

  /** What a Reset is sent to. @throws a code that proves that nothing was sent */
  async function prepare(bmc: Of, type: ResetType, ip: string, signal: AbortSignal) {
    const who = `the BMC ${bmcName(bmc.info)}`;
    const found = await systems.read(bmc, ip, signal);
    const identity = { guid: guidOf(found.page), place: redfishPlace(bmc.info, ip) };
    const objection = objectionTo(identity, bmc.only, bmcName(bmc.info));
    if (objection !== null) throw objection;
    const action = found.page.Actions?.['#ComputerSystem.Reset'];
    if (!action) throw fail('TARGET_NOT_SUPPORTED', `the System ${found.path} of ${who} has no Reset`);
    const allowed = await systems.allowed(bmc, found, ip, signal);
    if (!isAllowed(type, allowed)) {
      const listed = allowed.resetTypes === null ? 'no ResetType at all' : printable(allowed.resetTypes);
      throw fail(
        'TARGET_NOT_SUPPORTED',
        `${who} does not offer ${type}; it lists ${listed}, and nothing else is sent instead`,
      );
    }
    return { found, path: sameOriginPath(bmc.info, action.target) };
  }

  /** Sends one Reset, and judges the answer. */
  async function send(bmc: Of, target: OrderTarget, type: ResetType, ip: string, signal: AbortSignal): Promise<void> {
    const { info } = bmc;
    const { path } = await prepare(bmc, type, ip, signal).catch((error: unknown) => {
      throw beforeTheOrder(error);
    });
    const timeoutMs = info.redfish_client_timeout * 1000;
    const question = { method: 'POST', path, body: { ResetType: type }, order: true, timeoutMs, ip } as const;
    const first = await services.ask(info, question, signal);
    const answer = await withMatch(bmc, question, first, ip, signal);
    const { status } = answer.reply;
    const error = judge(answer.reply, answer.said, `the BMC ${bmcName(info)}`, `${type} (${target})`);
    if (error === null) return;
    if (status === 404 || status === 405) systems.forget(bmc);
    if ((status === 400 || status === 409) && (await isThere(bmc, target, error, ip, signal))) return;
    throw error;
  }

  /** After 412 or 428 nothing was carried out: the order is sent once more, for the System as it is now. */
  async function withMatch(
    bmc: Of,
    question: Question,
    first: Answer,
    ip: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (first.reply.status !== 412 && first.reply.status !== 428) return first;
    const fresh = await systems.read(bmc, ip, signal).then(
      ({ etag }: FoundSystem) => etag,
      (error: unknown) => {
        throw beforeTheOrder(error);
      },
    );
    return fresh === undefined
      ? first
      : services.ask(bmc.info, { ...question, headers: { 'if-match': fresh } }, signal);
  }

  /** True if the BMC has refused to power on or off because the node is there already. */
  async function isThere(
    bmc: Of,
    target: OrderTarget,
    refusal: CountermandError,
    ip: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { settlesIn, idempotent } = TARGET_TABLE[target];
    if (!idempotent || refusal.code !== 'BMC_WRONG_STATE') return false;
    try {
      const reading = await read(bmc, ip, signal);
      return reading.powerState === settlesIn && !isLeaving(reading);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountermandError) return false;
      throw error;
    }
  }

  return defineDriver<RedfishInfo>({
    name: 'redfish',
    schema: redfishSchema,
    targets: REDFISH_TARGETS,
    keyOf: redfishKey,

    async locate(bmc, age, signal) {
      return redfishPlace(bmc.info, await find(bmc, age, signal));
    },

    async getSupportedPowerStates(bmc, signal) {
      const ip = await find(bmc, 'recent', signal);
      const found = await systems.read(bmc, ip, signal);
      if (!found.page.Actions?.['#ComputerSystem.Reset'])
        return { targets: [], probed: true, reason: `the System ${found.path} has no Reset` };
      const { PowerState: word } = found.page;
      const now = word === 'On' ? 'power on' : word === 'Off' ? 'power off' : undefined;
      return supportedBy(await systems.allowed(bmc, found, ip, signal), now);
    },

    async getPowerState(bmc, signal) {
      return read(bmc, await find(bmc, 'recent', signal), signal);
    },

    async setPowerState(bmc, target, signal) {
      const type = RESET_TYPES[target];
      if (type === undefined)
        throw fail(
          'TARGET_NOT_SUPPORTED',
          `redfish has no command for ${target}; order a soft power off, then a power on`,
        );
      await send(bmc, target, type, await find(bmc, 'anew', signal), signal);
    },

    async abortPowerState(_bmc, target) {
      return {
        accepted: false,
        reason: `no Redfish BMC takes back a ${target}: the operating system has been asked, and may still stop`,
      };
    },

    close: () => services.close(),
  });
}

/** A garbled answer leaves open what was done. Before an order nothing was. */
function beforeTheOrder(error: unknown): unknown {
  if (!(error instanceof CountermandError) || error.code !== 'BMC_GARBLED') return error;
  return fail('BMC_PROTOCOL_VIOLATION', `${error.message}; nothing was sent to it`, error);
}
