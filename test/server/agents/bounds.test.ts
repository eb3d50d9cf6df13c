/** Each text and list that an agent can send has a limit, and what is beyond it does not get through. */
import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescField, type DescMessage, fromBinary, ScalarType } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import test, { type ExecutionContext } from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { AGENT_LIMITS, KEPT_LIMITS } from '../../../src/core/limits.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import {
  Answer,
  type Ask,
  AttachRequest,
  type AttachResponse,
  Hello,
  TaskReport,
} from '../../../src/gen/countermand/v1/agent.ts';
import { PowerState } from '../../../src/gen/countermand/v1/power.ts';
import {
  AGENT_BOUNDS,
  boundAnswer,
  boundHeartbeat,
  boundHello,
  boundReport,
  type FieldBound,
  type MessageBounds,
} from '../../../src/server/agents/bounds.ts';
import { enrolNode } from '../../../src/server/nodes/enrolment.ts';
import { getNode } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

const IMAGE = new URL('../../../src/gen/image.binpb', import.meta.url);
/** Kinds of numbers that cannot be longer than a few bytes. */
const SMALL = [ScalarType.INT32, ScalarType.BOOL];

/** A field that can be large, with the messages that lead to it. */
interface Place {
  readonly path: readonly string[];
  readonly field: DescField;
  readonly bound: FieldBound | MessageBounds | undefined;
}

/** All fields below a message, with what the table says of each. */
function placesIn(message: DescMessage, bounds: MessageBounds, path: readonly string[] = []): Place[] {
  return message.fields.flatMap((field) => {
    const here = { path: [...path, field.localName], field, bound: bounds[field.localName] };
    if (field.fieldKind === 'list' || field.fieldKind === 'map') {
      const each = here.bound as FieldBound | undefined;
      const inner = field.fieldKind === 'list' && field.listKind === 'message' ? field.message : undefined;
      const entry = { ...here, bound: each?.each ?? undefined };
      if (inner) return [here, ...placesIn(inner, (entry.bound ?? {}) as MessageBounds, here.path)];
      return isLarge(field) ? [here, entry] : [here];
    }
    if (field.fieldKind !== 'message') return [here];
    if (field.message.typeName === 'google.protobuf.Timestamp') return [];
    return placesIn(field.message, (here.bound ?? {}) as MessageBounds, here.path);
  });
}

/** True unless each value of a field costs a few bytes. */
function isLarge(field: DescField): boolean {
  const kind = field.fieldKind === 'list' ? field.listKind : field.fieldKind;
  return kind !== 'enum' && !(kind === 'scalar' && SMALL.includes(field.scalar as never));
}

const places = (): Place[] => {
  const contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(IMAGE)));
  return placesIn(contract.getMessage('countermand.v1.AttachRequest') as DescMessage, AGENT_BOUNDS);
};

test('each text, list and map of the contract that an agent sends has a limit', (t) => {
  const large = places().filter(({ field }) => field.fieldKind === 'list' || isLarge(field));
  t.true(large.length > 25, `${large.length} fields`);
  for (const { path, bound } of large) t.true((bound as FieldBound)?.row?.limit > 0, `${path.join('.')} has no limit`);
});

/** A message of which one field is one longer than its limit. */
function oneMore(field: DescField, { row }: FieldBound): unknown {
  const long = 'x'.repeat(row.limit + 1);
  if (field.fieldKind !== 'list') return long;
  return Array.from({ length: row.limit + 1 }, () =>
    field.listKind === 'enum' ? 1 : field.listKind === 'scalar' ? '' : {},
  );
}

const nest = ([first, ...rest]: readonly string[], value: unknown): Record<string, unknown> => ({
  [first as string]: rest.length === 0 ? value : nest(rest, value),
});

const lengthAt = (message: unknown, path: readonly string[]): number =>
  (path.reduce((at, name) => (at as Record<string, unknown>)[name], message) as { length: number }).length;

test('one more than each limit is cut, counts as absent, or is refused', (t) => {
  for (const { path, field, bound } of places()) {
    const known = bound as FieldBound | undefined;
    // The parts of a hello's drivers are tried in hello.test.ts, and those of a heartbeat below.
    if (known?.row === undefined || path.includes('drivers') || ['hello', 'heartbeat'].includes(path[0] ?? ''))
      continue;
    const [kind, ...rest] = path as [string, ...string[]];
    const name = path.join('.');
    const long = nest(rest, oneMore(field, known));
    const given: unknown = kind === 'report' ? boundReport(TaskReport.fromPartial(long)) : answered(rest, long);
    if (known.over === 'refuse') t.like(given, { $case: 'error', value: { code: known.row.error } }, name);
    else if (kind === 'report') t.is(lengthAt(given, rest), known.over === 'cut' ? known.row.limit : 0, name);
    else
      t.is(
        lengthAt((given as { value: unknown }).value, rest.slice(1)),
        known.over === 'cut' ? known.row.limit : 0,
        name,
      );
  }
  const targets = Array.from({ length: AGENT_LIMITS.targets.limit + 1 }, () => 1);
  for (const list of [{ targets }, { recalls: targets }])
    t.throws(() => boundHello(Hello.fromPartial({ drivers: [{ name: 'd', ...(list as object) }] })), {
      message: /^hello.drivers\[0\].(targets|recalls): 101 targets; at most 100/,
    });
});

function answered([kind]: readonly string[], long: Record<string, unknown>): unknown {
  const answer = Answer.fromPartial({ answer: { $case: kind, value: long[kind as string] } } as never).answer;
  return boundAnswer(answer as NonNullable<Answer['answer']>);
}

test('a heartbeat may tell of as many drivers as an agent may have, and of none whose name is too long', (t) => {
  const sessions = Array.from({ length: AGENT_LIMITS.drivers.limit + 1 }, () => ({ driver: 'd', open: 1 }));
  t.is(boundHeartbeat({ sessions }).sessions.length, AGENT_LIMITS.drivers.limit);
  const driver = 'x'.repeat(AGENT_LIMITS.driver_name.limit + 1);
  t.deepEqual(boundHeartbeat({ sessions: [{ driver, open: 1 }] }), { sessions: [{ driver: '', open: 1 }] });
});

test('a text with the character NUL gets through without it, counts as absent, or is refused', (t) => {
  const error = { code: 'BMC_REFUSED', message: 'a\0b' };
  const reading = { guid: 'g\0', place: '\0' };
  const report = boundReport(
    TaskReport.fromPartial({ sent: '\0', error, observed: reading, abort: { reason: 'x\0' } }),
  );
  t.like(report, {
    sent: '\ufffd',
    error: { code: 'BMC_REFUSED', message: 'a\ufffdb' },
    observed: { guid: '', place: '' },
    abort: { reason: 'x\ufffd' },
  });
  t.like(boundAnswer({ $case: 'parsed', value: { bmcKey: 'k\0' } }), {
    $case: 'error',
    value: { code: 'DRIVER_INFO_INVALID', message: 'parsed.bmc_key contains the character NUL' },
  });
});

/** An agent that answers every question with texts that are much too long. */
async function attachLoud(world: World, t: ExecutionContext, bmcKey: string): Promise<void> {
  const cancellation = openCancellation([]);
  t.teardown(() => cancellation.end());
  const outgoing = openChannel<AttachRequest>(cancellation.signal);
  const say = (message: object): void => outgoing.push(AttachRequest.fromPartial({ message } as never));
  const drivers = [{ name: 'fake', driverInfoSchema: '{}', targets: [1] }];
  say({ $case: 'hello', value: { agentUuid: 'loud', name: 'loud', zones: ['default'], drivers } });
  const messages = world.conductor.attachments.attach(outgoing, cancellation.signal);
  const long = 'G'.repeat(400_000);
  const reading = { powerState: PowerState.ON, guid: long, place: long, boots: 1 };
  const answerTo = (question: Ask['question']): object =>
    question?.$case === 'parse' ? { $case: 'parsed', value: { bmcKey } } : { $case: 'reading', value: reading };
  const serve = async (): Promise<void> => {
    for await (const { message } of messages as AsyncIterable<AttachResponse>)
      if (message?.$case === 'ask')
        say({ $case: 'answer', value: { askId: message.value.askId, answer: answerTo(message.value.question) } });
  };
  void serve().catch(() => {});
  await world.clock.settle();
}

const NODE = { uuid: '', name: 'n1', driver: 'fake', zone: '', labels: {}, driverInfo: { fake_address: 'n1' } };

test('a node keeps nothing of a GUID and a place that are too long', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await attachLoud(world, t, 'key');
  await world.finish(enrolNode(NODE, world.conductor));
  await world.clock.turn(60_000);
  const node = await getNode('n1', world.database.read);
  t.is(node.powerState, 'power on');
  t.deepEqual([node.bmcGuid ?? '', node.otherGuid ?? '', node.bmcPlace ?? ''], ['', '', '']);
  const largest = 4 * KEPT_LIMITS.agent_text.limit;
  for (const { payload } of await world.database.read('events')) t.true(payload.length < largest);
});

test('a BMC whose key is too long is not enrolled, and its agent stays', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await attachLoud(world, t, 'k'.repeat(AGENT_LIMITS.bmc_key.limit + 1));
  await t.throwsAsync(world.finish(enrolNode(NODE, world.conductor)), {
    code: 'DRIVER_INFO_INVALID',
    message: /bmc_key: 512 characters; at most 511/,
  } as never);
  t.is(world.conductor.attachments.list().length, 1);
  t.is((await world.database.read('nodes')).length, 0);
});
