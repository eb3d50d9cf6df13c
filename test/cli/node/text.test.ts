import test from 'ava';
import { NODE_LIST } from '../../../src/cli/node/list.ts';
import { explanationText, nodeText, refreshedLine, supportedText } from '../../../src/cli/node/text.ts';
import { taskTable } from '../../../src/cli/power/list.ts';
import { taskText } from '../../../src/cli/power/text.ts';
import { listText } from '../../../src/cli/shared/listing.ts';
import { changeLine } from '../../../src/cli/shared/task_lines.ts';
import { utcTime } from '../../../src/cli/shared/times.ts';
import {
  ExplainNodeResponse,
  GetSupportedPowerStatesResponse,
  Node,
  RefreshNodesResponse,
} from '../../../src/gen/countermand/v1/node.ts';
import {
  PossibleVerb,
  PowerState,
  PowerTarget,
  PowerTask,
  PowerTaskState,
  Recall,
} from '../../../src/gen/countermand/v1/power.ts';

const NOW = 600_000;
const nodeTable = (nodes: readonly Node[], nowMs: number): string =>
  listText(NODE_LIST, nodes, {}, { nowMs, time: utcTime });
const nodeWith = (changes: Parameters<typeof Node.fromPartial>[0]): Node =>
  Node.fromPartial({ name: 'n1', zone: 'default', driver: 'fake', powerState: PowerState.ON, ...changes });

const rowOf = (node: Node): string[] =>
  (nodeTable([node], NOW).split('\n')[1] ?? '').split(/ {3,}/).filter((cell) => cell !== '');

test('a free node', (t) => {
  t.deepEqual(rowOf(nodeWith({ powerStateReadAt: new Date(NOW - 12_000) })), [
    'n1',
    'power on',
    'default',
    'fake',
    '12s',
  ]);
});
test('a node that was never read', (t) => {
  t.deepEqual(rowOf(nodeWith({ powerState: 0 })), ['n1', 'unknown', 'default', 'fake', 'never']);
});
test('a node that is held, and in maintenance', (t) => {
  const node = nodeWith({ targetPowerState: PowerTarget.SOFT_POWER_OFF, heldBy: 'task-1', maintenance: true });
  t.deepEqual(rowOf(node), ['n1', 'power on', 'soft power off', 'task-1', 'on', 'default', 'fake', 'never']);
});
test('a node that may still change says for how long, until that is over', (t) => {
  t.is(rowOf(nodeWith({ mayStillChangeUntil: new Date(NOW + 588_000) }))[1], 'power on (may still change for 9m48s)');
  t.is(rowOf(nodeWith({ mayStillChangeUntil: new Date(NOW - 1) }))[1], 'power on');
});
test('error stands until the next reading', (t) => {
  t.is(rowOf(nodeWith({ powerState: PowerState.ERROR }))[1], 'error (until the next reading)');
});
const problem = { code: 'BMC_SILENT', message: 'the BMC n1 is silent', since: new Date(NOW - 180_000) };
test('a node that cannot be read says so in the list, and why where all of it is shown', (t) => {
  t.deepEqual(rowOf(nodeWith({ problem, powerStateReadAt: new Date(NOW - 240_000) })), [
    'n1',
    'power on (not readable now)',
    'default',
    'fake',
    '4m',
    'BMC_SILENT for 3m',
  ]);
  t.regex(
    nodeText(nodeWith({ problem }), NOW, utcTime),
    /^problem {7}not readable, BMC_SILENT for 3m: the BMC n1 is silent$/m,
  );
});
test('a power task that waits for a node that cannot be read says so, in the list too', (t) => {
  const task = PowerTask.fromPartial({ uuid: 'task-1', nodeName: 'n1', problem, message: 'being powered off hard' });
  t.regex(taskText(task, NOW, utcTime), /^problem +not readable, BMC_SILENT for 3m: the BMC n1 is silent$/m);
  t.regex(taskTable([task], NOW), /not readable, BMC_SILENT for 3m: the BMC n1 is silent$/);
  t.regex(changeLine(task), /not readable: BMC_SILENT: the BMC n1 is silent/);
});
test('empty lists say so', (t) => {
  t.is(nodeTable([], NOW), 'no nodes');
  t.is(taskTable([], NOW), 'no power tasks');
});

test('all of a node: keys in order, nothing empty', (t) => {
  const text = nodeText(
    nodeWith({ driverInfo: { b: '2', a: '1' }, maintenance: true, maintenanceReason: 'fan' }),
    NOW,
    utcTime,
  );
  t.regex(text, /^driver_info {3}a=1 b=2$/m);
  t.regex(text, /^maintenance {3}on: fan$/m);
  t.notRegex(text, /labels|held by|last error/);
});

test('a reading: what was read, or why not', (t) => {
  const answer = (changes: Parameters<typeof RefreshNodesResponse.fromPartial>[0]): string =>
    refreshedLine(RefreshNodesResponse.fromPartial({ node: nodeWith({}), ...changes }), 'countermand');
  t.is(answer({ observed: PowerState.OFF }), 'n1: power off');
  t.is(answer({ reason: 'the BMC is\nsilent' }), 'n1: not read: the BMC is silent');
  t.is(answer({ observed: PowerState.ON, reason: 'a task holds it' }), 'n1: power on (not recorded: a task holds it)');
});

test('supported targets: how far an order can be recalled; of an abort nothing', (t) => {
  const answer = GetSupportedPowerStatesResponse.fromPartial({
    supportedPowerStates: [
      { target: PowerTarget.SOFT_POWER_OFF, powerState: 'soft power off', recall: Recall.BY_HARDWARE },
      { target: PowerTarget.ABORT_SOFT_POWER_OFF, powerState: 'abort soft power off', recall: 1 },
    ],
    reason: 'no agent',
  });
  t.deepEqual(supportedText(answer, utcTime).split('\n'), [
    'TARGET           POWER STATE            RECALL',
    'soft_off         soft power off         can be taken back while the host still runs',
    'abort_soft_off   abort soft power off',
    'the list of the driver; the hardware was not asked: no agent',
  ]);
  const probed = { ...answer, probedAt: new Date(NOW), reason: 'the ServerView agent of the node is not connected' };
  t.regex(
    supportedText(probed, utcTime),
    /\nthe hardware was asked at 1970-.*Z: the ServerView agent of the node is not connected$/,
  );
  t.regex(supportedText({ ...probed, reason: '' }, utcTime), /\nthe hardware was asked at 1970-.*Z$/);
});

test('an explanation: sentences, how to take back, tasks, what is possible', (t) => {
  const task = PowerTask.fromPartial({
    uuid: 'task-1',
    nodeName: 'n1',
    target: PowerTarget.SOFT_POWER_OFF,
    state: PowerTaskState.CONFIRMING,
    possibleOrders: [
      {
        verb: PossibleVerb.SET_POWER_STATE,
        resource: 'n1',
        powerTarget: PowerTarget.ABORT_SOFT_POWER_OFF,
        abortsTaskUuid: 'task-1',
      },
    ],
    createdAt: new Date(NOW - 5000),
  });
  const answer = ExplainNodeResponse.fromPartial({
    explanation: ['It is power on.'],
    holder: task,
    lastTasks: [task],
    possible: [{ target: PowerTarget.ABORT_SOFT_POWER_OFF, meaning: 'abort it' }],
  });
  t.deepEqual(explanationText(answer, NOW, 'countermand').split('\n'), [
    'It is power on.',
    '  take it back: countermand node power n1 abort_soft_off --task task-1',
    '',
    'TASK     NODE   TARGET           STATE        ABORT   AGE   MESSAGE',
    'task-1   n1     soft power off   CONFIRMING           5s',
    '',
    'POSSIBLE NOW     MEANING',
    'abort_soft_off   abort it',
  ]);
});

test('all of a task', (t) => {
  const task = PowerTask.fromPartial({
    uuid: 'task-1',
    nodeName: 'n1',
    nodeUuid: 'node-1',
    target: PowerTarget.SOFT_POWER_OFF,
    state: PowerTaskState.ABORTING,
    timeout: 600,
    onTimeout: 2,
    abort: { taskUuid: 'task-2' },
  });
  const text = taskText(task, NOW, utcTime);
  t.regex(text, /^timeout {6}600 s, then FORCE$/m);
  t.regex(text, /^abort {8}under way$/m);
  t.notRegex(text, /UNSPECIFIED|error|deadline/);
});
