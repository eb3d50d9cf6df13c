/** The table of all routes. Where several match a request, the first serves it. */
import { CONSOLE_ROUTES } from './console.ts';
import { HEALTH_ROUTES } from './health.ts';
import { ABSENT_ROUTES } from './ironic/absent.ts';
import { DISCOVERY_ROUTES } from './ironic/discovery.ts';
import { DRIVER_ROUTES } from './ironic/drivers.ts';
import { NODE_LIST_ROUTES } from './ironic/node_lists.ts';
import { NODE_ROUTES } from './ironic/nodes.ts';
import { POWER_ROUTES } from './ironic/power.ts';
import { openApiRoute } from './openapi.ts';
import type { Route } from './route.ts';
import { ACTION_ROUTES } from './watcher/actions.ts';
import { AUDIT_ROUTES } from './watcher/audits.ts';
import { PLAN_ROUTES } from './watcher/plans.ts';
import { STRATEGY_ROUTES } from './watcher/strategies.ts';
import { TEMPLATE_ROUTES } from './watcher/templates.ts';

/** Every route of the door. */
export const ROUTES: readonly Route[] = [
  ...HEALTH_ROUTES,
  ...CONSOLE_ROUTES,
  ...DISCOVERY_ROUTES,
  ...NODE_LIST_ROUTES,
  ...NODE_ROUTES,
  ...POWER_ROUTES,
  ...DRIVER_ROUTES,
  ...ABSENT_ROUTES,
  ...STRATEGY_ROUTES,
  ...TEMPLATE_ROUTES,
  ...AUDIT_ROUTES,
  ...PLAN_ROUTES,
  ...ACTION_ROUTES,
  openApiRoute(() => ROUTES),
];
