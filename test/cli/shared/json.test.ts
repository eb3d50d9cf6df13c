import test from 'ava';
import { toFullJson, toPlainJson } from '../../../src/cli/shared/json.ts';
import { Node, RefreshNodesResponse } from '../../../src/gen/countermand/v1/node.ts';
import { Event } from '../../../src/gen/countermand/v1/notification.ts';
import * as power from '../../../src/gen/countermand/v1/power.ts';

const { PowerTask, PowerTarget, PowerTaskState, AbortOutcome, PowerState } = power;

test('enums are names without prefix, also deep inside', (t) => {
  const task = PowerTask.fromPartial({
    target: PowerTarget.SOFT_POWER_OFF,
    state: PowerTaskState.CONFIRMING,
    abort: { outcome: AbortOutcome.STOPPED_WAITING, observed: PowerState.ON },
  });
  t.deepEqual(toPlainJson(PowerTask, task), {
    target: 'SOFT_POWER_OFF',
    state: 'CONFIRMING',
    abort: { outcome: 'STOPPED_WAITING', observed: 'ON' },
  });
});

test('every enum value of the contract loses its prefix', (t) => {
  for (const [name, members] of Object.entries({
    target: PowerTarget,
    state: PowerTaskState,
    phase: power.PowerTaskPhase,
    onTimeout: power.OnTimeout,
    recall: power.Recall,
    beforePowerState: PowerState,
  })) {
    for (const [short, value] of Object.entries(members).filter(([, number]) => number > 0))
      t.deepEqual(toPlainJson(PowerTask, PowerTask.fromPartial({ [name]: value })), { [name]: short });
  }
});

test('text that looks like an enum stays as it is', (t) => {
  const node = Node.fromPartial({ name: 'POWER_STATE_ON', labels: { POWER_STATE_OFF: 'POWER_STATE_ERROR' } });
  t.deepEqual(toPlainJson(Node, node), { name: 'POWER_STATE_ON', labels: { POWER_STATE_OFF: 'POWER_STATE_ERROR' } });
});

test('an enum value of a newer conductor is UNRECOGNIZED', (t) => {
  const answer = RefreshNodesResponse.fromPartial({ observed: 42 as power.PowerState });
  t.deepEqual(toPlainJson(RefreshNodesResponse, answer), { observed: 'UNRECOGNIZED' });
});

test('times are ISO 8601, large numbers are text, payloads are as they are', (t) => {
  const payload = { 'ironic_object.data': { power_state: 'power on', count: 3, list: [1, 'POWER_STATE_ON', null] } };
  const event = Event.fromPartial({ sequence: 2n ** 62n, timestamp: new Date(0), payload });
  t.deepEqual(toPlainJson(Event, event), {
    sequence: '4611686018427387904',
    timestamp: '1970-01-01T00:00:00.000Z',
    payload,
  });
});

test('full JSON has false, zero, empty and unknown too', (t) => {
  const node = Node.fromPartial({ name: 'n1', problem: { code: 'BMC_SILENT' }, createdAt: new Date(0) });
  t.deepEqual(toFullJson(Node, node), {
    uuid: '',
    name: 'n1',
    driver: '',
    driverInfo: {},
    zone: '',
    labels: {},
    maintenance: false,
    maintenanceReason: '',
    powerState: 'UNSPECIFIED',
    targetPowerState: 'UNSPECIFIED',
    lastError: '',
    heldBy: '',
    createdAt: '1970-01-01T00:00:00.000Z',
    revision: 0,
    problem: { code: 'BMC_SILENT', message: '' },
    guid: '',
    otherGuid: '',
    frozen: '',
  });
});

test('full JSON of what is inside: lists, nested messages, large numbers', (t) => {
  const task = PowerTask.fromPartial({
    target: PowerTarget.ON,
    abort: { observed: PowerState.OFF },
    possible: ['a', ''],
  });
  t.like(toFullJson(PowerTask, task), {
    target: 'ON',
    state: 'UNSPECIFIED',
    timeout: 0,
    abort: { outcome: 'UNSPECIFIED', observed: 'OFF', reason: '', taskUuid: '' },
    possible: ['a', ''],
  });
  t.like(toFullJson(Event, Event.fromPartial({})), { sequence: '0', eventType: '' });
  const payload = { data: { count: 0, none: null, off: false, list: [0, '', {}] } };
  t.like(toFullJson(Event, Event.fromPartial({ payload })), { payload });
});

test('full JSON has all that plain JSON has', (t) => {
  const node = Node.fromPartial({
    name: 'n1',
    powerState: PowerState.ON,
    maintenance: true,
    labels: { a: '' },
    revision: 7,
  });
  t.like(toFullJson(Node, node), toPlainJson(Node, node) as object);
});
