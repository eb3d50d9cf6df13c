/** docs/sinks.md, with the settings that the kinds of sinks have. */
import type { SinkKind } from '../../src/core/outlets.ts';
import { SINK_KINDS } from '../../src/sinks/list.ts';
import { rabbitmqKind } from '../../src/sinks/rabbitmq/rabbitmq.ts';
import { block, code, markdownTable, page } from './markdown.ts';

function settingsOf({ name, meaning, settings }: SinkKind): string {
  const rows = Object.entries(settings).map(
    ([key, { mustBe, secret, readsFiles, required, fallback, meaning: what }]) => [
      code(key),
      `${mustBe}${secret ? '; secret' : ''}${readsFiles ? '; may be a reference' : ''}`,
      required ? 'required' : (fallback ?? ''),
      what,
    ],
  );
  return `### ${name}\n\nA sink of the kind ${code(name)} ${meaning}.\n\n${markdownTable(['setting', 'value', 'default', 'meaning'], rows)}`;
}

const INTRODUCTION = `A sink takes the [events](notifications/README.md) of an installation to one receiver: each event that matches its types, in the order of
their numbers, each at least once. A program that can hold a stream open does not need one: \`Subscribe\` sends the same events, from any number on.`;

const EXAMPLE = `countermand sink create ops --kind webhook --set webhook_url=https://ops.example/events webhook_secret=file:ops.secret
countermand sink test ops
countermand sink list`;

const PROMISES = `## What is promised

* **In order.** A sink sends the next event when the receiver has taken over the one before; several sinks do not wait for each other. An event
  that its receiver refuses holds up what follows in that sink, until the receiver takes it, or the sink is deleted.
* **At least once.** An event is behind a sink when its receiver has confirmed it. The position is written to the database at most a
  second later. After a crash, a takeover, or a connection that broke before the answer, events come again: those since the position that was written.
* **What comes twice has the same id.** A receiver that remembers the ids of the last hour has each event once. The number (\`sequence\`) only grows, so one
  that is not above the last one was there before: a receiver that keeps only the last number is as good.
* **Nothing is lost.** Events are read from the database, not from a queue in memory: a receiver may be away for weeks.
* **No order waits.** An order is committed with its events, and a sink reads them afterwards.
* **One conductor sends**: the one that leads. The next leader goes on at the position. A conductor that has lost the lead sends nothing more, except a
  request that is already under way; the receiver then sees an old number, once more.

## When a receiver does not take events

The attempt is repeated after 1 s, and after twice as long each time, up to 5 minutes, each varied by a fifth; \`Retry-After\` is kept to, up to an hour. It never
ends. \`countermand sink list\` and \`countermand status\` name the sink, the reason and the lag, and so do the metrics \`countermand_sink_…\`.
\`countermand sink test\` sends an event of type \`sink.test\` at once, beside those that wait; when it is taken over, what waits follows. A test
that fails is a problem of the sink too, in the list and in the status, until a test succeeds or an event is taken over.

410 Gone switches a sink off, also for the next conductor: nothing is sent until \`countermand sink test\` succeeds. Its position stays.

The lag of a sink is the distance from its position to the newest event. Events of types that it does not want count as well while something holds it up.`;

const WEBHOOKS = `## Webhooks

Each event is a POST of its own with a CloudEvent 1.0 in structured mode (\`application/cloudevents+json\`): receivers know that form best, and one event
that is refused tells which one it is. Attributes: \`id\` is the message id, \`source\` is \`/countermand/\` with the id of the database, \`type\` is \`io.countermand.\` with
the type of the event, \`subject\` the uuid of the node, plan, action or audit, \`sequence\` the number with leading zeros, and \`data\` the payload.

Any 2xx takes the event over; its body is not looked at. Everything else is a failure. Redirects are not followed.

The signature is that of [Standard Webhooks](https://www.standardwebhooks.com): \`webhook-id\` is the message id, \`webhook-timestamp\` the second of this attempt,
and \`webhook-signature\` has \`v1,\` and the HMAC-SHA256 of \`ID.TIMESTAMP.BODY\`, in base64. A receiver compares it in constant time, and refuses a timestamp that
is minutes old. While receivers learn a new secret, make the sink anew with \`webhook_secret_previous\`, and \`--from\` its position plus one.`;

const RABBITMQ = `## RabbitMQ

A sink of the kind \`rabbitmq\` publishes as services of OpenStack do with oslo.messaging, so listeners hear it unchanged: envelope 2.0, routing key \`TOPIC.PRIORITY\`, with
the topics \`watcher_notifications\` for plans, actions and audits, and \`versioned_notifications\` for nodes and all else. WARNING is \`WARN\` there, since oslo.messaging drops
a priority that it does not know. The message id is \`message_id\`, and the header \`x-countermand-sequence\` has the number, as text.

* **Nothing of others is changed.** Only the exchange \`countermand\` is declared. Any other, such as \`watcher\`, must be there: declared with other flags than its owner's, it
  would keep every service of that owner from publishing. A queue that is there stays as it is, and is bound.
* **Nothing is dropped in silence.** Messages are persistent and \`mandatory\`, and confirmed before the position moves. RabbitMQ confirms what no queue wants as well; such an
  event is a failure, and the sink waits for a queue (\`rabbitmq_unrouted\`).
* **Queues.** \`TOPIC.PRIORITY\` is declared and bound before the first event, so that nothing is lost before the first listener comes. Without a listener they grow
  for ever: choose \`--type\`, set a policy with a length on the broker, or \`rabbitmq_queues=none\`.
* **Restarts of the broker.** What is declared is durable. Listeners of oslo.messaging then need \`amqp_durable_queues = true\`. With \`rabbitmq_durable=false\`, what waits in a
  queue is lost when the broker restarts, although it was confirmed.
* **Order** is that of each queue: between \`.info\` and \`.error\` a listener has only the number. Up to ${rabbitmqKind.atOnce} events are sent before they are confirmed, so after a failure as many come again.

The user needs, in its virtual host: \`configure\` and \`write\` for \`^(countermand|watcher_notifications|versioned_notifications)\`, and \`read\` for \`^countermand\`; of another exchange \`read\`
and \`write\`, and nothing to configure.`;

const BOUNDS = `## Where a sink may go

Whoever may make sinks makes the conductor send events, and with them names and states of nodes. It takes the verb \`sink.write\`, which only \`admin\` has of the
built-in [roles](roles.md). Secrets stand beside the conductor: \`file:NAME\` below its \`secrets_dir\`, \`env:COUNTERMAND_SECRET_…\`, or \`vault:MOUNT/PATH#KEY\`. What is given as text is sealed in the
database as driver_info is, and shown as \`******\`.

Without a file, a sink may reach every address except those of a link, such as 169.254.169.254, where clouds answer with secrets, and speaks without TLS on
this host only. The key \`sink_access\` of the conductor names a YAML file that says more:`;

const ACCESS = `networks: [10.0.0.0/8, "*.ops.example"]      # the only places that sinks reach; without it, all
rules:
  - addresses: [10.1.0.0/16]
    kinds: [webhook]                          # without it, all
    secrets: ["file:hooks/*"]
  - addresses: [10.9.0.7]
    secrets: [file:old/broker]
    allow: [plaintext]`;

const BOUND_RULES = `A place is an IP address, a network, a host name as the setting has it, or \`*.\` with the end of one. A reference is used where one rule has the address, the kind and
the reference. Without TLS nothing is sent where no rule allows it. It is looked at for each connection, when the name has been looked up, and the
connection goes to that address. The file is read at the start.`;

/** The page. */
export function printSinks(): string {
  return page('Sinks', 'scripts/docs/sinks.ts and src/sinks', [
    INTRODUCTION,
    block(EXAMPLE, 'sh'),
    PROMISES,
    WEBHOOKS,
    RABBITMQ,
    BOUNDS,
    block(ACCESS, 'yaml'),
    BOUND_RULES,
    `## Settings\n\nA reference is \`file:NAME\`, \`env:VARIABLE\` or \`vault:MOUNT/PATH#KEY\`.`,
    ...SINK_KINDS.map(settingsOf),
  ]);
}
