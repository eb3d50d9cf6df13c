/** Bad calls, and what each gets. They speak of a node `free`, and a node `held` by a power task `the-holder`. */
import type { ErrorCode, GrpcStatus } from '../../src/core/errors.ts';
import type { AttachRequest } from '../../src/gen/countermand/v1/agent.ts';
import { OnTimeout, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import type { Client } from './client.ts';

/** One bad call, and what it gets. */
export interface BadCall {
  readonly what: string;
  readonly call: (client: Client) => Promise<unknown>;
  readonly status: GrpcStatus;
  readonly code: ErrorCode;
  readonly says: RegExp;
}

const INVALID = { status: 'INVALID_ARGUMENT', code: 'ARGUMENT_INVALID' } as const;
const NO_NODE = { status: 'NOT_FOUND', code: 'NODE_NOT_FOUND', says: /there is no node 'nosuch'/ } as const;
const HELD = { status: 'FAILED_PRECONDITION', code: 'NODE_HELD', says: /node held is held by power task/ } as const;

/** The first answer of a stream, if there is one. */
async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of stream) return answer;
  return null;
}

/** Enrols a node that would do, but for what is given. */
export const create =
  (more: object) =>
  ({ nodes }: Client): Promise<unknown> =>
    nodes.createNode({ name: 'new', driver: 'ipmi', driverInfo: { ipmi_address: '127.0.0.9' }, ...more });
const withInfo = (info: Record<string, string>) => create({ driverInfo: { ipmi_address: '127.0.0.9', ...info } });
/** Gives an order that would do, but for what is given. */
export const give =
  (more: object) =>
  ({ power }: Client): Promise<unknown> =>
    first(power.setPowerState({ node: 'free', target: PowerTarget.SOFT_POWER_OFF, ...more }));
const list =
  (more: object) =>
  ({ nodes }: Client): Promise<unknown> =>
    nodes.listNodes(more);

const refusedInfo = (what: string, info: Record<string, string>, says: RegExp): BadCall => ({
  what,
  call: withInfo(info),
  status: 'INVALID_ARGUMENT',
  code: 'DRIVER_INFO_INVALID',
  says,
});

const DRIVER_INFO: readonly BadCall[] = [
  { ...refusedInfo('no driver_info', {}, /driver_info.ipmi_address is missing/), call: create({ driverInfo: {} }) },
  refusedInfo('a malformed address', { ipmi_address: 'no address!' }, /ipmi_address: must be an IPv4 address/),
  refusedInfo('an address that is an option', { ipmi_address: '-U' }, /ipmi_address: must be/),
  refusedInfo('an unknown key', { ipmi_adress: '1' }, /driver_info has no key 'ipmi_adress'/),
  refusedInfo('a password of 21 bytes', { ipmi_password: 'x'.repeat(21) }, /ipmi_password: must be at most 20 bytes/),
  refusedInfo('a password of 20 letters and 21 bytes', { ipmi_password: `ü${'x'.repeat(19)}` }, /at most 20 bytes/),
  refusedInfo('port 0', { ipmi_port: '0' }, /ipmi_port: must be a port, 1 to 65535/),
  refusedInfo('port 65536', { ipmi_port: '65536' }, /ipmi_port: must be a port/),
  refusedInfo('a port in words', { ipmi_port: 'ipmi' }, /ipmi_port: must be a port/),
  refusedInfo('cipher suite 0', { ipmi_cipher_suite: '0' }, /suite 0 lets anybody in/),
  refusedInfo('a mask instead of a secret', { ipmi_password: '******' }, /is the mask that stands for a secret/),
  refusedInfo('an empty key', { '': 'x' }, /driver_info has an empty key/),
  refusedInfo(
    'a value of 5000 bytes',
    { ipmi_username: 'x'.repeat(5000) },
    /ipmi_username: 5000 characters; at most 4096/,
  ),
];

const NODES: readonly BadCall[] = [
  {
    what: 'an unknown driver',
    call: create({ driver: 'ipmj' }),
    status: 'INVALID_ARGUMENT',
    code: 'DRIVER_UNKNOWN',
    says: /no driver 'ipmj' in zone default; its agents offer fake, ipmi/,
  },
  { what: 'no driver', call: create({ driver: '' }), ...INVALID, says: /driver is empty/ },
  { what: 'an empty name', call: create({ name: '' }), ...INVALID, says: /name is empty/ },
  { what: 'a blank name', call: create({ name: ' ' }), ...INVALID, says: /name ' ' is not a name/ },
  { what: 'a range as a name', call: create({ name: 'n[1-2]' }), ...INVALID, says: /is not a name/ },
  { what: 'a name that is too long', call: create({ name: 'x'.repeat(256) }), ...INVALID, says: /1 to 255 letters/ },
  {
    what: 'a uuid as a name',
    call: create({ name: '6c1f9a52-6a86-4f0e-9d6e-0b1f6f0a7d11' }),
    ...INVALID,
    says: /looks like a uuid/,
  },
  {
    what: 'a zone without an agent',
    call: create({ zone: 'nowhere' }),
    status: 'UNAVAILABLE',
    code: 'AGENT_NOT_ATTACHED',
    says: /no agent with driver 'ipmi' is attached for zone nowhere; start one/,
  },
  {
    what: 'a duplicate name',
    call: create({ name: 'free' }),
    status: 'ALREADY_EXISTS',
    code: 'NODE_NAME_TAKEN',
    says: /there is a node 'free' already/,
  },
  {
    what: 'a duplicate name, by a change',
    call: ({ nodes }) => nodes.updateNode({ node: 'free', name: 'held' }),
    status: 'ALREADY_EXISTS',
    code: 'NODE_NAME_TAKEN',
    says: /there is a node 'held' already/,
  },
  {
    what: 'another name for a held node',
    call: ({ nodes }) => nodes.updateNode({ node: 'held', name: 'other' }),
    ...HELD,
  },
  { what: 'a delete of a held node', call: ({ nodes }) => nodes.deleteNode({ node: 'held' }), ...HELD },
  {
    what: 'another driver_info for a held node',
    call: ({ nodes }) =>
      nodes.updateNode({ node: 'held', setDriverInfo: { ipmi_username: 'other', ipmi_password: 'other' } }),
    ...HELD,
  },
  {
    what: 'a mask written back',
    call: ({ nodes }) => nodes.updateNode({ node: 'free', setDriverInfo: { ipmi_password: '******' } }),
    status: 'INVALID_ARGUMENT',
    code: 'DRIVER_INFO_INVALID',
    says: /ipmi_password is the mask/,
  },
  { what: 'no node', call: ({ nodes }) => nodes.getNode({ node: '' }), ...INVALID, says: /no node is named/ },
  { what: 'an unknown node, got', call: ({ nodes }) => nodes.getNode({ node: 'nosuch' }), ...NO_NODE },
  { what: 'an unknown node, changed', call: ({ nodes }) => nodes.updateNode({ node: 'nosuch' }), ...NO_NODE },
  { what: 'an unknown node, deleted', call: ({ nodes }) => nodes.deleteNode({ node: 'nosuch' }), ...NO_NODE },
  { what: 'an unknown node, validated', call: ({ nodes }) => nodes.validateNode({ node: 'nosuch' }), ...NO_NODE },
  { what: 'an unknown node, explained', call: ({ nodes }) => nodes.explainNode({ node: 'nosuch' }), ...NO_NODE },
  {
    what: 'an unknown node, asked what it supports',
    call: ({ nodes }) => nodes.getSupportedPowerStates({ node: 'nosuch' }),
    ...NO_NODE,
  },
  { what: 'an unknown node, watched', call: ({ nodes }) => first(nodes.watchNodes({ nodes: ['nosuch'] })), ...NO_NODE },
  {
    what: 'a range of which one does not exist',
    call: ({ nodes }) => first(nodes.refreshNodes({ nodes: ['free', 'nosuch'] })),
    ...NO_NODE,
  },
  {
    what: 'a range that matches nothing',
    call: ({ nodes }) => first(nodes.refreshNodes({ nodes: ['r7n[1-16]'] })),
    status: 'NOT_FOUND',
    code: 'NODE_NOT_FOUND',
    says: /there is no node 'r7n1', .* and 11 more; nothing was done/,
  },
  {
    what: 'a range that runs backwards',
    call: ({ nodes }) => first(nodes.refreshNodes({ nodes: ['n[3-1]'] })),
    ...INVALID,
    says: /'n\[3-1\]': 3-1 runs backwards/,
  },
  {
    what: 'an open bracket',
    call: ({ nodes }) => first(nodes.watchNodes({ nodes: ['n[1'] })),
    ...INVALID,
    says: /a bracket is not closed/,
  },
  {
    what: 'more names than there can be nodes',
    call: ({ nodes }) =>
      first(nodes.refreshNodes({ nodes: Array.from({ length: 300 }, (_, rack) => `r${rack}n[1-9999]`) })),
    ...INVALID,
    says: /nodes: 2999700 names; at most 100000/,
  },
  {
    what: 'a name that is longer than an answer can be',
    call: ({ nodes }) => nodes.getNode({ node: 'x'.repeat(1_000_000) }),
    ...INVALID,
    says: /^node: 1000000 characters; at most 1000/,
  },
  { what: 'no nodes', call: ({ nodes }) => first(nodes.refreshNodes({})), ...INVALID, says: /no node is named/ },
];

const ORDERS: readonly BadCall[] = [
  { what: 'an order for an unknown node', call: give({ node: 'nosuch' }), ...NO_NODE },
  { what: 'an order without a target', call: give({ target: 0 }), ...INVALID, says: /one of the nine of PowerTarget/ },
  { what: 'an unknown target', call: give({ target: 99 }), ...INVALID, says: /target is missing or unknown/ },
  {
    what: 'an unsupported target',
    call: give({ target: PowerTarget.ABORT_INJECT_NMI }),
    status: 'FAILED_PRECONDITION',
    code: 'TARGET_NOT_SUPPORTED',
    says: /driver ipmi of node free cannot do abort inject nmi; it can do on, off/,
  },
  { what: 'timeout 0', call: give({ timeout: 0 }), ...INVALID, says: /timeout is 0; it is a positive number/ },
  { what: 'a negative timeout', call: give({ timeout: -5 }), ...INVALID, says: /timeout is -5/ },
  {
    what: 'an unknown on_timeout',
    call: give({ onTimeout: 9 }),
    ...INVALID,
    says: /on_timeout is unknown; it is FAIL or FORCE/,
  },
  {
    what: 'a hard order that the caller wants to force',
    call: give({ target: PowerTarget.OFF, onTimeout: OnTimeout.FORCE }),
    ...INVALID,
    says: /power off is not soft/,
  },
  {
    what: 'an abort with a timeout',
    call: give({ target: PowerTarget.ABORT_SOFT_POWER_OFF, timeout: 5 }),
    ...INVALID,
    says: /an abort has no timeout/,
  },
  { what: 'an order that aborts', call: give({ abortsTaskUuid: 'x' }), ...INVALID, says: /goes with an abort/ },
  { what: 'a long request_id', call: give({ requestId: 'x'.repeat(256) }), ...INVALID, says: /1 to 255 characters/ },
  {
    what: 'a request_id that would steer a terminal',
    call: give({ requestId: 'a\u001b[31m\nn1: done' }),
    ...INVALID,
    says: /control character/,
  },
  { what: 'an order for a held node', call: give({ node: 'held' }), ...HELD },
  {
    what: 'an unknown power task',
    call: ({ power }) => power.getPowerTask({ task: 'nosuch' }),
    status: 'NOT_FOUND',
    code: 'POWER_TASK_NOT_FOUND',
    says: /there is no power task 'nosuch'/,
  },
  {
    what: 'an unknown power task, watched',
    call: ({ power }) => first(power.watchPowerTask({ task: 'nosuch' })),
    status: 'NOT_FOUND',
    code: 'POWER_TASK_NOT_FOUND',
    says: /there is no power task 'nosuch'/,
  },
  {
    what: 'a withdrawal of what is under way',
    call: ({ power }) => power.withdrawPowerTask({ task: 'the-holder' }),
    status: 'FAILED_PRECONDITION',
    code: 'NOT_WITHDRAWABLE',
    says: /is CONFIRMING; its order was sent; with stop_waiting it is given up/,
  },
  { what: 'no power task', call: ({ power }) => power.getPowerTask({ task: '' }), ...INVALID, says: /no power task/ },
];

const tokenOf = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
const BAD_TOKEN = { status: 'INVALID_ARGUMENT', code: 'PAGE_TOKEN_INVALID', says: /begin again without one/ } as const;

const LISTS: readonly BadCall[] = [
  { what: 'a negative page size', call: list({ pageSize: -1 }), ...INVALID, says: /page_size is -1; it is 1 to 1000/ },
  { what: 'a page size of 1001', call: list({ pageSize: 1001 }), ...INVALID, says: /page_size is 1001/ },
  { what: 'a page token that is none', call: list({ pageToken: 'x' }), ...BAD_TOKEN },
  {
    what: 'a page token of other filters',
    call: async ({ nodes }) => {
      const { nextPageToken } = await nodes.listNodes({ pageSize: 1 });
      return nodes.listNodes({ pageSize: 1, driver: 'ipmi', pageToken: nextPageToken });
    },
    ...BAD_TOKEN,
  },
  {
    what: 'a page token of another list',
    call: async ({ nodes, power }) => {
      const { nextPageToken } = await nodes.listNodes({ pageSize: 1 });
      return power.listPowerTasks({ pageSize: 1, pageToken: nextPageToken });
    },
    ...BAD_TOKEN,
  },
  {
    what: 'a forged page token',
    call: list({ pageToken: tokenOf(['nodes', '', '', {}], { evil: 1 }) }),
    ...BAD_TOKEN,
  },
  {
    what: 'a forged page token of tasks',
    call: ({ power }) =>
      power.listPowerTasks({ pageToken: tokenOf(['power_tasks', '', false, [], [], false], 'evil') }),
    ...BAD_TOKEN,
  },
];

type FromAgent = NonNullable<AttachRequest['message']>;

const HELLO = { agentUuid: 'a', name: 'a', zones: ['default'], drivers: [], embedded: false };
const DRIVER = { name: 'ipmi', driverInfoSchema: '{', targets: [], recalls: [], softRebootInOneCommand: false };

const attach =
  (message: FromAgent) =>
  ({ agents }: Client): Promise<unknown> => {
    async function* outgoing() {
      yield { message };
    }
    return first(agents.attach(outgoing()));
  };
const hello = (more: object) => attach({ $case: 'hello', value: { ...HELLO, ...more } });

const AGENTS: readonly BadCall[] = [
  {
    what: 'an agent that does not say hello',
    call: attach({ $case: 'heartbeat', value: { sessions: [] } }),
    ...INVALID,
    says: /the first message of an agent is a hello/,
  },
  { what: 'an agent without an id', call: hello({ agentUuid: '' }), ...INVALID, says: /agent_uuid is empty/ },
  { what: 'an agent without a zone', call: hello({ zones: [] }), ...INVALID, says: /zones is empty/ },
  { what: 'an agent without a driver', call: hello({}), ...INVALID, says: /drivers is empty/ },
  {
    what: 'an agent whose schema is no JSON',
    call: hello({ drivers: [DRIVER] }),
    ...INVALID,
    says: /the driver_info_schema of driver ipmi is not JSON/,
  },
];

/** All of them. */
export const BAD_CALLS: readonly BadCall[] = [...DRIVER_INFO, ...NODES, ...ORDERS, ...LISTS, ...AGENTS];
