/** The action type migrate over a pretended cloud: each state of a migration, aborted, crashed, and with its source dead. */
import test, { type ExecutionContext } from 'ava';
import type { InstanceFaults } from '../../../src/sim/compute/faults.ts';
import { actionOf, arrived, type CloudWorld, cameTo, openCloudWorld, startOne } from './cloud_world.ts';

/** When each state of a live migration is seen after the order, in milliseconds. */
const LIVE = { unrecorded: 100, accepted: 1000, preparing: 2300, running: 5000, switched: 11_000 };
const COLD = { unrecorded: 100, 'pre-migrating': 1000, migrating: 3000, 'post-migrating': 7000, finishing: 7500 };

type Source = 'alive' | 'dead' | 'refusing';

async function cancelAt(
  t: ExecutionContext,
  kind: 'live' | 'cold',
  atMs: number,
  source: Source,
  faults: Partial<InstanceFaults> = {},
) {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  at.sim.cloud.faults.set(vm.uuid, { ...faults, ...(source === 'refusing' && { abort: 'refused' }) });
  await startOne(at, 'migrate', { instance: vm.uuid, kind });
  await at.world.clock.turn(atMs);
  if (source === 'dead') at.sim.cloud.killHost('cmp1');
  if (source === 'refusing' && kind === 'cold')
    Object.assign(at.sim.cloud.hosts.get('cmp1') ?? {}, { forcedDown: true });
  await at.world.conductor.plans.cancel('p', '');
  await at.world.clock.turn(200_000);
  return { at, vm };
}

/** State, source of the migration, then what the action says and where the instance is. */
const CANCELS: readonly ['live' | 'cold', number, Source, RegExp, string][] = [
  ...Object.entries(LIVE).map(([state, atMs]): (typeof CANCELS)[number] =>
    state === 'switched'
      ? ['live', atMs, 'alive', /^SUCCEEDED TOO_LATE: vm1 is on cmp2$/, 'cmp2']
      : ['live', atMs, 'alive', /^CANCELLED RECALLED: vm1 is on cmp1; migration 1 cancelled$/, 'cmp1'],
  ),
  ...[LIVE.unrecorded, LIVE.accepted, LIVE.preparing, LIVE.running].map((atMs): (typeof CANCELS)[number] => [
    'live',
    atMs,
    'dead',
    /^FAILED still running.*migration 1 of vm1 is \S+; its abort was accepted.*nova-compute of cmp1 is down/,
    'cmp1',
  ]),
  ...[LIVE.accepted, LIVE.preparing, LIVE.running].map((atMs): (typeof CANCELS)[number] => [
    'live',
    atMs,
    'refusing',
    /^SUCCEEDED TOO_LATE: vm1 is on cmp2; its abort was accepted, and did not end it$/,
    'cmp2',
  ]),
  ...Object.values(COLD).map((atMs): (typeof CANCELS)[number] => [
    'cold',
    atMs,
    'alive',
    /^CANCELLED RECALLED: vm1 is on cmp1; migration 1 reverted$/,
    'cmp1',
  ]),
  [
    'cold',
    COLD['pre-migrating'],
    'dead',
    /^FAILED still running.*migration 1 of vm1 is migrating.*nova-compute of cmp1 is down/,
    'cmp1',
  ],
  ['cold', COLD.migrating, 'dead', /^FAILED still running.*is migrating.*is down/, 'cmp1'],
  [
    'cold',
    COLD.migrating,
    'refusing',
    /^FAILED vm1 waits on cmp2 to be confirmed or reverted, and the revert is refused/,
    'cmp2',
  ],
];
for (const [kind, atMs, source, says, host] of CANCELS)
  test(`a cancel ${atMs} ms into a ${kind} migration, source ${source}: ${says.source}`, async (t) => {
    const { at, vm } = await cancelAt(t, kind, atMs, source);
    t.regex(await cameTo(at), says);
    t.is(vm.host, host);
    t.is(arrived(at, kind === 'live' ? 'live-migration' : 'migrate'), 1);
    t.true(arrived(at, 'live_migration_cancel') <= 1);
  });

test('a copy that cannot be aborted any more is waited for', async (t) => {
  const { at, vm } = await cancelAt(t, 'live', LIVE.running, 'alive', { live: 'post-copy' });
  t.is(await cameTo(at), 'SUCCEEDED TOO_LATE: vm1 is on cmp2');
  t.is(vm.host, 'cmp2');
});

test('an abort of a migration that waits for its turn ends it at once', async (t) => {
  const at = await openCloudWorld(t);
  const other = at.vm('other', 'cmp1');
  const vm = at.vm('vm1', 'cmp1');
  at.sim.cloud.faults.set(other.uuid, { live: 'stuck' });
  at.sim.moves.beginLive(
    other,
    null,
    at.sim.cloud.begin(other, { action: 'live-migration', host: null, requestId: 'req-0', globalRequestId: null }),
  );
  await at.world.clock.turn(5000);
  await startOne(at, 'migrate', { instance: vm.uuid, kind: 'live' });
  await at.world.clock.turn(4000);
  t.is(at.sim.cloud.newestOf(vm)?.status, 'queued');
  await at.world.conductor.plans.cancel('p', '');
  await at.world.clock.turn(5000);
  t.is(await cameTo(at), 'CANCELLED RECALLED: vm1 is on cmp1; migration 2 cancelled');
});

/** Kills the conductor at each state: the next one finds the move, and does not order it again. */
for (const [kind, states] of [
  ['live', LIVE],
  ['cold', COLD],
] as const)
  for (const [state, atMs] of Object.entries(states))
    test(`a conductor that is killed while a ${kind} migration is ${state} moves nothing twice`, async (t) => {
      const at = await openCloudWorld(t);
      const vm = at.vm('vm1', 'cmp1');
      await startOne(at, 'migrate', { instance: vm.uuid, kind, confirm: true });
      await at.world.clock.turn(atMs);
      await at.restart();
      await at.world.clock.turn(60_000);
      t.is(await cameTo(at), 'SUCCEEDED vm1 is on cmp2');
      t.deepEqual([vm.host, vm.vmState], ['cmp2', 'active']);
      t.deepEqual(
        [arrived(at, kind === 'live' ? 'live-migration' : 'migrate'), arrived(at, 'confirmResize')],
        [1, kind === 'cold' ? 1 : 0],
      );
    });

/** Kills the conductor around its order, or loses the answer: what arrived is found, and what did not is not sent again. */
const AROUND: readonly [string, (at: CloudWorld) => void, RegExp, number][] = [
  [
    'killed as the order is sent',
    (at) => killAt(at, 'before'),
    /^FAILED the order to move vm1 was given, and nothing of it was seen/,
    0,
  ],
  ['killed before the answer', (at) => killAt(at, 'after'), /^SUCCEEDED vm1 is on cmp2/, 1],
];
for (const [what, arrange, says, count] of AROUND)
  test(`a conductor that is ${what} moves nothing twice`, async (t) => {
    const at = await openCloudWorld(t);
    const vm = at.vm('vm1', 'cmp1');
    arrange(at);
    await startOne(at, 'migrate', { instance: vm.uuid });
    await at.world.clock.turn(5000);
    t.false(at.world.conductorAlive);
    await at.world.startConductor();
    await at.world.clock.turn(200_000);
    t.regex(await cameTo(at), says);
    t.is(arrived(at, 'live-migration'), count);
    t.is(vm.host, count === 1 ? 'cmp2' : 'cmp1');
  });

function killAt({ hooks, world }: CloudWorld, moment: 'before' | 'after'): void {
  hooks[moment] = ({ url }) => {
    if (url.endsWith('/action')) world.conductorProcess.kill();
  };
}

/** Faults of one instance, and what a plan that is left alone says of it. */
const ENDS: readonly ['live' | 'cold', Partial<InstanceFaults>, RegExp, string][] = [
  [
    'live',
    { live: 'no-valid-host' },
    /^FAILED vm1 is still on cmp1: migration 1 failed: No valid host was found/,
    'cmp1',
  ],
  ['live', { live: 'preparation' }, /^FAILED vm1 is still on cmp1: migration 1 failed$/, 'cmp1'],
  ['live', { live: 'fails' }, /^FAILED vm1 is still on cmp1: migration 1 failed$/, 'cmp1'],
  ['live', { live: 'times-out' }, /^FAILED vm1 is still on cmp1: migration 1 was cancelled by the service/, 'cmp1'],
  ['live', { live: 'error' }, /^FAILED vm1 is in ERROR on cmp1.*look at it before/, 'cmp1'],
  ['live', { live: 'error-moved' }, /^FAILED vm1 is in ERROR on cmp2/, 'cmp2'],
  [
    'cold',
    { cold: 'no-valid-host' },
    /^FAILED vm1 is still on cmp1: migration 1 failed: No valid host was found/,
    'cmp1',
  ],
  ['cold', { cold: 'error' }, /^FAILED vm1 is in ERROR on cmp1/, 'cmp1'],
  ['cold', { cold: 'finish' }, /^FAILED vm1 is in ERROR on cmp2/, 'cmp2'],
  ['cold', {}, /^SUCCEEDED vm1 is on cmp2, and waits to be confirmed or reverted$/, 'cmp2'],
  ['live', { answers: 'lost-after' }, /^SUCCEEDED vm1 is on cmp2$/, 'cmp2'],
  [
    'live',
    { answers: 'lost-before' },
    /^FAILED the order to move vm1 was given, and nothing of it was seen for 60 s/,
    'cmp1',
  ],
];
for (const [kind, faults, says, host] of ENDS)
  test(`${kind} with ${JSON.stringify(faults)}: ${says.source}`, async (t) => {
    const at = await openCloudWorld(t);
    const vm = at.vm('vm1', 'cmp1');
    at.sim.cloud.faults.set(vm.uuid, faults);
    await startOne(at, 'migrate', { instance: vm.uuid, kind });
    await at.world.clock.turn(90_000);
    t.regex(await cameTo(at), says);
    t.is(vm.host, host);
    t.is(vm.taskState, null);
    t.true(arrived(at, kind === 'live' ? 'live-migration' : 'migrate') <= 1);
  });

test('an instance that Nova shows as it was just before it is in ERROR is told to be in ERROR', async (t) => {
  // Longer than the time between two looks less a moment, so that one of them falls into it.
  const at = await openCloudWorld(t, 2, { stepMs: 1999 });
  const vm = at.vm('vm1', 'cmp1');
  at.sim.cloud.faults.set(vm.uuid, { live: 'error' });
  await startOne(at, 'migrate', { instance: vm.uuid, kind: 'live' });
  await at.world.clock.turn(90_000);
  t.regex(await cameTo(at), /^FAILED vm1 is in ERROR on cmp1.*look at it before/);
});

test('its order bears the uuid of the action, and the before-image says where the instance was', async (t) => {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  await startOne(at, 'migrate', { instance: vm.uuid, destination: 'cmp2' });
  await at.world.clock.turn(30_000);
  const { uuid, beforeImage, result } = await actionOf(at);
  t.is(at.sim.cloud.arrived[0]?.globalRequestId, `req-${uuid}`);
  t.like(beforeImage, { host: 'cmp1', status: 'ACTIVE', after: 0, kind: 'live', destination: 'cmp2' });
  t.like(result, { outcome: 'MOVED', from: 'cmp1', to: 'cmp2', migration: 1 });
});

test('a node that is relabelled, and a conductor that is killed, lose no move that has begun', async (t) => {
  const at = await openCloudWorld(t);
  const vm = at.vm('vm1', 'cmp1');
  await startOne(at, 'migrate', { instance: vm.uuid });
  await at.world.clock.turn(3000);
  await at.world.database.read('nodes').where('name', 'n1').update({ labels: '{}' });
  await at.restart();
  await at.world.clock.turn(20_000);
  t.is(await cameTo(at), 'SUCCEEDED vm1 is on cmp2');
  t.is(arrived(at, 'live-migration'), 1);
});
