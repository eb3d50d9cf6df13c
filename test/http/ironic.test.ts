/** Ironic's API: what its routes do, beside what its own clients show. */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { plainTask } from '../e2e/client.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { type Answered, ask } from '../e2e/http.ts';
import { untilIn, watchTask } from '../e2e/orders.ts';

/** Enrols a node of driver `fake` over HTTP, and waits until it reads on. */
async function enrol(house: House, name: string, more: object = {}, info: object = {}): Promise<Answered> {
  const driver_info = { fake_address: name, ...info };
  const created = await ask(house.http, 'POST /v1/nodes', { body: { name, driver: 'fake', driver_info, ...more } });
  await untilFree(house, name, 'power on');
  return created;
}

async function untilFree({ http }: House, name: string, state: string): Promise<void> {
  await eventually(`${name} to be free and ${state}`, async () => {
    const { json } = await ask(http, `GET /v1/nodes/${name}`);
    const { reservation, power_state } = json as Record<string, unknown>;
    return reservation === null && power_state === state;
  });
}

const power = ({ http }: House, name: string, body: object, headers: Record<string, string> = {}) =>
  ask(http, `PUT /v1/nodes/${name}/states/power`, { body, headers });

const taskOf = ({ headers }: Answered): string => headers.get('countermand-power-task') ?? '';

test('all nine targets, as the specification has them', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1', {}, { fake_soft_ms: 'never' });
  for (const [target, state] of [
    ['power off', 'power off'],
    ['power on', 'power on'],
    ['rebooting', 'power on'],
    ['inject nmi', 'power on'],
  ]) {
    const ordered = await power(house, 'n1', { target });
    t.like(ordered, { status: 202, text: '' }, target);
    t.is(ordered.headers.get('location'), `${house.http}/v1/nodes/n1/states`);
    t.like(plainTask(await house.client.power.getPowerTask({ task: taskOf(ordered) })), { nodeName: 'n1' });
    await untilFree(house, 'n1', String(state));
  }
  for (const [target, abort] of [
    ['soft power off', 'abort soft power off'],
    ['soft rebooting', 'abort soft rebooting'],
  ] as const) {
    const ordered = await power(house, 'n1', { target, timeout: 3600 });
    t.is(ordered.status, 202);
    t.like((await ask(house.http, 'GET /v1/nodes/n1/states')).json, {
      power_state: 'power on',
      target_power_state: 'soft power off',
      held_by: taskOf(ordered),
    });
    t.is((await power(house, 'n1', { target: abort })).status, 202);
    await untilFree(house, 'n1', 'power on');
    const { task } = await house.client.power.getPowerTask({ task: taskOf(ordered) });
    t.like(plainTask({ task }), { state: 'ABORTED', timeout: 3600 });
  }
  const nothing = await power(house, 'n1', { target: 'abort inject nmi' });
  t.is(nothing.status, 202);
  t.like(plainTask(await house.client.power.getPowerTask({ task: taskOf(nothing) })), {
    abort: { outcome: 'NOTHING_TO_ABORT' },
  });
});

test('the states of a node, as the specification has them, from the hardware itself', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1', {}, { fake_unsupported: 'inject nmi,abort inject nmi' });
  const states = (await ask(house.http, 'GET /v1/nodes/n1/states')).json as Record<string, unknown>;
  t.like(states, {
    console_enabled: false,
    last_error: null,
    power_state: 'power on',
    provision_state: null,
    provision_updated_at: null,
    target_power_state: null,
    target_provision_state: null,
    supported_power_states: [
      ...['power on', 'power off', 'rebooting', 'soft rebooting', 'soft power off'],
      ...['abort soft rebooting', 'abort soft power off'],
    ],
  });
  t.regex(String(states.supported_power_states_probed_at), /^20/);
  const node = (await ask(house.http, 'GET /v1/nodes/n1')).json as { supported_power_states: string[] };
  t.is(node.supported_power_states.length, 9, 'of the driver: a list asks no BMC');
});

test('an order that is repeated without an id is one order, also over a restart', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  const first = taskOf(await power(house, 'n1', { target: 'rebooting' }));
  t.is(taskOf(await power(house, 'n1', { target: 'rebooting' })), first);
  await house.stop('conductor');
  await house.start('conductor');
  t.is(taskOf(await power(house, 'n1', { target: 'rebooting' })), first);
  t.is((await house.client.power.listPowerTasks({})).tasks.length, 1);
});

test('an id of the client is the id of its order, whichever way it comes', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  const byKey = await power(house, 'n1', { target: 'rebooting' }, { 'Idempotency-Key': 'first' });
  await untilFree(house, 'n1', 'power on');
  t.is(taskOf(await power(house, 'n1', { target: 'rebooting' }, { 'X-OpenStack-Request-ID': 'first' })), taskOf(byKey));
  t.is(taskOf(await power(house, 'n1', { target: 'rebooting', request_id: 'first' })), taskOf(byKey));
  t.is(plainTask(await house.client.power.getPowerTask({ task: 'first' })).uuid, taskOf(byKey));
  t.not(taskOf(await power(house, 'n1', { target: 'rebooting' }, { 'Idempotency-Key': 'second' })), taskOf(byKey));
  await untilFree(house, 'n1', 'power on');
  const taken = await power(house, 'n1', { target: 'power off' }, { 'Idempotency-Key': 'first' });
  t.like(taken, { status: 409 });
  t.regex(taken.sentence, /^request_id 'first' was used for a rebooting of n1/);
  t.is(taken.headers.get('countermand-error-code'), 'REQUEST_ID_TAKEN');
});

test('a held node: 409 with the way out for an order; aborts, labels and maintenance go through', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1', {}, { fake_soft_ms: 'never' });
  const holder = taskOf(await power(house, 'n1', { target: 'soft power off' }));
  await untilIn(watchTask(house.client, holder), 'CONFIRMING');
  const held = await power(house, 'n1', { target: 'power on' });
  t.is(held.status, 409);
  t.regex(
    held.sentence,
    /^node n1 is held by power task .*soft power off .*; possible: (?:withdraw it|abort soft power off)$/,
  );
  t.is(held.headers.get('countermand-error-code'), 'NODE_HELD');
  const nmi = await ask(house.http, 'PUT /v1/nodes/n1/management/inject_nmi', { body: {} });
  t.is(nmi.status, 409);
  const label = { body: [{ op: 'add', path: '/extra/a', value: 1 }] };
  t.like((await ask(house.http, 'PATCH /v1/nodes/n1', label)).json, { extra: { a: '1' } });
  t.is((await ask(house.http, 'PUT /v1/nodes/n1/maintenance', { body: { reason: 'work' } })).status, 202);
  t.is((await ask(house.http, 'DELETE /v1/nodes/n1/maintenance')).status, 202);
  t.is((await ask(house.http, 'PUT /v1/nodes/n1/states/provision', { body: { target: 'abort' } })).status, 202);
  await untilFree(house, 'n1', 'power on');
});

test('patches of one node at the same time: each finds what those before it have made', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  const keys = ['a', 'b', 'c', 'd'];
  const patched = await Promise.all(
    keys.map((key) => {
      // The agent is asked about a driver_info, so that all have read the node before the first has changed it.
      const soft = { op: 'add', path: '/driver_info/fake_soft_ms', value: '1' };
      const body = [{ op: 'replace', path: '/extra', value: { [key]: '1' } }, soft];
      return ask(house.http, 'PATCH /v1/nodes/n1', { body });
    }),
  );
  for (const { status } of patched) t.is(status, 200);
  const { json } = await ask(house.http, 'GET /v1/nodes/n1');
  t.is(Object.keys((json as { readonly extra: object }).extra).length, 1, 'each replaces the whole');
});

test('an NMI answers when the BMC has it, and otherwise with a status that no client repeats', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house, 'n1');
  const nmi = (name: string) => ask(house.http, `PUT /v1/nodes/${name}/management/inject_nmi`, { body: {} });
  const done = await nmi('n1');
  t.like(done, { status: 204, text: '' });
  t.regex(taskOf(done), /^[0-9a-f-]{36}$/);
  await enrol(house, 'n2');
  await power(house, 'n2', { target: 'power off' });
  await untilFree(house, 'n2', 'power off');
  const off = await nmi('n2');
  t.is(off.status, 400);
  t.is(off.headers.get('countermand-error-code'), 'NMI_NEEDS_POWER');
  const garbled = { name: 'n3', driver: 'fake', driver_info: { fake_address: 'n3', fake_fault: 'garbled' } };
  t.is((await ask(house.http, 'POST /v1/nodes', { body: garbled })).status, 201);
  const failed = await nmi('n3');
  t.is(failed.status, 500);
  t.is(failed.headers.get('countermand-error-code'), 'BMC_GARBLED');
  t.not(failed.sentence, '');
});

test('pages keep their filters, in both directions, and the last one has no next', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
  for (const name of names) await enrol(house, name, { extra: { row: name } });
  await ask(house.http, 'PUT /v1/nodes/n3/maintenance');
  const walk = async (query: string): Promise<string[][]> => {
    const pages: string[][] = [];
    for (let url: string | undefined = `/v1/nodes?${query}`; url !== undefined; ) {
      const { json } = await ask(house.http, `GET ${url}`);
      const page = json as { nodes: { name: string }[]; next?: string; nodes_links?: { href: string }[] };
      pages.push(page.nodes.map(({ name }) => name));
      t.is(page.nodes_links?.[0]?.href, page.next);
      url = page.next?.slice(house.http.length);
    }
    return pages;
  };
  t.deepEqual(await walk('limit=2'), [['n1', 'n2'], ['n3', 'n4'], ['n5']]);
  t.deepEqual(await walk('limit=2&maintenance=False'), [
    ['n1', 'n2'],
    ['n4', 'n5'],
  ]);
  t.deepEqual(await walk('limit=3&sort_key=name&sort_dir=desc&driver=fake'), [
    ['n5', 'n4', 'n3'],
    ['n2', 'n1'],
  ]);
  t.deepEqual(await walk('limit=2&fields=name&detail=false'), [['n1', 'n2'], ['n3', 'n4'], ['n5']]);
  t.deepEqual(await walk('maintenance=yes'), [['n3']]);
  t.deepEqual(await walk('limit=5'), [names]);
  t.deepEqual(await walk('limit=0'), [names]);
  t.deepEqual(await walk('conductor_group='), [names]);
  t.deepEqual(await walk('conductor_group=elsewhere'), [[]]);
  t.deepEqual(await walk('driver=ipmi'), [[]]);
  t.deepEqual(await walk('associated=true'), [[]]);
  t.deepEqual(await walk('associated=false'), [names]);
});

test('what a client writes comes back, and secrets do not', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const uuid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
  const more = { uuid, extra: { rack: 7, spare: true, odd: 'a/b~c' }, properties: {}, description: null };
  const created = await enrol(house, 'n1', more, { fake_password: 'hidden' });
  t.is(created.status, 201);
  t.is(created.headers.get('location'), `${house.http}/v1/nodes/${uuid}`);
  t.false(created.text.includes('hidden'));
  t.like(created.json, { uuid, extra: { rack: '7', spare: 'true', odd: 'a/b~c' }, conductor_group: '' });
  const patched = await ask(house.http, `PATCH /v1/nodes/${uuid}`, {
    body: [
      { op: 'replace', path: '/extra', value: { 'x/y': 1 } },
      { op: 'add', path: '/extra/q~0r', value: 'b' },
      { op: 'add', path: '/name', value: 'n9' },
      { op: 'replace', path: '/maintenance', value: true },
      { op: 'add', path: '/maintenance_reason', value: 'work' },
    ],
  });
  t.like(patched.json, { name: 'n9', maintenance: true, maintenance_reason: 'work' });
  t.deepEqual((patched.json as { extra: object }).extra, { 'x/y': '1', 'q~r': 'b' });
  const removed = await ask(house.http, `PATCH /v1/nodes/n9`, {
    body: [
      { op: 'remove', path: '/extra/x~1y' },
      { op: 'remove', path: '/maintenance_reason' },
    ],
  });
  t.deepEqual((removed.json as { extra: object }).extra, { 'q~r': 'b' });
  // Whole, it takes the place of what the patches before it have made as well.
  for (const [whole, extra] of [
    [{ op: 'replace', path: '/extra', value: { b: '2' } }, { b: '2' }],
    [{ op: 'remove', path: '/extra' }, {}],
  ] as const) {
    const body = [{ op: 'add', path: '/extra/a', value: '1' }, whole];
    t.deepEqual((await ask(house.http, 'PATCH /v1/nodes/n9', { body })).json, {
      ...((await ask(house.http, 'GET /v1/nodes/n9')).json as object),
      extra,
    });
  }
  const again = await ask(house.http, 'POST /v1/nodes', {
    body: { name: 'n8', driver: 'fake', driver_info: { fake_address: 'n8' }, uuid },
  });
  t.like(again, { status: 409, sentence: `node 'n9' has the uuid ${uuid} already; choose another uuid` });
  t.is((await ask(house.http, 'GET /v1/nodes/n9.json')).status, 200);
  t.like(await ask(house.http, 'DELETE /v1/nodes/n9', { headers: { 'Content-Type': 'application/octet-stream' } }), {
    status: 204,
    text: '',
  });
  t.is((await ask(house.http, 'GET /v1/nodes/n9')).status, 404);
});

test('without an agent, an order is 503: nothing was done, and clients come back by themselves', async (t) => {
  const house = await openHouse(t, { here: true, http: true, apart: true, settings: { agent_lease: 600 } });
  await enrol(house, 'n1');
  await house.stop('agent');
  const refused = await power(house, 'n1', { target: 'rebooting' });
  t.is(refused.status, 503);
  t.is(refused.headers.get('countermand-error-code'), 'AGENT_NOT_ATTACHED');
  t.deepEqual((await house.client.power.listPowerTasks({})).tasks, []);
});
