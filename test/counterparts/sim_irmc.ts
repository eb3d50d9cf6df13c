/** iRMCs of our own simulator, for tests. */
import type { ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { OnOff } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { type HostSettings, QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { HEALTHY_IRMC, type IrmcFaults } from '../../src/sim/irmc/faults.ts';
import { type IrmcPorts, type ListeningIrmc, listenIrmcs } from '../../src/sim/irmc/fleet.ts';
import type { IrmcLogin, SnmpLogin } from '../../src/sim/irmc/logins.ts';
import { type IrmcGeneration, SimIrmc } from '../../src/sim/irmc/sim_irmc.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { TlsIdentity } from '../../src/sim/web.ts';
import { listenToLogins } from './sim_bmc.ts';

/** Who may log in, unless something else is said. */
export const IRMC_LOGIN: IrmcLogin = { username: 'admin', password: 'secret', methods: ['basic', 'digest'] };

/** Who may read over SNMP, unless something else is said. */
export const IRMC_SNMP = {
  community: 'public',
  user: { name: 'reader', authProtocol: 'sha', authPassword: 'authentic', privPassword: 'encrypted' },
} as const satisfies SnmpLogin;

/** What an iRMC is like. */
export interface NewSimIrmc {
  readonly power?: OnOff;
  readonly host?: Partial<HostSettings>;
  readonly login?: Partial<IrmcLogin>;
  readonly snmp?: Partial<SnmpLogin>;
  readonly faults?: Partial<IrmcFaults>;
  readonly generation?: IrmcGeneration;
  /** With TLS if this is given, else http. */
  readonly tls?: TlsIdentity;
  readonly address?: string;
  readonly clock?: Clock;
}

/** One that listens, and the driver_info that reaches it, with SNMP v2c. */
export interface TestedIrmc {
  readonly irmc: SimIrmc;
  readonly address: string;
  readonly ports: IrmcPorts;
  readonly listening: ListeningIrmc;
  readonly info: DriverInfo;
  /** How many logins were tried: wrong logins to the web server, and all to IPMI. */
  logins(): number;
}

/** An iRMC that does not listen. */
export function makeSimIrmc(options: NewSimIrmc = {}): SimIrmc {
  const { power = 'power on', generation = 'S5', clock = systemClock } = options;
  const irmc = new SimIrmc({
    host: new SimHost(power, { ...QUICK_HOST, ...options.host }, clock),
    login: { ...IRMC_LOGIN, ...options.login },
    snmp: { ...IRMC_SNMP, ...options.snmp },
    generation,
    clock,
    chance: systemChance,
  });
  irmc.faults = { ...HEALTHY_IRMC, ...options.faults };
  return irmc;
}

/** An iRMC for one test, stopped at its end. */
export async function newSimIrmc(t: ExecutionContext, options: NewSimIrmc = {}): Promise<TestedIrmc> {
  const { address = ownAddress(), tls = null } = options;
  const irmc = makeSimIrmc(options);
  const overIpmi = listenToLogins(irmc.bmc);
  const fleet = await listenIrmcs([irmc], { address, firstPorts: { web: 0, snmp: 0, ipmi: 0 }, tls });
  t.teardown(() => fleet.stop());
  const [listening] = fleet.irmcs;
  if (listening === undefined) throw new Error('no iRMC listens');
  const { ports } = listening;
  const info = infoOfIrmc(irmc, address, ports, tls !== null);
  return { irmc, address, ports, listening, info, logins: () => irmc.refusedLogins + overIpmi.count };
}

function infoOfIrmc(irmc: SimIrmc, address: string, ports: IrmcPorts, isTls: boolean): DriverInfo {
  const { login, snmp } = irmc.parts;
  return {
    irmc_address: address,
    irmc_port: String(ports.web),
    irmc_protocol: isTls ? 'https' : 'http',
    irmc_username: login.username,
    irmc_password: login.password,
    irmc_auth_method: login.methods[0] ?? 'basic',
    irmc_snmp_version: 'v2c',
    irmc_snmp_port: String(ports.snmp),
    irmc_snmp_community: snmp.community ?? '',
    irmc_ipmi_port: String(ports.ipmi),
  };
}
