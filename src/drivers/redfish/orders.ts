/** Orders: one Reset, one POST, and once more only after an answer that proves that it was not carried out. */
import { CountermandError, fail } from '../../core/errors.ts';
import { isLeaving, type OrderTarget, TARGET_TABLE } from '../../core/power.ts';
import { type Bmc, objectionTo } from '../driver.ts';
import { bmcName, type RedfishInfo, systemPlace } from './info.ts';
import { sameOriginPath } from './pages.ts';
import { guidOf, type Readings } from './reading.ts';
import type { Answer, Question, Services } from './service.ts';
import type { Systems } from './systems.ts';
import { isAllowed, printable, type ResetType } from './targets.ts';
import { judge } from './verdict.ts';

type Of = Bmc<RedfishInfo>;

/** Sends orders. */
export class Orders {
  readonly #services: Services;
  readonly #systems: Systems;
  readonly #readings: Readings;

  constructor(services: Services, systems: Systems, readings: Readings) {
    this.#services = services;
    this.#systems = systems;
    this.#readings = readings;
  }

  /**
   * Sends one Reset to the System of a node, at most once, and resolves when the BMC has accepted it. The System is read first: its
   * page has the target of the action, what may be sent, and which machine it is.
   * @throws as `setPowerState` of driver.ts says
   */
  async send(bmc: Of, target: OrderTarget, type: ResetType, ip: string, signal: AbortSignal): Promise<void> {
    const { info } = bmc;
    const path = await this.#targetOf(bmc, type, ip, signal).catch(provesNotSent);
    const timeoutMs = info.redfish_client_timeout * 1000;
    const question = { method: 'POST', path, body: { ResetType: type }, order: true, timeoutMs, ip } as const;
    const first = await this.#services
      .ask(info, question, signal)
      .catch((error: unknown) => naming(error, type, signal));
    const { reply, said } = await this.#withMatch(bmc, question, first, signal);
    const error = judge(reply, said, `the BMC ${bmcName(info)}`, `${type} (${target})`);
    if (error === null) return;
    if (reply.status === 404 || reply.status === 405) this.#systems.forget(bmc);
    if (error.code === 'BMC_WRONG_STATE' && (await this.#isThere(bmc, target, ip, signal))) return;
    throw error;
  }

  /** The path that a Reset is sent to. */
  async #targetOf(bmc: Of, type: ResetType, ip: string, signal: AbortSignal): Promise<string> {
    const who = `the BMC ${bmcName(bmc.info)}`;
    const found = await this.#systems.read(bmc, ip, signal);
    const identity = { guid: guidOf(found.page), place: systemPlace(bmc.info, ip, found.path) };
    const objection = objectionTo(identity, bmc.only, bmcName(bmc.info));
    if (objection !== null) throw objection;
    const action = found.page.Actions?.['#ComputerSystem.Reset'];
    if (!action) throw fail('TARGET_NOT_SUPPORTED', `the System ${found.path} of ${who} has no Reset`);
    const allowed = await this.#systems.allowed(bmc, found, ip, signal);
    if (isAllowed(type, allowed)) return sameOriginPath(bmc.info, action.target);
    const listed = allowed.resetTypes === null ? 'no ResetType at all' : printable(allowed.resetTypes);
    throw fail(
      'TARGET_NOT_SUPPORTED',
      `${who} does not offer ${type}; it lists ${listed}, and nothing else is sent instead`,
    );
  }

  /** After 412 or 428 nothing was carried out: the order is sent once more, for the System as it is now. */
  async #withMatch(bmc: Of, question: Question, first: Answer, signal: AbortSignal): Promise<Answer> {
    if (first.reply.status !== 412 && first.reply.status !== 428) return first;
    const { etag } = await this.#systems.read(bmc, question.ip, signal).catch(provesNotSent);
    if (etag === undefined) return first;
    return this.#services.ask(bmc.info, { ...question, headers: { 'if-match': etag } }, signal);
  }

  /** True if the BMC has refused to power on or off because the node is there already. */
  async #isThere(bmc: Of, target: OrderTarget, ip: string, signal: AbortSignal): Promise<boolean> {
    const { settlesIn, idempotent } = TARGET_TABLE[target];
    if (!idempotent) return false;
    try {
      const { page } = await this.#systems.read(bmc, ip, signal);
      const reading = await this.#readings.of(bmc, page, ip, signal);
      return reading.powerState === settlesIn && !isLeaving(reading);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CountermandError) return false;
      throw error;
    }
  }
}

/** An error that leaves the outcome open names what was sent. */
function naming(error: unknown, type: ResetType, signal: AbortSignal): never {
  signal.throwIfAborted();
  const isOpen = error instanceof CountermandError && ['NO_ANSWER', 'BMC_GARBLED'].includes(error.code);
  throw isOpen ? fail(error.code, `${error.message}: Reset ${type}`, error) : error;
}

/** A garbled answer leaves open what was done. Before an order nothing was. */
function provesNotSent(error: unknown): never {
  if (!(error instanceof CountermandError) || error.code !== 'BMC_GARBLED') throw error;
  throw fail('BMC_PROTOCOL_VIOLATION', `${error.message}; nothing was sent to it`, error);
}
