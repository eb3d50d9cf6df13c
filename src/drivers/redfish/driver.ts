/**
 * The driver `redfish`. An order is one Reset, one POST on a connection of its own. It is sent again only after an answer that
 * proves that it was not carried out, and at most once.
 */
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { OPEN_LIMITS } from '../../core/limits.ts';
import type { Reading } from '../../core/power.ts';
import { Authorities } from '../authorities.ts';
import { ALL_BUT_NMI_ABORT, type Bmc, type Driver, defineDriver, type Supported } from '../driver.ts';
import { type Exchanges, exchangesOf } from '../exchanges.ts';
import { Logins } from '../logins.ts';
import { Lookups, type Resolver, systemResolver } from '../lookups.ts';
import { accountOf, type RedfishInfo, reachOf, redfishKey, redfishPlace, redfishSchema, systemPlace } from './info.ts';
import { Orders } from './orders.ts';
import { Readings } from './reading.ts';
import { Services } from './service.ts';
import { Systems } from './systems.ts';
import { meaningsFor, supportedBy, supportsNothing } from './targets.ts';

/** What the driver needs. */
interface RedfishDriverParts {
  readonly clock: Clock;
  /** The exchanges over HTTP at the same time; by default as many as `bmc_exchanges` allows. */
  readonly exchanges?: Exchanges;
  /** How host names are looked up; by the system if left out. */
  readonly resolver?: Resolver;
  /** What is known of refused logins; nothing at first if left out. */
  readonly logins?: Logins;
  /** Whose certificates BMCs may show; no file is read if left out. */
  readonly authorities?: Authorities;
}

type Of = Bmc<RedfishInfo>;

const TRAITS = {
  name: 'redfish',
  schema: redfishSchema,
  targets: ALL_BUT_NMI_ABORT,
  keyOf: redfishKey,
  reach: reachOf,
};

/** The driver `redfish`. */
export function createRedfishDriver({
  clock,
  resolver = systemResolver,
  exchanges = exchangesOf(OPEN_LIMITS.bmc_exchanges.limit),
  logins = new Logins(clock),
  authorities = new Authorities(null, clock),
}: RedfishDriverParts): Driver<RedfishInfo> {
  const lookups = new Lookups(resolver, clock);
  const services = new Services({ clock, authorities }, logins, exchanges.questions);
  const systems = new Systems(services, clock);
  const readings = new Readings(services, clock);
  const orders = new Orders(services, systems, readings);
  const find = ({ info }: Of, age: 'anew' | 'recent', signal: AbortSignal): Promise<string> =>
    lookups.findBmc(info.redfish_address.host, 'redfish_address', info, age, signal);

  async function probe(bmc: Of, signal: AbortSignal): Promise<Supported> {
    const ip = await find(bmc, 'recent', signal);
    const found = await systems.read(bmc, ip, signal);
    if (!found.page.Actions?.['#ComputerSystem.Reset'])
      return supportsNothing(meaningsFor(bmc.info), `the System ${found.path} has no Reset`);
    const { PowerState: word } = found.page;
    const now = word === 'On' ? 'power on' : word === 'Off' ? 'power off' : undefined;
    return supportedBy(meaningsFor(bmc.info), await systems.allowed(bmc, found, ip, signal), now);
  }

  async function read(bmc: Of, signal: AbortSignal): Promise<Reading> {
    const ip = await find(bmc, 'recent', signal);
    const { page, path } = await systems.read(bmc, ip, signal);
    return { ...(await readings.of(bmc, page, ip, signal)), place: systemPlace(bmc.info, ip, path) };
  }

  return defineDriver<RedfishInfo>({
    ...TRAITS,

    async locate(bmc, age, signal) {
      return redfishPlace(bmc.info, await find(bmc, age, signal));
    },

    getSupportedPowerStates: (bmc, signal) => exchanges.questions.hold(() => probe(bmc, signal), signal),

    getPowerState: (bmc, signal) => exchanges.questions.hold(() => read(bmc, signal), signal),

    async setPowerState(bmc, target, signal) {
      const [type, ...more] = meaningsFor(bmc.info)[target];
      if (more.length > 0)
        throw fail(
          'TARGET_NOT_SUPPORTED',
          `redfish has no one command for ${target} unless redfish_graceful_restart is true; order a soft power off, then a power on`,
        );
      const send = async (): Promise<void> => orders.send(bmc, target, type, await find(bmc, 'anew', signal), signal);
      await exchanges.orders.hold(send, signal);
      return `Reset ${type}`;
    },

    async abortPowerState(_bmc, target) {
      return {
        accepted: false,
        reason: `no Redfish BMC takes back a ${target}: the operating system has been asked, and may still stop`,
      };
    },

    async allowLogin(bmc, signal) {
      logins.allow(accountOf(bmc.info, await find(bmc, 'recent', signal)));
    },

    sessions: () => services.sessions,
    close: () => services.close(),
  });
}
