/** docs/roles.md, from the tables of verbs, roles and RPCs. */
import { BUILT_IN_ROLES, VERBS, type Verb } from '../../src/server/access/verbs.ts';
import { RPC_RULES } from '../../src/server/api/rpc_verbs.ts';
import { block, code, markdownTable, page } from './markdown.ts';

const EXAMPLE = `roles:
  night_shift:
    verbs: [node.read, plan.read, power.soft_off, power.abort, plan.cancel]
  rack_owner:
    verbs: [node.read, node.maintenance, 'power.*', 'plan.*', event.read]
bindings:
  - identities: ['certificate:CN=alice', 'jwt:alice']
    role: admin
  - identities: ['token:monitoring', 'basic:*']
    role: observer
  - identities: ['jwt:bob']
    role: rack_owner
    labels: {rack: '7'}
  - identities: ['jwt:carol']
    role: night_shift
    zones: [north]
    nodes: ['r7n[1-16]', 'r8n[1-16]']
require_approval:
  - roles: [rack_owner]
    labels: {env: production}
  - nodes_above: 50
people:
  - ['jwt:alice', 'certificate:CN=alice']`;

const FILE = [
  'A role is a set of verbs; `*` stands for any part of a verb. A verb of power needs `node.read` beside it, one of plans `plan.read`, and one of audits `audit.read`.',
  'A binding gives a role to identities, by name or with `*` for any part ([security](security.md) says what the names are), over the nodes for which all that it names holds: `nodes` (names, uuids and ranges), `zones`, `labels`. Without any of these it is over every node. Bindings add up. Verbs that are not about nodes come only from a binding over every node.',
  'The file is checked whole. It is read again within seconds of a change. One that is wrong changes nothing, and the log says why. Who is bound nowhere may do nothing. Without a file every caller who is known may do everything.',
  'A token that was made with `--role` has that role over every node, beside what is bound to `token:NAME`; without a file of roles it has that role alone. If the file has the role no more, it is worth nothing.',
  'A rule of `require_approval` makes a plan [wait for a second person](security.md#rails), if all that it names holds: who starts it has one of the `roles`, for whatever nodes, and more than `nodes_above` (0) of its nodes are in one of the `zones` and bear the `labels`. `people` says which identities are one person.',
  '**Who labels a node decides which rule is about it.** `labels` and `zones` of bindings and of `require_approval` are compared with the node as it is when it is ordered about. Whoever has `node.write` over a node changes its labels, and so takes it out of a rule by labels before ordering about it, alone. So give `node.write` to none of the roles that give orders where a rule by labels is to hold; or let the rule name `roles` or `nodes_above`, which no label changes. A freeze is not escaped like that: a frozen node does not leave it.',
  '`countermand access check IDENTITY [VERB] [--node NODE]` says what an identity may do, and by which binding.',
];

const SIGHT = [
  '**What one may not see does not exist.** A node without `node.read` is NODE_NOT_FOUND, and it is in no list, count, watch, preview or event. A power task is seen with its node.',
  'A plan is seen by those who have `plan.read` over every node of its actions, and all other verbs of plans are needed over every node as well. A plan whose actions are about no node is held to the nodes of the scope that it was made for; without a scope, it is open to whoever has the verb over any. An audit is seen by those who have `audit.read` over every node of its scope; without a scope, of its plans. An audit about every node, and audit templates, are seen by those who have `audit.read` over every node. What is about a node that was deleted is seen by those who may see every node. Events of a node are shown as its zone and labels were then; those of a plan, as its nodes are when a subscription meets its first one.',
  'What one may see and not do is PERMISSION_DENIED (403), with `verb`, `node` and `identity` in the metadata of ErrorInfo; node `*` means every node.',
  '**Plans.** Who makes a plan needs the verb of each action over its node; so does who starts it. Who rolls it back, or cancels it with a rollback, needs the verbs of whatever may undo its actions: `power.on` for one that powers off, `power.soft_off` and `power.off` for one that powers on. Who starts a plan with `on_failure` ROLLBACK needs these too. A cancel needs `plan.cancel` alone, and an abort `power.abort` alone. A cancel without a rollback is not lost because a node was deleted or has other labels by now: it needs `plan.read` and `plan.cancel` over the nodes that are left, of which there is at least one; and the identity that made or started the plan, or the plan that this one undoes, needs `plan.cancel` over any nodes. A soft order that becomes hard when it times out needs `power.off` beside its own verb. Who approves or rejects a plan needs `plan.approve`, and none of the verbs of its actions: what its starter may do was checked when it was started.',
  '**Audits.** The plan of an audit is held to its maker as any plan. An audit that runs again and starts its plans is asked nothing later: who makes or resumes it needs `node.read`, `audit.create`, `plan.start`, `plan.rollback`, and every verb of actions, over every node. It goes on when its maker loses a role: suspend it.',
  '**Nodes.** Who enrols or changes a node needs the verbs over the node as it is and as it will be: a label, a zone or a name does not take a node into or out of what one may change. With `driver_info`, `node.credentials` is needed beside `node.write`.',
  '**Streams** end when their identity ends: its token is revoked or expires, its password or key is taken back, its certificate expires. They also end, with PERMISSION_DENIED, when the file gives their identity other rights; who calls again has the new ones. The work goes on. A watch of one power task or plan goes on when its node gets other labels.',
  'Two things cannot be hidden: that a name, a `request_id` or a uuid is taken, and how many events there are. Reasons that are written down (why a plan was superseded, which node shares a BMC) may name other plans and nodes.',
];

/** The page. */
export function printRoles(): string {
  const roles = Object.keys(BUILT_IN_ROLES) as (keyof typeof BUILT_IN_ROLES)[];
  const verbs = (Object.keys(VERBS) as Verb[]).map((verb) => [
    code(verb),
    VERBS[verb].meaning,
    VERBS[verb].ofNodes ? 'nodes' : 'everything',
    roles.filter((role) => (BUILT_IN_ROLES[role] as readonly Verb[]).includes(verb)).join(', '),
  ]);
  const rpcs = [...RPC_RULES].map(([path, { verbs: needed, needed: depends }]) => [
    code(path.slice(1).replace('countermand.v1.', '')),
    needed.map(code).join(', ') || 'none',
    depends ? 'those that the request is about' : '',
  ]);
  return page('Roles', 'src/server/access/verbs.ts and src/server/api/rpc_verbs.ts', [
    'What callers may do who [say who they are](security.md), in the file that `access_file` names:',
    block(EXAMPLE, 'yaml'),
    ...FILE,
    '## Verbs',
    markdownTable(['verb', 'what it allows', 'over', 'built-in roles'], verbs),
    '## What is held to what',
    ...SIGHT,
    '## RPCs',
    'A route of HTTP needs the verbs of the RPCs that it calls ([HTTP](http.md)). What is not in this table is refused.',
    markdownTable(['RPC', 'verbs', 'of these'], rpcs),
  ]);
}
