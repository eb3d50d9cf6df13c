/** docs/http.md and docs/openapi.json, from the table of routes. */
import { BY_CODE, BY_GRPC_STATUS } from '../../src/http/errors.ts';
import { openApiOf } from '../../src/http/openapi.ts';
import type { Chapter, Route } from '../../src/http/route.ts';
import { ROUTES } from '../../src/http/routes.ts';
import { block, code, markdownTable, page } from './markdown.ts';

/** The document. */
export const printOpenApi = (): string => `${JSON.stringify(openApiOf(ROUTES), null, 2)}\n`;

const INTRODUCTION = [
  'Beside gRPC, `countermand serve` speaks HTTP on `http_listen` (default `127.0.0.1:7078`; `none` switches it off), so that the clients which people already have work unchanged. Every route calls the same services as gRPC: no verb is implemented twice, and every [limit](limits.md) holds.',
  block(
    [
      'baremetal --os-auth-type none --os-endpoint http://127.0.0.1:7078 node list',
      'openstack --os-auth-type none --os-endpoint http://127.0.0.1:7078 baremetal node power off --soft r7n1',
      'watcher --os-endpoint-override http://127.0.0.1:7078 actionplan list',
      'curl http://127.0.0.1:7078/v1/nodes/r7n1/states',
      `curl -X PUT -H 'Content-Type: application/json' -d '{"target": "abort soft power off"}' http://127.0.0.1:7078/v1/nodes/r7n1/states/power`,
    ].join('\n'),
    'sh',
  ),
  'Where the conductor wants to know who asks, a request carries a client certificate, `Authorization: Bearer` or `Authorization: Basic`, or a token as `X-Auth-Token`; the two headers together are refused; see [security](security.md). `/`, `/v1`, `/healthz`, `/readyz`, `/openapi.json` and the files of `/console` need none. Without TLS and authentication, the door listens on a loopback address unless `--insecure` is given. It refuses what pages of other sites make a browser send: on loopback, `Host` is `localhost` or an IP address, and `Origin`, if there is one, is the door itself. The token `notused`, which `--os-auth-type none` sends, is no token.',
  'The same table is served as `/openapi.json` (OpenAPI 3.1), and kept as [openapi.json](openapi.json). What Ironic answers to the same requests stands [side by side](side_by_side.md) with ours.',
];

const REFUSALS = [
  '## What is refused, and how',
  "Every refusal has one form, whichever route it is of. `error_message` is JSON in a text: OpenStack's clients decode it twice, and then show the sentence to people. The header `Countermand-Error-Code` has the code of the [error table](errors.md).",
  block(
    '{"error_message": "{\\"faultcode\\": \\"Client\\", \\"faultstring\\": \\"there is no node \'n9\'; ...\\", \\"debuginfo\\": null}"}',
    'json',
  ),
  'Clients repeat 409 and 503 by themselves, five times within ten seconds. So these two only ever mean that nothing was done. What may have reached a BMC is 500, which no client repeats. Unknown keys and query parameters are named and refused. A body has at most 1 MiB.',
];

const RETRIES = [
  '## A request that is repeated',
  'When a connection breaks before the answer, the clients send the same request again, up to six times, with no id of their own. So an order that equals the last one of the same caller for the node is that order, while it is not at rest and for `repetition_window` after it was given, 15 seconds by default. This is read from the database, so it holds over a restart. On, off and on again are three orders. Two resets within that time are one: whoever wants two gives each an id. In the same way a node that was just enrolled with the same words, an audit that was just made, a plan that was just started and one that was just rolled back are answered as they are.',
  'An id of the client makes it exact: `Idempotency-Key`, `X-OpenStack-Request-ID` (`global_request_id` of the Python clients), or `request_id` in the body. The same id twice is one order for ever; with another body it is 409. A client that sends one `global_request_id` with everything it does has to change it with each order.',
];

const CHAPTERS: Readonly<Record<Chapter, readonly [title: string, text: string]>> = {
  door: ['The door itself', 'What probes, programs and browsers ask. [The console](console.md) is a page for people.'],
  ironic: [
    "Ironic's API, version 1",
    'What `baremetal`, `openstack baremetal`, openstacksdk, gophercloud and curl send. Versions 1.1 to 1.78 are accepted and mean the same; without one it is the newest. A client that asks for more is told the bounds (406) and comes down.',
  ],
  watcher: [
    "Watcher's API, version 1",
    'What `watcher` and `openstack optimize` send. Versions 1.0 to 1.7 are accepted and mean the same. Lists are the newest first, take `limit`, `marker` (a uuid), `sort_key` and `sort_dir`, and `next` repeats what was asked for.',
  ],
};

/** What is no route of the table: every RPC has an address of its own. */
const RPCS = [
  '## Connect and gRPC-Web',
  'Every RPC of the [contract](../proto/countermand/v1) but those of agents is served here too, at `/countermand.v1.SERVICE/RPC`, by POST: in the [Connect protocol](https://connectrpc.com/docs/protocol), whose JSON curl can write, and in gRPC-Web, so that a browser can call it. Unary calls and streams are those of gRPC, behind the same limits.',
  block(
    [
      `curl -H 'Content-Type: application/json' -d '{}' http://127.0.0.1:7078/countermand.v1.NodeService/ListNodes`,
      `curl -H 'Content-Type: application/json' -d '{"node": "r7n1", "target": "POWER_TARGET_SOFT_POWER_OFF"}' http://127.0.0.1:7078/countermand.v1.PowerService/OrderPowerState`,
      'buf curl --schema proto -d \'{"nodes": ["r7n1"]}\' http://127.0.0.1:7078/countermand.v1.NodeService/WatchNodes',
    ].join('\n'),
    'sh',
  ),
  'A refusal has the form of the protocol: `code` and `message`, the details of google.rpc that gRPC has as well, and `Countermand-Error-Code`. JSON with an unknown key is refused. `OrderPowerState`, `OrderCancel` and `OrderRollback` give the orders of the streaming RPCs and answer as soon as they are durable. A stream ends when its client goes; the work that it watched goes on. Nothing is joined by itself here: a client that repeats an order gives it a `request_id`, or says `join_equal`.',
];

/** What people of Ironic know by another name. */
const COMING_FROM_IRONIC = [
  '## Coming from Ironic',
  markdownTable(
    ['there', 'here'],
    [
      ['conductor, `conductor_group`', 'an agent, its zone; the group without a name is the zone `default`'],
      ['`extra`', 'labels; values are texts'],
      ['`reservation`', 'the uuid of the power task that holds the node'],
      ['`provision_state`', 'always null: countermand does not provision; `openstacksdk` reads that as `available`'],
      ['`baremetal node abort`', 'aborts the power order that holds the node'],
      [
        'PUT `states/power` answers before anything happens',
        'the order is durable when it is answered, and `Countermand-Power-Task` names it',
      ],
      ['`last_error` stays', 'empty after the next good reading; what became of an order is told by its power task'],
      [
        'a soft power off that times out',
        'may still happen; `may_still_change_until` says until when, and nothing is sent to undo it',
      ],
      [
        'an abort is refused',
        'all three aborts; afterwards `power_state` is `error` until the next good reading, which begins at once',
      ],
      ['a locked node refuses everything', 'it refuses orders; aborts, readings, labels and maintenance go through'],
      ['boot devices, consoles, RAID, traits, networks', '501 with a sentence; their lists are empty'],
      ['a name may be missing', 'a node has a name; its `uuid` may be given'],
      ['`driver_info` and `extra` are JSON', 'texts; numbers and booleans become texts, anything else is refused'],
      [
        'the driver can be changed; `fake-hardware`',
        'the driver is fixed; `fake-hardware` means `fake` when a node is made',
      ],
      ['inject_nmi answers when the BMC has it', 'the same, and its power task says what became of it'],
      ['`rebooting` is off, then on', 'one reset; a node that is off is powered on'],
      [
        'unknown keys of PUT `states/power` are refused',
        'the same; `on_timeout`, `reason`, `request_id` and `aborts_task_uuid` are known',
      ],
      [
        'maintenance and `fault` are set when a BMC cannot be read',
        'never by itself: `fault` is null, and the node has a problem',
      ],
      ['lists are sorted by any column', 'by name'],
      ['the version decides which fields there are', 'every field in every version; only the bounds are checked'],
    ],
  ),
];

/** What people of Watcher know by another name. */
const COMING_FROM_WATCHER = [
  '## Coming from Watcher',
  markdownTable(
    ['there', 'here'],
    [
      ['applier, decision engine', 'the conductor; `service list` shows it and the agents'],
      ['an audit is PENDING, its plan comes later', 'the first run is a part of the creation'],
      [
        'names of audits are unique',
        'several may have one name; a name that several have is refused, with their uuids',
      ],
      ['interval: seconds or cron', 'seconds'],
      ['`audittemplate create`, `audit create -a`', 'the same; the scope has `baremetal` sections'],
      ['scope: `compute`', 'scope: `baremetal` ([scope](scope.md))'],
      [
        'start: PENDING, until the applier takes it',
        'ONGOING at once, or PENDING behind a plan that runs on the same nodes',
      ],
      [
        'cancel: CANCELLING for what was ONGOING, CANCELLED for the rest; anything else is 400',
        'either word cancels what can be cancelled; a cancel that is repeated is answered with the plan as it is',
      ],
      ['rollback: specified, never built', '`POST /v1/action_plans/{plan}/rollback`, and GET for what it would do'],
      [
        'a plan is SUPERSEDED by its age',
        'also by a change of its nodes, and by the launch of another plan on them; `status_message` says why',
      ],
      ['errors have no content type, and `watcher` shows "Bad Request"', 'the sentence'],
      ['EVENT audits, cron, start and end times', 'refused'],
      [
        '`force` starts beside a plan that runs',
        'never needed: a plan waits, or is refused, by its nodes; it is answered `false`',
      ],
      ['an audit is patched in any column', 'its state alone'],
      ['an action is SKIPPED by PATCH', '405; SKIPPED is shown'],
      ['what was deleted is not found', 'the same; its events stay'],
      ['goals and strategies by uuid or name', 'the same'],
      ['a plan is named by its uuid', 'by uuid, request_id or name; the `watcher` command takes a uuid alone'],
    ],
  ),
];

function chapterOf(chapter: Chapter): string[] {
  const routes = ROUTES.filter((each) => each.chapter === chapter);
  if (routes.length === 0) return [];
  const [title, text] = CHAPTERS[chapter];
  const row = ({ method, path, says, status, command = '', calls = '' }: Route): string[] => [
    code(`${method} ${path}`),
    status === 501 ? `countermand does not ${says}` : says,
    String(status),
    code(command),
    calls,
  ];
  const differs = routes.flatMap((each) =>
    each.differs ? [`* ${code(`${each.method} ${each.path}`)}: ${each.differs}`] : [],
  );
  return [
    `## ${title}`,
    text,
    markdownTable(['route', 'what it does', 'answers', 'sent by', 'calls'], routes.map(row)),
    ...(differs.length > 0 ? ['What differs, and why:', differs.join('\n')] : []),
  ];
}

function statuses(): string[] {
  const ofCodes = Object.entries(BY_CODE).map(([name, status]) => [String(status), code(name)] as const);
  const ofStatuses = Object.entries(BY_GRPC_STATUS).map(
    ([name, status]) => [String(status), `every other code with gRPC status ${name}`] as const,
  );
  const byStatus = Map.groupBy([...ofCodes, ...ofStatuses], ([status]) => status);
  const rows = [...byStatus].sort().map(([status, each]) => [status, each.map(([, what]) => what).join(', ')]);
  return [
    '## Codes and statuses',
    markdownTable(['status', 'codes'], rows),
    'Everything else is 500, and so is what a BMC said. 404 is also an unknown route, 405 a method that a route has not (`Allow` says which it has), 406 a version that is not between the bounds or a client that takes no JSON, 408 a request that does not end within 30 s, 431 headers of more than 16 KiB, and 501 what countermand has nothing for.',
  ];
}

/** The page. */
export function printHttp(): string {
  return page('HTTP', 'src/http/routes.ts and scripts/docs/http.ts', [
    ...INTRODUCTION,
    ...REFUSALS,
    ...RETRIES,
    ...RPCS,
    ...COMING_FROM_IRONIC,
    ...COMING_FROM_WATCHER,
    ...chapterOf('door'),
    ...chapterOf('ironic'),
    ...chapterOf('watcher'),
    ...statuses(),
  ]);
}
