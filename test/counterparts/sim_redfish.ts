/** Redfish services of our own simulator, for tests. */
import type { ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { OnOff, OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { type HostSettings, QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { HEALTHY_REDFISH, type RedfishFaults } from '../../src/sim/redfish/faults.ts';
import { listenAllRedfish } from '../../src/sim/redfish/fleet.ts';
import { SimRedfish, type SimSystem } from '../../src/sim/redfish/sim_redfish.ts';
import { readTree, type TreeName } from '../../src/sim/redfish/trees.ts';
import type { ServerTls } from '../../src/sim/web.ts';

/** The password of the only user. */
export const REDFISH_PASSWORD = 'pw-tops3cret';

/** The target of each ResetType. */
export const TARGET_OF: Readonly<Record<string, OrderTarget>> = {
  On: 'power on',
  ForceOff: 'power off',
  ForceRestart: 'rebooting',
  GracefulShutdown: 'soft power off',
  GracefulRestart: 'soft rebooting',
  Nmi: 'inject nmi',
};

/** What a System is like. */
export type NewSystem = Partial<Omit<SimSystem, 'host'>>;

/** What a service is like. */
export interface NewSimRedfish {
  readonly power?: OnOff;
  readonly host?: Partial<HostSettings>;
  readonly faults?: Partial<RedfishFaults>;
  /** Its pages are those of a recording, and its Systems. */
  readonly like?: TreeName;
  /** One with the Id 1 if left out. */
  readonly systems?: readonly NewSystem[];
  /** With TLS if this is given, else http. */
  readonly tls?: ServerTls;
  readonly clock?: Clock;
}

/** One that listens, and the driver_info that reaches it. */
export interface TestedRedfish {
  readonly redfish: SimRedfish;
  /** The server of the first System that can be reset, or of the first. */
  readonly host: SimHost;
  readonly info: DriverInfo;
  /** Changes the given faults, and leaves the others. */
  set(faults: Partial<RedfishFaults>): void;
}

/** A service for one test, stopped at its end. */
export async function newSimRedfish(t: ExecutionContext, options: NewSimRedfish = {}): Promise<TestedRedfish> {
  const { power = 'power on', clock = systemClock, tls = null, like } = options;
  const tree = like === undefined ? null : await readTree(like);
  const systems: readonly NewSystem[] = options.systems ?? tree?.systems ?? [{}];
  const all = systems.map(
    (system, index): SimSystem => ({
      id: String(index + 1),
      uuid: systemChance.uuid(),
      hasReset: true,
      host: new SimHost(power, { ...QUICK_HOST, ...options.host }, clock),
      ...system,
    }),
  );
  const login = { username: 'admin', password: REDFISH_PASSWORD };
  const redfish = new SimRedfish({ systems: all, login, clock, chance: systemChance, tree });
  redfish.faults = { ...(tree?.healthy ?? HEALTHY_REDFISH), ...options.faults };
  const fleet = await listenAllRedfish([redfish], { address: ownAddress(), firstPort: 0, tls });
  t.teardown(() => fleet.stop());
  const port = fleet.services[0]?.port;
  const first = all.find(({ hasReset }) => hasReset) ?? all[0];
  if (first === undefined) throw new Error('there is no System');
  const info = {
    redfish_address: `${tls === null ? 'http' : 'https'}://${ownAddress()}:${port}`,
    redfish_username: login.username,
    redfish_password: login.password,
  };
  const set = (faults: Partial<RedfishFaults>): void => {
    redfish.faults = { ...redfish.faults, ...faults };
  };
  return { redfish, host: first.host, info, set };
}
