/** What probes and Prometheus ask: is the process there, does it take orders, and how is it. */
import * as z from 'zod';
import { ok } from './answer.ts';
import { type Route, route } from './route.ts';

/** The text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const Alive = z.object({ alive: z.literal(true) });
const Ready = z.object({
  ready: z.literal(true),
  leads: z.literal(true),
  database: z.literal('writable'),
  zones: z.int(),
  zones_without_agent: z.int(),
});

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
    says: 'the conductor leads, its database can be written, and an agent is attached for at least one of the zones with nodes; 503 with the reason if not',
    status: 200,
    answer: Ready,
    async handle({ readiness }) {
      const { zones, zonesWithoutAgent } = await readiness();
      const said = { zones, zones_without_agent: zonesWithoutAgent };
      return ok({ ready: true, leads: true, database: 'writable', ...said } satisfies z.infer<typeof Ready>);
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
