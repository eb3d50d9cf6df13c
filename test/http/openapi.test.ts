/** What the routes answer is what the document says that they answer. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { openApiOf, openApiRoute } from '../../src/http/openapi.ts';
import type { RawAsk } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { openHouse } from '../e2e/house.ts';
import { ask } from '../e2e/http.ts';
import { untilFree } from './story.ts';

const document = openApiOf(ROUTES) as {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, Answers> }>>;
};
interface Answers {
  readonly content?: { readonly 'application/json': { readonly schema: object } };
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });

/** What stands for the variable parts of a path. */
const PARAMS: Readonly<Record<string, string>> = {
  node: 'n1',
  driver: 'ipmi',
  hostname: 'rack7',
  goal: 'dummy',
  strategy: 'dummy',
  audit: 'p1',
  plan: 'p1',
  service: '2',
  file: 'icon.svg',
};

test('every GET answers as its schema says', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { agent_name: 'rack7' } });
  const node = { name: 'n1', driver: 'fake', driver_info: { fake_address: 'n1' }, extra: { rack: 7 } };
  t.is((await ask(house.http, 'POST /v1/nodes', { body: node })).status, 201);
  const { actionPlan } = await house.client.plans.createActionPlan({
    name: 'p1',
    actions: [{ name: 'a', actionType: 'nop', inputParameters: { message: 'm' } }],
  });
  t.not(actionPlan, undefined);
  const audit = { audit_type: 'CONTINUOUS', interval: '3600', strategy: 'dummy', name: 'every hour' };
  t.is((await ask(house.http, 'POST /v1/audits', { body: audit })).status, 201);
  await untilFree(house, 'n1', 'power on');
  const asked: string[] = [];
  for (const { method, path, status, textType } of ROUTES) {
    const real = path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => PARAMS[name] ?? whole);
    if (method !== 'GET' || status !== 200 || real.includes('{')) continue;
    const { json, text, status: answered } = await ask(house.http, `GET ${real}`);
    t.is(answered, 200, `${real}: ${text}`);
    if (textType !== undefined) {
      t.deepEqual(Object.keys(document.paths[path]?.get?.responses['200']?.content ?? {}), [textType]);
      continue;
    }
    const schema = document.paths[path]?.get?.responses['200']?.content?.['application/json'].schema ?? {};
    const isValid = ajv.validate(schema, json);
    t.true(isValid, `${real}: ${ajv.errorsText()}: ${text}`);
    asked.push(path);
  }
  t.true(asked.length > 20, asked.join(', '));
  t.deepEqual((await ask(house.http, 'GET /openapi.json')).json, JSON.parse(JSON.stringify(document)));
});

test('the document is made once: whoever reaches the door may ask for it again and again', async (t) => {
  let made = 0;
  const { run } = openApiRoute(() => {
    made += 1;
    return ROUTES;
  });
  const ask = { query: {} } as RawAsk;
  const first = await run(ask);
  t.deepEqual(JSON.parse(String(first.text?.content)), JSON.parse(JSON.stringify(document)));
  t.deepEqual(await run(ask), first);
  t.is(made, 1);
});

test('no two routes are the same', (t) => {
  const places = ROUTES.map(({ method, path }) => `${method} ${path}`);
  t.deepEqual([...new Set(places)], places);
});
