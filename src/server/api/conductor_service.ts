/** ConductorService: what a conductor is, what it serves and who serves it. */
import { VERSION } from '../../core/version.ts';
import type { ConductorServiceImplementation } from '../../gen/countermand/v1/conductor.ts';
import type { Conductor } from '../conductor.ts';
import { agentsOf, driversOf, statusOf, zonesOf } from './status.ts';
import type { Viewed } from './view.ts';

/** The service over a conductor. */
export function createConductorService(conductor: Conductor): ConductorServiceImplementation<Viewed> {
  return {
    getVersion: async () => ({ version: VERSION }),
    getStatus: (_request, { view }) => statusOf(conductor, view),
    listAgents: async (_request, { view }) => ({ agents: await agentsOf(conductor, view) }),
    listZones: async (_request, { view }) => ({ zones: await zonesOf(conductor, view) }),
    listDrivers: async (_request, { view }) => ({ drivers: await driversOf(conductor, view) }),
  };
}
