/** Audit templates: what audits are made from, over gRPC and by Watcher's API. */
import test from 'ava';
import { Refusal } from './client.ts';
import { openHouse } from './house.ts';
import { ask, type Sent } from './http.ts';

/** The code of a refusal. */
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'not refused',
    (error) => (error instanceof Refusal ? error.code : String(error)),
  );

const SCOPE = [{ baremetal: [{ nodes: ['n1'] }] }];

test('a template gives an audit its goal, strategy and scope, and is not part of it', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { audits, nodes } = client;
  for (const name of ['n1', 'n2']) await nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } });
  const { auditTemplate } = await audits.createAuditTemplate({
    name: 'rack',
    strategy: 'host_maintenance',
    scope: SCOPE,
  });
  t.like(auditTemplate, { name: 'rack', strategy: 'host_maintenance', goal: 'cluster_maintaining', revision: 1 });

  const { audit } = await audits.createAudit({ name: 'a', auditTemplate: 'rack' });
  t.deepEqual(audit?.scope, SCOPE);
  t.is(audit?.strategy, 'host_maintenance');
  const short = auditTemplate?.uuid.slice(0, 8);
  t.is((await audits.getAuditTemplate({ auditTemplate: short })).auditTemplate?.name, 'rack');
  const everyNode = await audits.createAudit({ name: 'b', auditTemplate: auditTemplate?.uuid, all: true });
  t.deepEqual(everyNode.audit?.scope, []);
  t.is(await codeOf(audits.createAudit({ name: 'c', auditTemplate: 'rack', strategy: 'dummy' })), 'AUDIT_INVALID');
  t.is(await codeOf(audits.createAudit({ name: 'c', auditTemplate: 'nope' })), 'AUDIT_TEMPLATE_NOT_FOUND');

  const changed = await audits.updateAuditTemplate({ auditTemplate: 'rack', name: 'row', setScope: true, revision: 1 });
  t.like(changed.auditTemplate, { name: 'row', scope: [], revision: 2, strategy: 'host_maintenance' });
  t.deepEqual((await audits.getAudit({ audit: 'a' })).audit?.scope, SCOPE);
  t.is(
    await codeOf(audits.createAudit({ name: 'c', auditTemplate: 'row' })),
    'SCOPE_INVALID',
    'it is about every node',
  );

  await audits.createAuditTemplate({ name: 'idle', goal: 'dummy', description: 'for tests' });
  const names = async (filter: object) =>
    (await audits.listAuditTemplates(filter)).auditTemplates.map(({ name }) => name);
  t.deepEqual(await names({}), ['idle', 'row']);
  t.deepEqual(await names({ oldestFirst: true }), ['row', 'idle']);
  t.deepEqual(await names({ goal: 'dummy' }), ['idle']);
  t.deepEqual(await names({ strategy: 'host_maintenance' }), ['row']);

  const refused: [Promise<unknown>, string][] = [
    [audits.createAuditTemplate({ name: 'row', goal: 'dummy' }), 'AUDIT_TEMPLATE_NAME_TAKEN'],
    [audits.updateAuditTemplate({ auditTemplate: 'idle', name: 'row' }), 'AUDIT_TEMPLATE_NAME_TAKEN'],
    [audits.updateAuditTemplate({ auditTemplate: 'idle', revision: 7, name: 'x' }), 'REVISION_MISMATCH'],
    [audits.deleteAuditTemplate({ auditTemplate: 'idle', revision: 7 }), 'REVISION_MISMATCH'],
    [audits.createAuditTemplate({ name: '', goal: 'dummy' }), 'AUDIT_INVALID'],
    [audits.createAuditTemplate({ name: 'x' }), 'AUDIT_INVALID'],
    [audits.createAuditTemplate({ name: 'x', goal: 'nope' }), 'AUDIT_INVALID'],
    [audits.createAuditTemplate({ name: 'x', goal: 'dummy', strategy: 'manual' }), 'AUDIT_INVALID'],
    [audits.createAuditTemplate({ name: 'x', goal: 'dummy', scope: [{ compute: [] }] }), 'SCOPE_INVALID'],
    [audits.createAuditTemplate({ name: 'x', goal: 'dummy', description: 'd'.repeat(1001) }), 'ARGUMENT_INVALID'],
    [audits.getAuditTemplate({}), 'ARGUMENT_INVALID'],
    [audits.deleteAuditTemplate({ auditTemplate: 'nope' }), 'AUDIT_TEMPLATE_NOT_FOUND'],
  ];
  for (const [call, code] of refused) t.is(await codeOf(call), code);
  await audits.deleteAuditTemplate({ auditTemplate: 'row', revision: 2 });
  t.deepEqual(await names({}), ['idle']);
});

test('the uuid of a template can be chosen, and is that of one template', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { audits } = client;
  const uuid = '6ababb38-f664-430b-a78b-91e368a8626a';
  const { auditTemplate } = await audits.createAuditTemplate({ name: 'idle', goal: 'dummy', uuid });
  t.is(auditTemplate?.uuid, uuid);
  const named = uuid.replace('6', '7');
  await audits.createAuditTemplate({ name: named, goal: 'dummy' });
  const refused: [string, string][] = [
    [uuid, 'AUDIT_TEMPLATE_NAME_TAKEN'],
    [named, 'AUDIT_TEMPLATE_NAME_TAKEN'],
    [uuid.toUpperCase(), 'ARGUMENT_INVALID'],
    ['x', 'ARGUMENT_INVALID'],
  ];
  for (const [wanted, code] of refused)
    t.is(await codeOf(audits.createAuditTemplate({ name: 'other', goal: 'dummy', uuid: wanted })), code, wanted);
  t.is((await audits.listAuditTemplates({})).auditTemplates.length, 2);
});

const PATCH = 'PATCH /v1/audit_templates/at1';
const patch = (path: string, value: unknown, op = 'replace'): Sent => ({ body: [{ op, path, value }] });
const ROWS: readonly (readonly [line: string, sent: Sent, status: number, sentence: RegExp])[] = [
  ['POST /v1/audit_templates', { body: {} }, 400, /^name: it is missing/],
  ['POST /v1/audit_templates', { body: { name: 'at1', goal: 'saving_energy' } }, 409, /already; choose another name$/],
  ['POST /v1/audit_templates', { body: { name: 'x', goal: 'nope' } }, 404, /^there is no goal 'nope'; /],
  ['POST /v1/audit_templates', { body: { name: 'x', goal: 'dummy', color: 1 } }, 400, /^unknown key: color; /],
  [
    'POST /v1/audit_templates',
    { body: { name: 'x', goal: 'dummy', scope: {} } },
    400,
    /^scope: it is a list of objects/,
  ],
  ['GET /v1/audit_templates/nope', {}, 404, /^there is no audit template 'nope'/],
  ['GET /v1/audit_templates?goal=nope', {}, 404, /^there is no goal 'nope'/],
  [PATCH, { body: [] }, 400, /^the body is a list of patches/],
  [PATCH, patch('/uuid', 'x'), 400, /^\[0\]\.path: it is \/name, /],
  [PATCH, patch('/name', 7), 400, /^\[0\]\.value: it is a text/],
  [PATCH, patch('/scope', 'x'), 400, /^\[0\]\.value: it is a list of objects/],
  [PATCH, patch('/strategy', 'manual'), 400, /^strategy: there is no strategy 'manual' for goal 'dummy'/],
];

test("by Watcher's API: what is refused, what is patched, and a repetition", async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  const sent = { body: { name: 'at1', goal: 'dummy', strategy: 'dummy', scope: SCOPE } };
  const made = await ask(http, 'POST /v1/audit_templates', sent);
  t.is(made.status, 201, made.text);
  t.like(await ask(http, 'POST /v1/audit_templates', sent), { status: 201, json: made.json as object }, 'a repetition');
  for (const [line, body, status, sentence] of ROWS) {
    const answered = await ask(http, line, body);
    t.is(answered.status, status, `${line} ${JSON.stringify(body)}: ${answered.text}`);
    t.regex(answered.sentence, sentence, line);
  }
  const body = [
    { op: 'add', path: '/description', value: 'second' },
    { op: 'remove', path: '/strategy' },
    { op: 'remove', path: '/scope' },
  ];
  t.like((await ask(http, PATCH, { body })).json, { description: 'second', strategy_uuid: null, scope: [] });
  const audit = { audit_type: 'ONESHOT', audit_template_uuid: (made.json as { uuid: string }).uuid };
  t.like((await ask(http, 'POST /v1/audits', { body: audit })).json, { name: 'at1', strategy_name: 'dummy' });
  await ask(http, 'POST /v1/audits', { body: audit });
  t.is((await client.audits.listAudits({})).audits.length, 1, 'a repetition');
  t.is((await ask(http, 'DELETE /v1/audit_templates/at1')).status, 204);
  t.is((await ask(http, 'GET /v1/audit_templates')).text, '{"audit_templates":[]}');
});

test('an audit that is asked for again is the one that was made, whatever became of its template', async (t) => {
  const { audits, nodes } = (await openHouse(t, { here: true })).client;
  await nodes.createNode({ name: 'n1', driver: 'fake', driverInfo: { fake_address: 'n1' } });
  const { auditTemplate } = await audits.createAuditTemplate({ name: 'rack', goal: 'dummy', scope: SCOPE });
  const wanted = { name: 'a', requestId: 'once', auditTemplate: 'rack', parameters: { para1: 0 } };
  const { audit } = await audits.createAudit(wanted);
  await audits.updateAuditTemplate({ auditTemplate: 'rack', setScope: true });
  t.is((await audits.createAudit(wanted)).audit?.uuid, audit?.uuid, 'the template was changed');
  t.is(
    await codeOf(audits.createAuditTemplate({ name: auditTemplate?.uuid ?? '', goal: 'dummy' })),
    'AUDIT_TEMPLATE_NAME_TAKEN',
    'a name that is the uuid of another',
  );
  await audits.deleteAuditTemplate({ auditTemplate: 'rack' });
  t.is((await audits.createAudit(wanted)).audit?.uuid, audit?.uuid, 'the template is gone');
  t.is(await codeOf(audits.createAudit({ ...wanted, auditTemplate: 'other' })), 'REQUEST_ID_TAKEN');
  t.is((await audits.listAudits({})).audits.length, 1);
});
