/** What one agent says of its drivers changes nothing of what another has said, and nothing of it is left when it has gone. */
import test, { type ExecutionContext } from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { type AttachRequest, Hello } from '../../../src/gen/countermand/v1/agent.ts';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import { maskSecrets } from '../../../src/server/nodes/secrets.ts';
import { findDriver, findPureSecretKeys, findSecretKeys } from '../../../src/server/store/drivers.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { World } from '../../world/world.ts';
import { oldFolder } from '../store/old_database.ts';

async function newWorld(t: ExecutionContext): Promise<World> {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  return world;
}

const NO_CHANGE = { setDriverInfo: {}, removeDriverInfo: [], setLabels: {}, removeLabels: [] };
const EMPTY = { name: 'fake', driverInfoSchema: '{}', targets: [], recalls: [] };

/** An agent that says what it likes. @returns how it leaves: by a farewell, or by the end of its stream */
async function attach(world: World, agentUuid: string, more: object = {}) {
  const hello = Hello.fromPartial({ agentUuid, name: 'liar', zones: ['default'], drivers: [EMPTY], ...more });
  const cancellation = openCancellation([]);
  const outgoing = openChannel<AttachRequest>(cancellation.signal);
  outgoing.push({ message: { $case: 'hello', value: hello } });
  const answers = world.conductor.attachments.attach(outgoing, cancellation.signal);
  await world.finish(answers.next());
  const end = async (farewell: boolean): Promise<void> => {
    if (farewell) outgoing.push({ message: { $case: 'farewell', value: {} } });
    outgoing.end();
    for await (const _ of answers);
    await world.clock.settle();
  };
  return { leave: () => end(true), cut: () => end(false) };
}

const said = async ({ database }: World): Promise<string[]> =>
  (await database.read('drivers').orderBy('agent_uuid')).map(
    ({ agent_uuid, zone, name }) => `${agent_uuid} ${zone} ${name}`,
  );

test('a liar that attaches to the zone changes neither what is ordered nor what is masked, and leaves nothing', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  const { uuid } = await world.enrol('n1', { fake_password: 'geheim' });
  const before = await said(world);
  t.is(before.length, 1);
  const { read } = world.database;
  const node = await getNode(uuid, read);
  const known = await findDriver(node, read);
  for (const leaves of ['leave', 'cut'] as const) {
    const liar = await attach(world, `liar-${leaves}`);
    t.is((await said(world)).length, 2);
    t.deepEqual(await findDriver(node, read), known);
    t.true((await findSecretKeys('fake', read)).has('fake_password'));
    await world.order('n1', leaves === 'cut' ? 'power off' : 'power on');
    await liar[leaves]();
    await world.clock.turn(60_000);
    t.deepEqual(await said(world), before);
    t.is((await read('agents')).length, 1);
  }
});

test('what a node has as a secret stays one, whichever of the agents has marked it and goes first', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  await world.enrol('n1', { fake_place: 'here', fake_password: 'geheim' });
  const marking = (key: string) => ({
    drivers: [{ ...EMPTY, driverInfoSchema: JSON.stringify({ properties: { [key]: { writeOnly: true } } }) }],
  });
  const { read } = world.database;
  const marks = async (key: string): Promise<boolean> => (await findSecretKeys('fake', read)).has(key);
  const first = await attach(world, 'first', marking('fake_place'));
  const second = await attach(world, 'second', marking('used_by_no_node'));
  t.true((await marks('fake_place')) && (await marks('used_by_no_node')));
  await world.stopAgent('honest');
  await first.leave();
  await second.leave();
  t.true((await marks('fake_place')) && (await marks('fake_password')));
  t.true((await said(world)).every((row) => row.startsWith(' ')));
});

const schemaOf = (properties: object) => ({
  drivers: [{ ...EMPTY, driverInfoSchema: JSON.stringify({ properties }) }],
});

for (const [what, zones, leaves] of [
  ['of another zone', ['elsewhere'], false],
  ['of the same zone', ['default'], false],
  ['that has gone', ['elsewhere'], true],
] as const) {
  test(`an address that an agent ${what} calls secret is hidden, and its change still needs the password`, async (t) => {
    const world = await newWorld(t);
    await world.startAgent('honest');
    await world.enrol('n1', { fake_password: 'geheim' });
    const marks = Object.fromEntries(['fake_address', 'fake_place', 'zone'].map((key) => [key, { writeOnly: true }]));
    const rogue = await attach(world, 'rogue', { zones, ...schemaOf(marks) });
    if (leaves) await rogue.leave();
    const change = (more: object): Promise<unknown> =>
      world.finish(changeNode({ ...NO_CHANGE, node: 'n1', ...more }, world.conductor));
    for (const setDriverInfo of [{ fake_address: 'attacker' }, { fake_place: 'x' }, { fake_guid: 'y' }])
      await t.throwsAsync(change({ setDriverInfo }), { message: /would change, and the stored .*fake_password/ });
    await t.throwsAsync(change({ zone: 'elsewhere' }), {
      message: /^zone would change, and the stored .*fake_password/,
    });
    const { driverInfo } = await getNode('n1', world.database.read);
    const shown = maskSecrets(driverInfo, await findSecretKeys('fake', world.database.read));
    t.like(shown, { fake_address: '******', fake_password: '******' });
    await change({ setDriverInfo: { fake_password: 'other' } });
    await change({ setDriverInfo: { fake_address: 'moved', fake_password: 'other' } });
    t.is((await getNode('n1', world.database.read)).driverInfo.fake_address, 'moved');
  });
}

test('a key that one agent calls secret and another an address is a part of the way', async (t) => {
  const world = await newWorld(t);
  await attach(world, 'a1', schemaOf({ mixed: { writeOnly: true }, pure: { writeOnly: true }, way: {} }));
  await attach(world, 'a2', {
    zones: ['elsewhere'],
    ...schemaOf({ mixed: {}, foreign: { writeOnly: true }, way: null }),
  });
  const { read } = world.database;
  t.deepEqual([...(await findSecretKeys('fake', read))].sort(), ['foreign', 'mixed', 'pure']);
  t.deepEqual([...(await findPureSecretKeys({ zone: 'default', driver: 'fake' }, read))], ['pure']);
  t.deepEqual([...(await findPureSecretKeys({ zone: 'nowhere', driver: 'fake' }, read))], []);
});

test('agents that come and go leave no more than one description for each zone that has nodes', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  const { uuid } = await world.enrol('n1');
  for (let at = 0; at < 50; at += 1) {
    const zones = ['default', `z${at}`];
    const passing = await attach(world, `passing-${at}`, { zones, drivers: [EMPTY, { ...EMPTY, name: `d${at}` }] });
    await passing.leave();
  }
  t.is((await said(world)).length, 1);
  await world.stopAgent('honest');
  t.deepEqual(await said(world), [' default fake']);
  // Without any agent it is still known what the node's driver can do.
  const node = await getNode(uuid, world.database.read);
  t.true((await findDriver(node, world.database.read))?.targets.includes('power off'));
  t.true((await findSecretKeys('fake', world.database.read)).has('fake_password'));
  await world.killConductor();
  await world.startConductor();
  t.true((await findSecretKeys('fake', world.database.read)).has('fake_password'));
});

test('an agent that attaches again speaks for itself anew, and is still the one that has said it longest', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('honest');
  const { uuid } = await world.enrol('n1');
  const node = { ...(await getNode(uuid, world.database.read)), agentUuid: null };
  await world.clock.turn(1000);
  await attach(world, 'other');
  world.agents.get('honest')?.link?.cut();
  await world.clock.turn(10_000);
  t.true((await findDriver(node, world.database.read))?.targets.includes('power off'));
  t.is((await said(world)).length, 2);
});

test('0010: what was known of drivers stays known, with its secrets', async (t) => {
  const row = {
    zone: 'default',
    name: 'ipmi',
    info_schema: '{"properties":{"ipmi_password":{"writeOnly":true},"ipmi_address":{}}}',
    targets: '["power on"]',
    recalls: '[]',
    soft_reboot_in_one_command: 0,
    updated_at: 7,
  };
  const folder = await oldFolder(9, async (knex) => knex('drivers').insert(row), t);
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  const node = { zone: 'default', driver: 'ipmi', agentUuid: 'gone' };
  t.like(await findDriver(node, database.read), { targets: ['power on'], since: 7 });
  t.deepEqual([...(await findSecretKeys('ipmi', database.read))], ['ipmi_password']);
});
