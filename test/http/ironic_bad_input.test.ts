/** What Ironic's API refuses, and in which words: wrong types, unknown fields, wrong methods, broken JSON, bad pages, versions. */
import test from 'ava';
import { HTTP_LIMITS } from '../../src/core/limits.ts';
import { openHouse } from '../e2e/house.ts';
import { ask, type Sent } from '../e2e/http.ts';

const MISSING = '11111111-2222-4333-8444-555555555555';
const version = (value: string): Sent => ({ headers: { 'X-OpenStack-Ironic-API-Version': value } });
const TARGETS =
  'power on, power off, rebooting, soft rebooting, soft power off, inject nmi, abort soft rebooting, abort soft power off, abort inject nmi';
const POWER = 'PUT /v1/nodes/n1/states/power';
const NODE = { name: 'n2', driver: 'fake', driver_info: { fake_address: 'n2' } };
const patch = (...patches: readonly object[]): Sent => ({ body: patches });

/** A request, its status and its sentence; a text is the whole sentence. */
type Row = readonly [line: string, sent: Sent, status: number, sentence: string | RegExp];

const ROWS: readonly Row[] = [
  // Orders
  [POWER, { body: { target: 'dance' } }, 400, `target: 'dance' is not a target; it is one of ${TARGETS}`],
  [
    POWER,
    { body: { target: `x${'\u{1f600}'.repeat(60)}` } },
    400,
    /^target: 'x(\u{1f600}){49}\ufffd' is not a target/u,
  ],
  [`GET /v1/ports/x${'%F0%9F%98%80'.repeat(60)}`, {}, 404, /^there is no port 'x(\u{1f600}){49}\ufffd'; /u],
  [POWER, { body: {} }, 400, `target: it is missing; it is one of ${TARGETS}`],
  [POWER, { body: { target: 7 } }, 400, 'target: it is a text'],
  [POWER, {}, 400, 'the body must be an object'],
  [POWER, { body: '' }, 400, 'the body must be an object'],
  [POWER, { body: 'target' }, 400, /^the body is not valid JSON( at position \d+)?$/],
  [POWER, { body: '{"target": ' }, 400, /^the body is not valid JSON( at position \d+)?$/],
  [POWER, { body: [] }, 400, /object/],
  [
    POWER,
    { body: { target: 'power on', color: 'red', size: 1 } },
    400,
    'unknown key: color, size; PUT /v1/nodes/{node}/states/power takes target, timeout, on_timeout, reason, request_id, aborts_task_uuid',
  ],
  [POWER, { body: { target: 'power on', timeout: 'x' } }, 400, 'timeout: it is a whole number of seconds'],
  [POWER, { body: { target: 'power on', timeout: 1.5 } }, 400, 'timeout: it is a whole number of seconds'],
  [POWER, { body: { target: 'power on', timeout: -1 } }, 400, 'timeout: it is 1 or more'],
  [POWER, { body: { target: 'power on', timeout: 0 } }, 400, 'timeout: it is 1 or more'],
  [
    POWER,
    { body: { target: 'power on', timeout: 1e7 } },
    400,
    /^timeout: 10000000 seconds; a power on may name at most/,
  ],
  [POWER, { body: { target: 'power on', on_timeout: 'FORCE' } }, 400, /^on_timeout FORCE makes a soft order hard/],
  [POWER, { body: { target: 'power on', on_timeout: 'x' } }, 400, 'on_timeout: it is FAIL or FORCE'],
  [POWER, { body: { target: 'power on', aborts_task_uuid: 'x' } }, 400, /^aborts_task_uuid goes with an abort/],
  [POWER, { body: { target: 'abort soft power off', timeout: 5 } }, 400, /^an abort has no timeout of its own/],
  [POWER, { body: { target: 'power on', request_id: 'x'.repeat(256) } }, 400, /^request_id has 1 to 255 characters$/],
  [
    'PATCH /v1/nodes/n1',
    patch(
      ...Array.from({ length: HTTP_LIMITS.patches.limit + 1 }, (_, at) => ({
        op: 'add',
        path: `/extra/k${at}`,
        value: 'v',
      })),
    ),
    400,
    /^the body is a list of at most 200 patches$/,
  ],
  ['PUT /v1/nodes/nope/states/power', { body: { target: 'power on' } }, 404, /^there is no node 'nope'$/],
  ['GET /v1/nodes/n1/states/power', {}, 405, 'GET is not a method of /v1/nodes/{node}/states/power; it has PUT'],
  ['DELETE /v1/nodes/n1/states/power', {}, 405, /it has PUT$/],
  ['GET /v1/nodes/n1/states/provision', {}, 405, /it has PUT$/],
  ['PUT /v1/nodes/n1/states/provision', { body: {} }, 400, 'target: it is missing; abort is the only one here'],
  [
    'PUT /v1/nodes/n1/states/provision',
    { body: { target: 'manage' } },
    400,
    'countermand does not provision: "manage" cannot be done on node n1',
  ],
  [
    'PUT /v1/nodes/n1/states/provision',
    { body: { target: 'abort' } },
    400,
    'nothing is under way on node n1 that could be aborted',
  ],
  ['PUT /v1/nodes/n1/management/inject_nmi', { body: { x: 1 } }, 400, /^unknown key: x; /],
  ['PUT /v1/nodes/n1/maintenance', { body: { reason: 7 } }, 400, 'reason: it is a text'],
  ['PUT /v1/nodes/n1/maintenance', { body: { why: 'x' } }, 400, /^unknown key: why; .* takes reason$/],

  // Enrolment
  [
    'POST /v1/nodes',
    { body: {} },
    400,
    'name: it is missing; every node has a name here; driver: it is missing; it is the name of a driver, such as ipmi',
  ],
  [
    'POST /v1/nodes',
    { body: { ...NODE, color: 'red' } },
    400,
    /^unknown key: color; POST \/v1\/nodes takes name, driver, /,
  ],
  ['POST /v1/nodes', { body: { ...NODE, driver: 'nope' } }, 400, /^there is no driver 'nope' in zone default; /],
  ['POST /v1/nodes', { body: { ...NODE, name: 'n1' } }, 409, "there is a node 'n1' already; choose another name"],
  ['POST /v1/nodes', { body: { ...NODE, name: 'a b' } }, 400, /^name 'a b' is not a name/],
  ['POST /v1/nodes', { body: { ...NODE, uuid: 'notauuid' } }, 400, "uuid: 'notauuid' is not a uuid"],
  [
    'POST /v1/nodes',
    { body: { ...NODE, extra: { a: {} } } },
    400,
    'extra.a: it is an object; texts, numbers and booleans are kept, as texts',
  ],
  ['POST /v1/nodes', { body: { ...NODE, extra: { a: null } } }, 400, /^extra.a: it is null; /],
  ['POST /v1/nodes', { body: { ...NODE, extra: [] } }, 400, 'extra: it is an object'],
  [
    'POST /v1/nodes',
    { body: { ...NODE, driver_info: { fake_address: ['x'] } } },
    400,
    /^driver_info.fake_address: it is a list; /,
  ],
  [
    'POST /v1/nodes',
    { body: { ...NODE, properties: { cpus: 4 } } },
    400,
    'properties: countermand keeps no properties; put it into extra',
  ],
  [
    'POST /v1/nodes',
    { body: { ...NODE, resource_class: 'bm' } },
    400,
    /^resource_class: countermand keeps no resource_class/,
  ],
  ['POST /v1/nodes', { body: 'x' }, 400, /^the body is not valid JSON/],
  ['PUT /v1/nodes', { body: {} }, 405, /it has GET, HEAD, POST$/],

  // Patches
  ['PATCH /v1/nodes/n1', patch(), 400, 'the list of patches is empty'],
  ['PATCH /v1/nodes/n1', { body: {} }, 400, 'the body is a list of patches'],
  ['PATCH /v1/nodes/n1', patch({ op: 'test', path: '/name', value: 'x' }), 400, '[0].op: it is add, replace or remove'],
  ['PATCH /v1/nodes/n1', patch({ op: 'add', value: 'x' }), 400, '[0].path: it is a text such as /extra/rack'],
  ['PATCH /v1/nodes/n1', patch({ op: 'add', path: 'name', value: 'x' }), 400, '[0].path: it begins with a slash'],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/name', value: 'x', from: '/y' }),
    400,
    /^\[0\]: unknown key: from; /,
  ],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'replace', path: '/power_state', value: 'power on' }),
    400,
    '[0].path: /power_state cannot be changed; these can: /name, /conductor_group, /maintenance, /maintenance_reason, /extra, /driver_info',
  ],
  ['PATCH /v1/nodes/n1', patch({ op: 'add', path: '/constructor/x', value: 'x' }), 400, /cannot be changed/],
  // A name that an object would not keep, and a key that an earlier patch took away.
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/extra/__proto__', value: 'x' }),
    400,
    '[0].path: __proto__ cannot be a key',
  ],
  [
    'PATCH /v1/nodes/n1',
    patch(
      { op: 'add', path: '/extra/a', value: 'x' },
      ...['/extra/a', '/extra/a'].map((path) => ({ op: 'remove', path })),
    ),
    400,
    '[2].path: node n1 has no /extra/a',
  ],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'remove', path: '/driver_info' }, { op: 'remove', path: '/driver_info/fake_address' }),
    400,
    '[1].path: node n1 has no /driver_info/fake_address',
  ],
  [
    POWER,
    { body: '{"target": "power on", "target": "power off"}' },
    400,
    /^the body: an object has the key target twice/,
  ],
  ['GET /v1/nodes?fields=', {}, 400, 'fields: it has an empty name; write names with one comma between two of them'],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/driver', value: 'ipmi' }),
    400,
    /^\[0\].path: the driver of a node is fixed/,
  ],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/description', value: 'x' }),
    400,
    /keeps no description; put it into extra$/,
  ],
  ['PATCH /v1/nodes/n1', patch({ op: 'remove', path: '/extra/none' }), 400, '[0].path: node n1 has no /extra/none'],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'remove', path: '/extra/toString' }),
    400,
    '[0].path: node n1 has no /extra/toString',
  ],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/extra/a/b', value: 'x' }),
    400,
    /^\[0\].path: \/extra\/a\/b is nested/,
  ],
  ['PATCH /v1/nodes/n1', patch({ op: 'add', path: '/extra/a' }), 400, /^\[0\].value: it is missing/],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'add', path: '/maintenance', value: 'yes' }),
    400,
    '[0].value: it is true or false',
  ],
  [
    'PATCH /v1/nodes/n1',
    patch({ op: 'remove', path: '/name' }),
    400,
    '[0].value: every node has a name here; it can be replaced',
  ],
  ['PATCH /v1/nodes/nope', patch({ op: 'add', path: '/name', value: 'x' }), 404, /^there is no node 'nope'/],

  // Lists
  ['GET /v1/nodes?limit=-1', {}, 400, "limit: '-1' is not a whole number from 0 on"],
  ['GET /v1/nodes?limit=abc', {}, 400, "limit: 'abc' is not a whole number from 0 on"],
  ['GET /v1/nodes?marker=n1', {}, 400, "marker: 'n1' is not a uuid"],
  [`GET /v1/nodes?marker=${MISSING}`, {}, 404, /^there is no node '11111111-/],
  ['GET /v1/nodes?sort_key=nope', {}, 400, 'sort_key: lists are sorted by name'],
  ['GET /v1/nodes?sort_dir=up', {}, 400, 'sort_dir: it is asc or desc'],
  ['GET /v1/nodes?maintenance=perhaps', {}, 400, /^maintenance: 'perhaps' is not one of 1, t, true, /],
  ['GET /v1/nodes?maintenance=constructor', {}, 400, /^maintenance: 'constructor' is not one of/],
  ['GET /v1/nodes?fields=uuid,nope', {}, 400, /^fields: unknown: nope; a node has uuid, name, /],
  ['GET /v1/nodes?detail=true&fields=uuid', {}, 400, 'fields: whole nodes have every field; leave one of the two'],
  ['GET /v1/nodes?nope=1', {}, 400, /^unknown query parameter: nope; GET \/v1\/nodes takes limit, marker, /],
  ['GET /v1/nodes/n1?fields=nope', {}, 400, /^fields: unknown: nope; /],
  ['GET /v1/nodes/n1?nope=1', {}, 400, /^unknown query parameter: nope; .* takes fields$/],
  ['GET /v1/nodes/n1/states?nope=1', {}, 400, /^unknown query parameter: nope; .* takes none$/],
  ['GET /v1/nodes/nope', {}, 404, /^there is no node 'nope'/],
  ['GET /v1/nodes/nope.json', {}, 404, /^there is no node 'nope.json'/],
  ['DELETE /v1/nodes/nope', {}, 404, /^there is no node 'nope'/],
  ['GET /v1/nodes/nope/traits', {}, 404, /^there is no node 'nope'/],
  ['GET /v1/drivers/nope', {}, 404, /^there is no driver 'nope'; agents offer fake, ipmi, irmc, redfish$/],
  ['GET /v1/drivers?type=old', {}, 400, 'type: it is classic or dynamic'],
  ['GET /v1/conductors/nope', {}, 404, /^there is no agent 'nope'; there are /],

  // Versions and types
  ['GET /v1/nodes', version('1.99'), 406, 'version 1.99 is not one of 1.1 to 1.78'],
  ['GET /v1/nodes', version('1.0'), 406, 'version 1.0 is not one of 1.1 to 1.78'],
  ['GET /v1/nodes', version('2.1'), 406, /^version 2.1 is not one of/],
  ['GET /v1/nodes', version('new'), 406, /^version new is not one of/],
  ['GET /v1/nodes/nope', { headers: { Accept: 'text/html' } }, 406, /^Accept is text\/html; /],

  // What is not here
  ['GET /v1/nope', {}, 404, /^there is no route \/v1\/nope; /],
  [`GET /v1/ports/${MISSING}`, {}, 404, `there is no port '${MISSING}'; countermand knows none`],
  ['POST /v1/ports', { body: { address: 'x' } }, 501, 'countermand does not manage anything called port'],
  ['PUT /v1/nodes/n1/management/boot_device', { body: {} }, 501, 'countermand does not set boot devices'],
  ['GET /v1/nodes/n1/states/console', {}, 501, 'countermand does not open consoles'],
];

for (const [line, body, field] of [
  [POWER, { target: 'dance' }, 'target'],
  [POWER, { target: 'power on', color: 'red' }, 'color'],
  [POWER, [], undefined],
  ['GET /v1/nodes?limit=x', undefined, 'limit'],
  ['PATCH /v1/nodes/n1', [{ op: 'add', path: 7 }], '[0].path'],
] as const)
  test(`what is wrong is named for programs too: ${line} ${JSON.stringify(body)}`, async (t) => {
    const { http } = await openHouse(t, { here: true, http: true });
    const { status, json } = await ask(http, line, { body });
    t.is(status, 400);
    t.is((json as { error_details: { metadata: { field?: string } } }).error_details.metadata.field, field);
  });

test('every refusal has its status, its sentence and the form that clients read, and changes nothing', async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  const created = await ask(http, 'POST /v1/nodes', {
    body: { name: 'n1', driver: 'fake', driver_info: { fake_address: 'n1' } },
  });
  t.is(created.status, 201, created.text);
  const before = await client.nodes.listNodes({});
  for (const [line, sent, status, sentence] of ROWS) {
    const what = `${line} ${JSON.stringify(sent)}`;
    const answered = await ask(http, line, sent);
    t.is(answered.status, status, `${what}: ${answered.text}`);
    t.true(answered.sentence.isWellFormed(), what);
    if (typeof sentence === 'string') t.is(answered.sentence, sentence, what);
    else t.regex(answered.sentence, sentence, what);
    t.is(answered.headers.get('content-type'), 'application/json', what);
    t.is(answered.headers.get('x-openstack-ironic-api-maximum-version'), '1.78', what);
    const isVersioned = status !== 406 && status !== 405 && line !== 'GET /v1/nope';
    t.is(answered.headers.get('x-openstack-ironic-api-version'), isVersioned ? '1.78' : null, what);
  }
  const after = await client.nodes.listNodes({});
  const known = ({ nodes }: typeof before) =>
    nodes.map(({ name, labels, driverInfo }) => ({ name, labels, driverInfo }));
  t.deepEqual(known(after), known(before));
  t.deepEqual((await client.power.listPowerTasks({})).tasks, []);
});
