/** The table of all routes. Where several match a request, the first serves it. */
import { HEALTH_ROUTES } from './health.ts';
import type { Route } from './route.ts';

/** Every route of the door. */
export const ROUTES: readonly Route[] = [...HEALTH_ROUTES];
