/**
 * Prints the documents that are made from tables: `npm run docs` writes them, and test/docs compares them. A document
 * is one line here.
 */
import { writeFileSync } from 'node:fs';
import { printActionTypes } from './docs/action_types.ts';
import { printCli } from './docs/cli.ts';
import { printClusterEvents } from './docs/cluster_events.ts';
import { printConfiguration } from './docs/configuration.ts';
import { printDrivers } from './docs/drivers.ts';
import { printErrors } from './docs/errors.ts';
import { printHttp, printOpenApi } from './docs/http.ts';
import { printLimits } from './docs/limits.ts';
import { printDashboard, printMetrics } from './docs/metrics.ts';
import { NOTIFICATION_PAGES } from './docs/notifications/pages.ts';
import { printRoles } from './docs/roles.ts';
import { printSchema } from './docs/schema.ts';
import { printSideBySide } from './docs/side_by_side.ts';
import { printSinks } from './docs/sinks.ts';
import { printStates } from './docs/states.ts';
import { printStrategies } from './docs/strategies.ts';

/** The printed documents: where each lies, and how it is printed. */
export const PRINTED: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/http.md': printHttp,
  'docs/openapi.json': printOpenApi,
  'docs/side_by_side.md': printSideBySide,
  'docs/states.md': printStates,
  'docs/errors.md': printErrors,
  'docs/roles.md': printRoles,
  'docs/limits.md': printLimits,
  'docs/metrics.md': printMetrics,
  'packaging/grafana/countermand.json': printDashboard,
  'src/server/store/sqlite/schema.ts': printSchema,
  'docs/drivers.md': printDrivers,
  'docs/cli.md': printCli,
  'docs/configuration.md': printConfiguration,
  'docs/action_types.md': printActionTypes,
  'docs/strategies.md': printStrategies,
  'docs/sinks.md': printSinks,
  'docs/cluster_events.md': printClusterEvents,
  ...NOTIFICATION_PAGES,
};

if (import.meta.main) {
  for (const [path, print] of Object.entries(PRINTED))
    writeFileSync(new URL(`../${path}`, import.meta.url), await print());
}
