/** ConductorService: what a conductor is, what it serves and who serves it. */
import { VERSION } from '../../core/version.ts';
import type { ConductorServiceImplementation } from '../../gen/countermand/v1/conductor.ts';
import type { Conductor } from '../conductor.ts';
import { agentsOf, driversOf, statusOf, zonesOf } from './status.ts';

/** The service over a conductor. */
export function createConductorService(conductor: Conductor): ConductorServiceImplementation {
  return {
    getVersion: async () => ({ version: VERSION }),
    getStatus: () => statusOf(conductor),
    listAgents: async () => ({ agents: await agentsOf(conductor) }),
    listZones: async () => ({ zones: await zonesOf(conductor) }),
    listDrivers: async () => ({ drivers: await driversOf(conductor) }),
  };
}
