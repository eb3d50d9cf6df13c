/** What OpenStack Watcher 2023.1 to 2026.1 gets wrong about moving instances, one by one: ours does not. */
import test, { type ExecutionContext } from 'ava';
import type { SimInstance } from '../../../src/sim/compute/model.ts';
import { arrived, type CloudWorld, cameTo, openCloudWorld, startOne } from './cloud_world.ts';

interface Started extends CloudWorld {
  readonly vm1: SimInstance;
}

/** A world with vm1 on cmp1, and a plan that migrates it. */
async function started(
  t: ExecutionContext,
  parameters: Record<string, unknown> = {},
  arrange: (at: Started) => void = () => {},
  vmState: SimInstance['vmState'] = 'active',
): Promise<Started> {
  const at = await openCloudWorld(t, 3);
  const both = { ...at, vm1: at.vm('vm1', 'cmp1', vmState) };
  arrange(both);
  await startOne(at, 'migrate', { instance: both.vm1.uuid, ...parameters });
  return both;
}

async function cancelledAfter(at: CloudWorld, ms: number, thenMs = 30_000): Promise<string> {
  await at.world.clock.turn(ms);
  await at.world.conductor.plans.cancel('p', '');
  await at.world.clock.turn(thenMs);
  return cameTo(at);
}

async function rolledBack(at: CloudWorld): Promise<string> {
  await at.world.conductor.plans.rollback({
    plan: 'p',
    requestId: 'back',
    skipIrreversible: false,
    acceptDrift: false,
  });
  await at.world.clock.turn(60_000);
  return cameTo(at, 'back');
}

/** The fault, and the scenario that shows that it is not ours. */
const FAULTS: readonly [string, (t: ExecutionContext) => Promise<void>][] = [
  [
    '1: an abort without a destination compares the host with None, and fails a move that was made',
    async (t) => {
      const at = await started(t, { kind: 'live' });
      t.regex(await cancelledAfter(at, 11_000), /^SUCCEEDED TOO_LATE: vm1 is on cmp[23]$/);
    },
  ],
  [
    '2: an abort in accepted sends nothing, and waits for the move to end',
    async (t) => {
      const at = await started(t, { kind: 'live' });
      t.regex(await cancelledAfter(at, 1000, 5000), /^CANCELLED RECALLED/);
      t.is(arrived(at, 'live_migration_cancel'), 1);
    },
  ],
  [
    '3: an abort takes its 202 for done, and cannot end what is queued',
    async (t) => {
      const at = await started(t, { kind: 'live' }, ({ sim, vm1 }) =>
        sim.cloud.faults.set(vm1.uuid, { abort: 'refused' }),
      );
      t.regex(await cancelledAfter(at, 5000), /^SUCCEEDED TOO_LATE: vm1 is on cmp[23]; its abort was accepted/);
    },
  ],
  [
    '4: a cold migration without a valid host is waited for a quarter of an hour',
    async (t) => {
      const at = await started(t, { kind: 'cold' }, ({ sim, vm1 }) =>
        sim.cloud.faults.set(vm1.uuid, { cold: 'no-valid-host' }),
      );
      await at.world.clock.turn(5000);
      t.regex(await cameTo(at), /^FAILED vm1 is still on cmp1: .*No valid host/);
    },
  ],
  [
    '5: a paused instance that is migrated live is never seen to arrive',
    async (t) => {
      const at = await started(t, {}, () => {}, 'paused');
      await at.world.clock.turn(20_000);
      t.regex(await cameTo(at), /^SUCCEEDED vm1 is on cmp[23]$/);
      t.is(at.vm1.vmState, 'paused');
    },
  ],
  [
    '6: an instance that is where it should be counts as moved, whatever the outcome of its migration',
    async (t) => {
      const at = await started(t, { destination: 'cmp2' }, ({ sim, vm1 }) =>
        sim.cloud.faults.set(vm1.uuid, { live: 'error-moved' }),
      );
      await at.world.clock.turn(20_000);
      t.is(at.vm1.host, 'cmp2');
      t.regex(await cameTo(at), /^FAILED vm1 is in ERROR on cmp2/);
    },
  ],
  [
    '7: an order whose answer was lost is sent again, and its refusal ends the action while the instance moves',
    async (t) => {
      const at = await started(t, {}, ({ sim, vm1 }) => sim.cloud.faults.set(vm1.uuid, { answers: 'lost-after' }));
      await at.world.clock.turn(20_000);
      t.regex(await cameTo(at), /^SUCCEEDED vm1 is on cmp[23]$/);
      t.is(arrived(at, 'live-migration'), 1);
    },
  ],
  [
    '8: a cold migration is confirmed at once, and never reverted',
    async (t) => {
      const at = await started(t, { kind: 'cold' });
      await at.world.clock.turn(30_000);
      t.is(arrived(at, 'confirmResize'), 0);
      t.is(await rolledBack(at), 'SUCCEEDED vm1 is on cmp1');
      t.deepEqual([arrived(at, 'revertResize'), arrived(at, 'migrate')], [1, 1]);
    },
  ],
  [
    '9: the way back names a uuid as its host',
    async (t) => {
      const at = await started(t, { kind: 'live' });
      await at.world.clock.turn(30_000);
      t.is(await rolledBack(at), 'SUCCEEDED vm1 is on cmp1');
      t.deepEqual(
        at.sim.cloud.arrived.map(({ host }) => host),
        [null, 'cmp1'],
      );
    },
  ],
  [
    '10: the way back enables a service that an operator had disabled, and loses the reason',
    async (t) => {
      const at = await openCloudWorld(t);
      const host = at.sim.cloud.hosts.get('cmp1');
      Object.assign(host ?? {}, { status: 'disabled', reason: 'smells' });
      await startOne(at, 'change_compute_service_state', { state: 'disabled', disabled_reason: 'ours' });
      await at.world.clock.turn(5000);
      t.is(await cameTo(at), 'SUCCEEDED nova-compute of cmp1 is disabled (smells) already');
      const refused = await t.throwsAsync(rolledBack(at));
      t.regex(refused?.message ?? '', /changed nothing that could be undone/);
      t.like(host, { status: 'disabled', reason: 'smells' });
    },
  ],
  [
    '11: hosts that were disabled for a reason are enabled, and filled',
    async (t) => {
      const at = await started(t, {}, ({ sim }) =>
        Object.assign(sim.cloud.hosts.get('cmp2') ?? {}, { status: 'disabled', reason: 'burnt' }),
      );
      await at.world.clock.turn(20_000);
      t.is(at.vm1.host, 'cmp3');
      t.like(at.sim.cloud.hosts.get('cmp2'), { status: 'disabled', reason: 'burnt' });
    },
  ],
  [
    '12: what runs cannot be aborted any more',
    async (t) => {
      const at = await started(t, { kind: 'live' });
      t.regex(await cancelledAfter(at, 5000, 5000), /^CANCELLED RECALLED: vm1 is on cmp1/);
    },
  ],
  [
    '13: its pretended service moves at once, so that no abort can be tried',
    async (t) => {
      const at = await started(t, { kind: 'live' });
      const seen: string[] = [];
      for (let second = 0; second < 24; second += 1) {
        const status = at.sim.cloud.newestOf(at.vm1)?.status ?? 'no record';
        if (seen.at(-1) !== status) seen.push(status);
        await at.world.clock.turn(250);
        if (second > 5) await at.world.clock.turn(1000);
      }
      t.deepEqual(seen, ['no record', 'accepted', 'preparing', 'running', 'completed']);
    },
  ],
];
for (const [fault, shows] of FAULTS) test(fault, shows);
