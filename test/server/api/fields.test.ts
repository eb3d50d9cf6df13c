/**
 * Every field of every request that can be large has a limit, which holds before a service sees the request: read from the contract,
 * so that a field that comes later is among them.
 */
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescField, type DescMessage, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import type { CallContext } from 'nice-grpc';
import type { CountermandError } from '../../../src/core/errors.ts';
import { SENT_LIMITS } from '../../../src/core/limits.ts';
import { guarded } from '../../../src/server/api/guards.ts';
import { contractImage } from '../../../src/server/api/image.ts';
import { checkRequests } from '../../../src/server/api/requests.ts';

/** Where another test walks the fields: what agents send is held to `AGENT_BOUNDS`, message by message. */
const CHECKED_ELSEWHERE: Readonly<Record<string, string>> = {
  'countermand.v1.AgentService': 'test/server/agents/bounds.test.ts',
};

const contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, contractImage()));
const services = [...contract].filter(
  (found): found is DescService => found.kind === 'service' && found.typeName.startsWith('countermand.'),
);

/** A request that is too large in one field, and what it is. */
interface TooLarge {
  readonly what: string;
  readonly request: object;
}

const TEXT = 'x'.repeat(SENT_LIMITS.message_bytes.limit + 1);
const entries = (count: number, value: unknown): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]));
const nested = (depth: number): object => (depth === 0 ? {} : { in: nested(depth - 1) });
const list = (count: number, value: unknown): unknown[] => Array.from({ length: count }, () => value);

const MANY = SENT_LIMITS.actions.limit + 1;
const LONG = SENT_LIMITS.text.limit + 1;

/** What is too large for a structure of any keys. A key may have the name of anything. */
const STRUCTS: Readonly<Record<string, object>> = {
  'a text': { k: TEXT },
  'a text with the name of a method': { constructor: 'x'.repeat(LONG), toString: 'x'.repeat(LONG) },
  'a list': { k: list(MANY, 1) },
  'a list with the name of a method': { constructor: list(MANY, 1) },
  'many keys': entries(SENT_LIMITS.list.limit + 1, 1),
  'a long key': { ['k'.repeat(LONG)]: 1 },
  'deep nesting': nested(SENT_LIMITS.nesting.limit + 1),
  'deep nesting below labels': { labels: nested(SENT_LIMITS.nesting.limit + 1) },
  'many labels': { labels: entries(SENT_LIMITS.label_count.limit + 1, 'v') },
};

/** Beyond what the contract can say, in both directions, and no time at all. */
const TIMES = [Number.NaN, Date.UTC(10_000, 0), Date.UTC(0, 0) - 63_000_000_000_000].map(
  (time) => [`the time ${time}`, new Date(time)] as const,
);

/** One row for each way in which a field can be too large; none for one that cannot. */
function valuesOf(field: DescField): (readonly [what: string, value: unknown])[] {
  const isStruct = field.message?.typeName === 'google.protobuf.Struct';
  const structs = isStruct ? Object.entries(STRUCTS) : [];
  switch (field.fieldKind) {
    case 'map': {
      const count = field.name.includes('labels') ? SENT_LIMITS.label_count : SENT_LIMITS.info_count;
      return [
        ['many entries', entries(count.limit + 1, 'v')],
        ['a long key', { ['k'.repeat(SENT_LIMITS.label_key.limit + 1)]: 'v' }],
        ['a long value', { k: 'v'.repeat(SENT_LIMITS.info_value.limit + 1) }],
      ];
    }
    case 'list':
      return [
        ['a long list', list(MANY, field.listKind === 'message' ? {} : field.scalar === 9 ? 'x' : 1)],
        ...(field.listKind === 'scalar' ? [['a long text in the list', [TEXT]] as const] : []),
        ...structs.map(([what, value]) => [what, [value]] as const),
      ];
    case 'scalar':
      return typeof field.getDefaultValue() === 'string' || field.scalar === 9 ? [['a long text', TEXT]] : [];
    case 'message':
      return field.message?.typeName === 'google.protobuf.Timestamp' ? TIMES : structs;
    default:
      return [];
  }
}

/** All requests of a type that are too large in one place. */
function* tooLarge(type: DescMessage, place = '', seen: readonly string[] = []): Generator<TooLarge> {
  if (seen.includes(type.typeName) || type.typeName.startsWith('google.protobuf.')) return;
  for (const field of type.fields) {
    const at = `${place}${field.name}`;
    for (const [what, value] of valuesOf(field))
      yield { what: `${at}: ${what}`, request: { [field.localName]: value } };
    if (!field.message) continue;
    for (const inner of tooLarge(field.message, `${at}.`, [...seen, type.typeName])) {
      const value = field.fieldKind === 'list' ? [inner.request] : inner.request;
      yield { what: inner.what, request: { [field.localName]: value } };
    }
  }
}

/** The code with which a request is refused before its service, or null if the service sees it. */
async function refusalOf(path: string, request: object): Promise<string | null> {
  const next = async function* (): AsyncGenerator<unknown> {
    yield 'seen';
  };
  const call = { method: { path }, requestStream: false, responseStream: false, request, next };
  const context = { signal: new AbortController().signal } as CallContext;
  return guarded(checkRequests())(call as never, context)
    .next()
    .then(
      () => null,
      ({ code }: CountermandError) => code,
    );
}

for (const service of services) {
  const elsewhere = CHECKED_ELSEWHERE[service.typeName];
  if (elsewhere !== undefined) continue;
  test(`${service.name}: no request is too large in any field`, async (t) => {
    for (const { name, input, methodKind } of service.methods) {
      t.not(methodKind, 'client_streaming', name);
      t.not(methodKind, 'bidi_streaming', name);
      for (const { what, request } of tooLarge(input)) {
        const code = await refusalOf(`/${service.typeName}/${name}`, request);
        t.regex(code ?? 'no limit', /_INVALID$/, `${name}, ${what}`);
      }
    }
    t.pass();
  });
}

test('what is checked elsewhere is in the contract, and its test walks every message', (t) => {
  for (const [name, file] of Object.entries(CHECKED_ELSEWHERE)) {
    t.true(
      services.some(({ typeName }) => typeName === name),
      name,
    );
    t.regex(readFileSync(file, 'utf8'), /AGENT_BOUNDS/, file);
  }
});
