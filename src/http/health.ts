/** What probes ask: is the process there, and does it take orders. */
import { z } from 'zod';
import { ok } from './answer.ts';
import { type Route, route } from './route.ts';

const Alive = z.object({ alive: z.literal(true) });
const Ready = z.object({ ready: z.literal(true) });

/** The routes of probes. */
export const HEALTH_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    chapter: 'door',
    says: 'the process answers',
    status: 200,
    answer: Alive,
    handle: () => ok({ alive: true } satisfies z.infer<typeof Alive>),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    chapter: 'door',
    says: 'the conductor takes orders; 503 with the reason if it does not, as while the disk is full',
    status: 200,
    answer: Ready,
    handle({ notReady }) {
      const error = notReady();
      if (error) throw error;
      return ok({ ready: true } satisfies z.infer<typeof Ready>);
    },
  }),
];
