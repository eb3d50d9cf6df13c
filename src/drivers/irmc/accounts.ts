/** The accounts by which an iRMC is used: one user for HTTP and IPMI, and one of SNMP's own. */
import { bmcOf } from '../address.ts';
import type { Account } from '../logins.ts';
import { endpointOf, type IrmcInfo, snmpOf } from './info.ts';

/** The account of the user on one way, at an iRMC with this IP address. */
export function accountOf(info: IrmcInfo, address: string, way: 'HTTP' | 'IPMI'): Account {
  const { protocol, port } = endpointOf(info);
  const bmc = bmcOf(address, port, protocol === 'http' ? 80 : 443);
  return { bmc, user: info.irmc_username, way, secret: info.irmc_password };
}

/** The account of SNMPv3; null where SNMP has no login. */
export function snmpAccountOf(info: IrmcInfo, address: string): Account | null {
  const snmp = snmpOf(info);
  if (snmp?.version !== 'v3') return null;
  const secret = JSON.stringify([snmp.authProtocol, snmp.authPassword, snmp.privacyPassword]);
  return { bmc: `SNMP of ${bmcOf(address, snmp.port, 161)}`, user: snmp.user, way: 'SNMP', secret };
}

/** Every account of a driver_info. */
export function accountsOf(info: IrmcInfo, address: string): readonly Account[] {
  const snmp = snmpAccountOf(info, address);
  const own = [accountOf(info, address, 'HTTP'), accountOf(info, address, 'IPMI')];
  return snmp === null ? own : [...own, snmp];
}
