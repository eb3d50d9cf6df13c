/** What is counted of the clouds that are followed, when the metrics are asked for. */
import type { Clock } from '../../core/clock.ts';
import type { FollowedCloud } from '../clouds/clouds.ts';
import type { Labels, MetricRegistry } from './registry.ts';

/** Brings the gauges of clouds up to date. A series that nothing is known of yet is not there. */
export function gaugeClouds(clouds: readonly FollowedCloud[], clock: Clock, registry: MetricRegistry): void {
  const sources = clouds.flatMap(({ source }) => (source === null ? [] : [source]));
  const polls = clouds.flatMap(({ poll }) => (poll === null ? [] : [poll]));
  registry.set(
    'countermand_notifications_total',
    sources.flatMap(({ cloud, counts }) =>
      Object.entries(counts).map(([result, count]): [Labels, number] => [{ cloud, result }, count]),
    ),
  );
  registry.set(
    'countermand_notifications_connected',
    sources.map(({ cloud, connectedSince }) => [{ cloud }, Number(connectedSince !== null)]),
  );
  registry.set(
    'countermand_notification_lag_seconds',
    sources.flatMap(({ cloud, lagMs }) => (lagMs === null ? [] : [[{ cloud }, lagMs / 1000]])),
  );
  registry.set(
    'countermand_notification_age_seconds',
    sources.flatMap(({ cloud, lastAt }) =>
      lastAt === null ? [] : [[{ cloud }, Math.max(0, clock.now() - lastAt) / 1000]],
    ),
  );
  registry.set(
    'countermand_cloud_answers',
    polls.map(({ cloud, failing, lastAt }) => [{ cloud }, Number(failing === null && lastAt !== null)]),
  );
  registry.set(
    'countermand_compute_services',
    polls.flatMap(({ cloud, seen, lastAt }) =>
      lastAt === null
        ? []
        : [
            [{ cloud, state: 'up' }, seen.up],
            [{ cloud, state: 'down' }, seen.down],
          ],
    ),
  );
}
