/** The RPCs of NotificationService about sinks. */
import type { CallContext } from 'nice-grpc';
import { type NotificationServiceImplementation, type Sink, SinkState } from '../../gen/countermand/v1/notification.ts';
import type { Asked } from '../access/identity.ts';
import type { Conductor } from '../conductor.ts';
import type { Courier } from '../sinks/courier.ts';
import { lastSequence, timeOfNext } from '../store/events.ts';
import { inCall } from './calls.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';
import { date } from './wire.ts';

type SinkRpcs = Pick<
  NotificationServiceImplementation<Asked & Viewed & Recorded>,
  'createSink' | 'getSink' | 'listSinks' | 'deleteSink' | 'testSink'
>;

/** The RPCs over a conductor. */
export function sinksOf(conductor: Conductor): SinkRpcs {
  const { sinks, shutdown } = conductor;
  const shown = (courier: Courier): Promise<Sink> => toSink(courier, conductor);
  return {
    async createSink({ fromSequence, ...wanted }, { identity, record }) {
      const from = fromSequence === undefined ? null : Number(fromSequence);
      return { sink: await shown(await sinks.create({ ...wanted, from, createdBy: identity.name }, record)) };
    },
    getSink: async ({ sink }) => ({ sink: await shown(sinks.get(sink)) }),
    listSinks: async () => ({ sinks: await Promise.all(sinks.list().map(shown)) }),
    async deleteSink({ sink }, { record }) {
      await sinks.delete(sink, record);
      return {};
    },
    async testSink({ sink }, context: CallContext) {
      return { sink: await shown(await inCall(context, shutdown, (signal) => sinks.test(sink, signal))) };
    },
  };
}

/** A sink as it stands. */
export async function toSink(courier: Courier, { sinks, store }: Pick<Conductor, 'sinks' | 'store'>): Promise<Sink> {
  const { row, position, failing, offReason, testFailure } = courier;
  const { read } = store.database;
  const { uuid, name, kind, eventTypes, createdAt, createdBy } = row;
  const state = offReason !== null ? SinkState.OFF : failing === null ? SinkState.ON : SinkState.RETRYING;
  return {
    ...{ uuid, name, kind, createdBy, state },
    settings: { ...sinks.shownSettings(row) },
    eventTypes: [...eventTypes],
    createdAt: date(createdAt),
    position: BigInt(position),
    lag: BigInt(Math.max(0, (await lastSequence(read)) - position)),
    waitingSince: date(await timeOfNext(position, read)),
    problem: offReason ?? failing?.message ?? (testFailure === null ? '' : `a test failed: ${testFailure}`),
    failingSince: date(failing?.since ?? null),
    failedAttempts: failing?.attempts ?? 0,
    nextAttemptAt: state === SinkState.RETRYING ? date(failing?.nextAt ?? null) : undefined,
  };
}
