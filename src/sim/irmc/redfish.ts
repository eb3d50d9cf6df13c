/** The little of an iRMC's Redfish that is about power: what the server is about. Orders come over SCCI. */
import type { SimHost } from '../host.ts';

const SYSTEM = '/redfish/v1/Systems/0';

/** A power state that Redfish shows whatever the server is; null if it shows what the server is. */
type Shown = string | null;

/** What is read at a path; null if there is nothing. iRMCs escape the slashes of their JSON. */
export function readRedfish(path: string, host: SimHost, guid: Buffer, shown: Shown = null): string | null {
  const resource = resourceAt(path.replace(/\/$/, ''), host, guid, shown);
  return resource === null ? null : JSON.stringify(resource).replaceAll('/', '\\/');
}

function resourceAt(path: string, host: SimHost, guid: Buffer, shown: Shown): object | null {
  if (path === SYSTEM)
    return {
      '@odata.id': SYSTEM,
      '@odata.type': '#ComputerSystem.v1_8_0.ComputerSystem',
      Id: '0',
      UUID: guid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      PowerState: shown ?? (host.power === 'power on' ? 'On' : 'Off'),
    };
  if (path === `${SYSTEM}/Bios`)
    return {
      '@odata.id': `${SYSTEM}/Bios`,
      '@odata.type': '#Bios.v1_0_2.Bios',
      Id: 'Bios',
      Oem: { ts_fujitsu: { IsBiosInPostPhase: host.boot === 'self-test' } },
    };
  return null;
}
