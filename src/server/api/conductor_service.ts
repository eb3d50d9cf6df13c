/** ConductorService: what a conductor is, what it serves and who serves it. */
import { failAt } from '../../core/errors.ts';
import { LOG_LEVELS } from '../../core/log_levels.ts';
import { VERSION } from '../../core/version.ts';
import type { ConductorServiceImplementation } from '../../gen/countermand/v1/conductor.ts';
import type { Asked } from '../access/identity.ts';
import type { Conductor } from '../conductor.ts';
import { writeAlso } from '../store/also.ts';
import { agentsOf, driversOf, statusOf, zonesOf } from './status.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';

/** The service over a conductor. */
export function createConductorService(
  conductor: Conductor,
): ConductorServiceImplementation<Asked & Viewed & Recorded> {
  const { logLevel, store } = conductor;
  return {
    getVersion: async () => ({ version: VERSION }),
    getStatus: (_request, { view }) => statusOf(conductor, view),
    listAgents: async (_request, { view }) => ({ agents: await agentsOf(conductor, view) }),
    listZones: async (_request, { view }) => ({ zones: await zonesOf(conductor, view) }),
    listDrivers: async (_request, { view }) => ({ drivers: await driversOf(conductor, view) }),
    getLogLevel: async () => ({ level: logLevel.now(), configured: logLevel.configured() }),
    async setLogLevel({ level: wanted }, { identity, record }) {
      const level = LOG_LEVELS.find((each) => each === wanted);
      if (level === undefined)
        throw failAt(
          'ARGUMENT_INVALID',
          'level',
          `'${wanted.slice(0, 100)}' is no level of the log; the levels are ${LOG_LEVELS.join(', ')}`,
        );
      const previous = logLevel.now();
      if (level !== previous) {
        // The trail says who has made the log silent before it is.
        await writeAlso(
          store.database,
          record,
          () => ({ logLevel: previous }),
          async () => {},
        );
        logLevel.set(level, identity.name);
      }
      return { level, configured: logLevel.configured(), previous };
    },
  };
}
