/** Which server a node is: tables of what proves that it is another, and of what does not. */
import test from 'ava';
import { guidFrom, isOtherGuid } from '../../../src/core/guid.ts';
import { identityFound, isOtherServer, serverDriftOf } from '../../../src/server/nodes/identity.ts';
import { nodeRow } from '../rows.ts';

const A = '11111111-2222-3333-4444-555555555555';
const B = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

test('a GUID is 32 digits, however it is written; zeros and ones are none', (t) => {
  for (const text of [A, A.replaceAll('-', ''), A.toUpperCase()]) t.is(guidFrom(text), A);
  for (const none of ['', '0'.repeat(32), 'F'.repeat(32), '1234', `${A}0`, 'x'.repeat(32)])
    t.is(guidFrom(none), undefined, none);
  t.is(guidFrom(B, 'redfish'), `redfish:${B}`);
});

test('only two GUIDs of one source that differ prove another server', (t) => {
  t.true(isOtherGuid(A, B));
  t.false(isOtherGuid(A, A));
  for (const unknown of [null, undefined, '']) {
    t.false(isOtherGuid(A, unknown));
    t.false(isOtherGuid(unknown, A));
  }
  t.false(isOtherGuid(A, `redfish:${B}`));
  t.true(isOtherGuid(`redfish:${A}`, `redfish:${B}`));
});

test('what a reading makes of the identity of a node', (t) => {
  const known = nodeRow({ bmcGuid: A, bmcPlace: '10.0.0.1:623' });
  const shared = nodeRow({ bmcGuid: A, guidShared: true });
  const reading = { powerState: 'power on' as const };
  t.deepEqual(identityFound(nodeRow(), { ...reading, guid: A, place: 'x' }).patch, {
    otherGuid: null,
    bmcGuid: A,
    bmcPlace: 'x',
  });
  t.deepEqual(identityFound(known, { ...reading, guid: B, place: 'x' }), { isOther: true, patch: { otherGuid: B } });
  // A reading that says nothing changes nothing, and one from another source neither.
  for (const guid of [undefined, `redfish:${B}`])
    t.deepEqual(identityFound(known, { ...reading, guid }).patch, {
      otherGuid: null,
      bmcGuid: A,
      bmcPlace: '10.0.0.1:623',
    });
  t.like(identityFound(shared, { ...reading, guid: B }), { isOther: false, patch: { bmcGuid: B } });
});

test('another BMC, another GUID, one that waits to be accepted: another server; a first GUID is none', (t) => {
  const node = nodeRow({ bmcGuid: A });
  t.true(isOtherServer(node, { ...node, bmcKey: 'fake://other' }));
  t.true(isOtherServer(node, { ...node, bmcGuid: B }));
  t.true(isOtherServer(node, { ...node, otherGuid: B }));
  t.false(isOtherServer({ ...node, otherGuid: B }, { ...node, bmcGuid: B }));
  t.false(isOtherServer(nodeRow({ bmcKey: node.bmcKey }), node));
  t.false(isOtherServer({ ...node, guidShared: true }, { ...node, bmcGuid: B }));
});

test('drift: what was done was done to another server; tasks of earlier versions do not say', (t) => {
  const node = nodeRow({ name: 'n1', bmcKey: 'ipmi://10.0.0.2:623', bmcGuid: B });
  t.is(serverDriftOf(node, { bmcKey: null, bmcGuid: null }), null);
  t.is(serverDriftOf(node, { bmcKey: node.bmcKey, bmcGuid: null }), null);
  t.is(serverDriftOf(node, { bmcKey: node.bmcKey, bmcGuid: B }), null);
  t.regex(
    serverDriftOf(node, { bmcKey: node.bmcKey, bmcGuid: A }) ?? '',
    /^n1 is another server now: .*GUID aaaa.*GUID 1111/,
  );
  t.regex(serverDriftOf(node, { bmcKey: 'ipmi://10.0.0.1:623', bmcGuid: B }) ?? '', /10\.0\.0\.2.*10\.0\.0\.1/);
});
