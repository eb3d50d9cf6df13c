/** The schemas of the notifications, held against all that a conductor sends, by a JSON Schema validator. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { NOTIFICATION_TYPES } from '../../scripts/docs/notifications/types.ts';
import { EVENT_TYPES } from '../../src/core/event_types.ts';
import type { EventRow } from '../../src/server/store/rows.ts';
import { everyNotification } from '../world/every_notification.ts';

const FOLDER = new URL('../../docs/notifications/', import.meta.url);

type Json = Readonly<Record<string, unknown>>;

/** Objects whose keys are listed may get more of them; closed, they may not. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  return { ...Object.fromEntries(entries), ...('required' in schema ? { additionalProperties: false } : {}) };
}

/** The schemas as they lie in the folder. `change` may change them before. */
function schemasOf(change: (schema: unknown) => unknown = (schema) => schema): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictTypes: false });
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json')))
    ajv.addSchema(change(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))) as Json, file);
  return ajv;
}

const schemas = schemasOf();

test('the types that a sink can name are those that are documented', (t) => {
  t.deepEqual([...EVENT_TYPES].sort(), NOTIFICATION_TYPES.map(({ eventType }) => eventType).sort());
});

/** What is wrong with a payload; empty if nothing is. */
function faultsOf(eventType: string, payload: unknown, ajv = schemas): string[] {
  if (ajv.validate(`${eventType}.json`, payload)) return [];
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${eventType}${instancePath} ${message}`);
}

let events: EventRow[] = [];
test.before(async () => {
  events = await everyNotification();
});

test('every type that there is was sent, and has a schema', (t) => {
  const known = NOTIFICATION_TYPES.map(({ eventType }) => eventType).sort();
  t.deepEqual([...new Set(events.map(({ eventType }) => eventType))].sort(), known);
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json') && !name.endsWith('_objects.json'));
  t.deepEqual(files.sort(), known.map((eventType) => `${eventType}.json`).sort());
});

test('every payload is as its schema says', (t) => {
  t.deepEqual(
    events.flatMap(({ eventType, payload }) => faultsOf(eventType, payload)),
    [],
  );
});

test('no payload has a key that its schema does not name', (t) => {
  const strict = schemasOf(closed);
  t.deepEqual(
    events.flatMap(({ eventType, payload }) => faultsOf(eventType, payload, strict)),
    [],
  );
});

/** Each way to break a payload, one key at a time: what was broken, and the payload. */
function* broken(payload: Json, path: readonly string[] = []): Generator<[string, Json]> {
  for (const key of Object.keys(payload)) {
    const place = [...path, key].join('/');
    const { [key]: gone, ...rest } = payload;
    yield [`${place} is gone`, rest];
    yield [`${place} is of another type`, { ...payload, [key]: typeof payload[key] === 'number' ? 'x' : 4711 }];
    // What is below these is the client's.
    if (['parameters', 'input_parameters', 'parameters_spec', 'extra', 'properties', 'driver_info'].includes(key))
      continue;
    if (typeof gone !== 'object' || gone === null || Array.isArray(gone)) continue;
    for (const [what, inner] of broken(gone as Json, [...path, key])) yield [what, { ...payload, [key]: inner }];
  }
}

test('a payload without one of its keys, or with a value of another type, is refused', (t) => {
  let count = 0;
  for (const { eventType } of NOTIFICATION_TYPES) {
    const event = events.find((candidate) => candidate.eventType === eventType);
    for (const [what, payload] of broken(event?.payload ?? {})) {
      count += 1;
      if (faultsOf(eventType, payload).length === 0) t.fail(`${eventType}: ${what}, and the schema allows it`);
    }
  }
  t.true(count > 1000, `only ${count} payloads were broken`);
});

test('a payload of another type, or with a state that it cannot carry, is refused', (t) => {
  const payloadOf = (eventType: string): Json =>
    events.find((event) => event.eventType === eventType)?.payload as unknown as Json;
  t.not(faultsOf('action_plan.cancel.end', payloadOf('action_plan.cancel.start')).length, 0);
  t.not(faultsOf('action.cancel.error', payloadOf('action.cancel.end')).length, 0);
  t.not(faultsOf('audit.create', payloadOf('audit.delete')).length, 0);
  t.not(faultsOf('baremetal.node.power_set.end', payloadOf('baremetal.node.power_set.error')).length, 0);
  t.not(faultsOf('baremetal.node.update.end', payloadOf('baremetal.node.update.error')).length, 0);
  const said = JSON.stringify(payloadOf('action_plan.update'));
  t.true(said.includes('"old_state":"RECOMMENDED"'));
  const update = JSON.parse(said.replace('"old_state":"RECOMMENDED"', '"old_state":"CANCELLED"'));
  t.not(faultsOf('action_plan.update', update).length, 0, 'nothing leads from CANCELLED to PENDING');
});
