/** What is read of a notification: tables for what Nova sends, and anything at all. */
import test from 'ava';
import fc from 'fast-check';
import { readNotification, UnreadableNotification } from '../../src/compute/notification.ts';
import { anyText } from '../counterparts/any_text.ts';
import { bodyOf, messageOf, type Said, updated } from './notifications.ts';

const OURS = 'req-3b1f7f0e-6f0b-4d37-9d1a-2f3f1c3f0a11';
const on = (host: string | null, more: object = {}) => ({ uuid: 'i-1', host, state: 'active', ...more });

/** Each message, and the hosts that have changed; null: nothing has. */
const CHANGES: readonly (readonly [Said, readonly string[] | null])[] = [
  [{ type: 'instance.update', data: on('cmp2', updated('active', 'stopped')) }, ['cmp2']],
  [
    { type: 'instance.update', data: on('cmp2', updated('building', 'active')), publisher: 'nova-compute:ctl' },
    ['cmp2'],
  ],
  // Progress, a task, a tag: every save is told.
  [{ type: 'instance.update', data: on('cmp2', updated('active', 'active')) }, null],
  [{ type: 'instance.update', data: on('cmp2') }, null],
  [{ type: 'instance.update', data: on(null, updated('building', 'error')) }, []],
  [{ type: 'instance.create.start', data: on(null) }, null],
  [{ type: 'instance.create.end', data: on('cmp1') }, ['cmp1']],
  [{ type: 'instance.delete.end', data: on('cmp1') }, ['cmp1']],
  [{ type: 'instance.live_migration_pre.end', data: on('cmp1'), publisher: 'nova-compute:cmp2' }, null],
  [{ type: 'instance.live_migration_post.end', data: on('cmp1') }, ['cmp1']],
  [{ type: 'instance.live_migration_post_dest.end', data: on('cmp2'), publisher: 'nova-compute:cmp2' }, ['cmp2']],
  [{ type: 'instance.live_migration_rollback.end', data: on('cmp1') }, ['cmp1']],
  // The source tells it of the destination.
  [{ type: 'instance.resize.end', data: on('cmp2'), publisher: 'nova-compute:cmp1' }, ['cmp2', 'cmp1']],
  [{ type: 'instance.resize_revert.start', data: on('cmp2'), publisher: 'nova-compute:cmp1' }, ['cmp2', 'cmp1']],
  [{ type: 'instance.power_off.end', data: on('cmp1') }, ['cmp1']],
  [{ type: 'instance.power_on.end', data: on('cmp1'), publisher: 'nova-api:ctl' }, ['cmp1']],
  [{ type: 'instance.reboot.end', data: on('cmp1') }, null],
  [{ type: 'instance.lock', data: on('cmp1') }, null],
  [{ type: 'service.update', data: { binary: 'nova-compute', host: 'cmp3', disabled: true } }, ['cmp3']],
  [{ type: 'service.create', data: { binary: 'nova-compute', host: 'cmp4' } }, ['cmp4']],
  [{ type: 'service.update', data: { binary: 'nova-conductor', host: 'cmp3' } }, null],
  [{ type: 'compute.exception', data: { function_name: 'live_migration', exception: 'X' } }, ['cmp1']],
  [{ type: 'compute.exception', data: { function_name: 'get_host_uptime', exception: 'X' } }, null],
  [{ type: 'compute.exception', data: {}, publisher: 'nova-api:ctl' }, null],
  [{ type: 'compute_task.migrate_server.error', data: { instance_uuid: 'i-1' } }, null],
  [{ type: '__proto__' }, null],
  [{ type: 'instance.update', more: { payload: 'flat' } }, null],
];

for (const [said, hosts] of CHANGES)
  test(`${JSON.stringify(said)} changes ${hosts?.join(' and ') ?? 'nothing'}`, (t) => {
    const { change, eventType } = readNotification(bodyOf(said));
    t.is(eventType, said.type);
    t.deepEqual(change?.hosts ?? null, hosts);
  });

test('the envelope, the ids and the origin', (t) => {
  const said: Said = { type: 'instance.delete.end', data: on('cmp1', { display_name: 'secret' }), asked: OURS };
  const read = readNotification(bodyOf(said));
  t.deepEqual(read, {
    ...{ id: 'm-1', eventType: 'instance.delete.end', sentAt: Date.UTC(2026, 0, 2, 3, 4), origin: OURS },
    change: {
      ...{ type: 'instance.delete.end', hosts: ['cmp1'], instance: 'i-1' },
      details: { uuid: 'i-1', host: 'cmp1', state: 'active' },
    },
  });
  // As the driver `messaging` sends it.
  t.deepEqual(readNotification(Buffer.from(JSON.stringify(messageOf(said)))), read);
  for (const asked of ['req-no-uuid', OURS.toUpperCase(), 'x'.repeat(300)])
    t.is(readNotification(bodyOf({ ...said, asked })).origin, null, asked);
  const without = readNotification(bodyOf({ ...said, more: { message_id: undefined, timestamp: 'yesterday' } }));
  t.like(without, { id: 'u-m-1', sentAt: null });
  t.false(JSON.stringify(read).includes('a-token'));
  const dirty = on('cmp1', { state: `a\u0000b\ud800${'x'.repeat(300)}` });
  const state = readNotification(bodyOf({ type: 'instance.delete.end', data: dirty })).change?.details.state;
  t.is(state, `a b ${'x'.repeat(196)}`);
});

const UNREADABLE: readonly (readonly [string | Uint8Array, RegExp])[] = [
  ['', /not JSON/],
  ['{', /not JSON/],
  [new Uint8Array([0xff, 0xfe, 0x7b]), /not UTF-8/],
  ['null', /no message of oslo/],
  ['[]', /no message of oslo/],
  ['{"oslo.version":"3.0","oslo.message":"{}"}', /not of version 2/],
  ['{"oslo.version":2,"oslo.message":"{}"}', /not of version 2/],
  ['{"oslo.version":"2.0","oslo.message":{}}', /no text/],
  ['{"oslo.version":"2.0","oslo.message":"{"}', /not JSON/],
  ['{"event_type":"a","message_id":7}', /neither message_id nor _unique_id/],
  ['{"event_type":"a b","message_id":"m"}', /no message of oslo/],
  [`{"event_type":"${'a'.repeat(201)}","message_id":"m"}`, /no message of oslo/],
];

test('what is no notification is told so, without a word of it', (t) => {
  for (const [body, message] of UNREADABLE)
    t.throws(() => readNotification(Buffer.from(body)), { instanceOf: UnreadableNotification, message }, String(body));
});

test('whatever comes, it is read or unreadable, and what is read can be stored', (t) => {
  const printable = /^[\x21-\x7e]{1,200}$/;
  const check = (body: Uint8Array): void => {
    try {
      const { id, change } = readNotification(body);
      t.regex(id, printable);
      for (const host of change?.hosts ?? []) t.regex(host, printable);
      t.true(JSON.stringify(change).length < 2000);
      t.false(/\\u0000|\\ud[89a-f]/.test(JSON.stringify(change?.details ?? {})));
    } catch (thrown) {
      t.true(thrown instanceof UnreadableNotification, String(thrown));
    }
  };
  const value = fc.jsonValue({ maxDepth: 3 });
  const said = fc.record({
    type: fc.constantFrom('instance.update', 'service.update', 'compute.exception', 'instance.create.end', 'x'),
    publisher: fc.constantFrom('nova-compute:cmp1', 'nova-compute:', 'nova-compute:\u0000'),
    data: fc.record({
      host: value,
      uuid: value,
      state: anyText(),
      state_update: value,
      binary: value,
    }),
    more: fc.dictionary(fc.constantFrom('message_id', 'payload', '_unique_id', 'timestamp', 'event_type'), value),
  });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 300 });
  fc.assert(
    fc.property(said, (each) => check(bodyOf(each))),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(said, fc.nat(), fc.nat(255), (each, at, byte) => {
      const body = bodyOf(each);
      body[at % body.length] = byte;
      check(body);
    }),
    { numRuns: 300 },
  );
});
