/** What probes and Prometheus ask: is the process there, does it take orders, and how is it. */
import { z } from 'zod';
import { ok } from './answer.ts';
import { type Route, route } from './route.ts';

/** The text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

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
  route({
    method: 'GET',
    path: '/metrics',
    chapter: 'door',
    says: 'answers the metrics of the conductor, as Prometheus reads them; docs/metrics.md lists them',
    status: 200,
    textType: METRICS_TYPE,
    async handle({ metrics }) {
      return { status: 200, text: { type: METRICS_TYPE, content: await metrics() } };
    },
  }),
];
