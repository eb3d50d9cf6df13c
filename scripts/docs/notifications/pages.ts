/** docs/notifications: a JSON Schema for the payload of each type, and the list of them. */
import { printJson } from '../json.ts';
import { code, markdownTable, page } from '../markdown.ts';
import { countermandObjects } from './countermand.ts';
import { ironicObjects } from './ironic.ts';
import { DIALECT, ref, type Schema } from './schema.ts';
import { NOTIFICATION_TYPES, type NotificationType } from './types.ts';
import { watcherObjects } from './watcher.ts';

const FOLDER = 'docs/notifications/';

/** When a type is sent, in words. */
function whenSent({ meaning, moves }: NotificationType): string {
  if (meaning !== undefined) return meaning;
  const meanings = [...new Set(moves.map(({ meaning }) => meaning))];
  return meanings.length > 4 ? 'its state has changed' : meanings.join('; ');
}

function schemaOf(type: NotificationType): Schema {
  const { eventType, document, payload, data } = type;
  const key = document.replace('_objects.json', '_object.data');
  const narrowed = Object.keys(data).length === 0 ? {} : { properties: { [key]: { properties: data } } };
  return {
    $schema: DIALECT,
    title: eventType,
    description: whenSent(type),
    ...ref(payload, '', document),
    ...narrowed,
  };
}

function index(): string {
  const rows = NOTIFICATION_TYPES.map((type) => [
    `[${code(type.eventType)}](${type.eventType}.json)`,
    type.eventType.endsWith('.error') ? 'ERROR' : 'INFO',
    whenSent(type),
    [...new Set(type.moves.flatMap(({ carries }) => carries))].join(', '),
  ]);
  return page('Notifications', 'scripts/docs/notifications', [
    'Each notification is stored in the transaction of the change that it tells of, numbered, and sent by `Subscribe` ' +
      'from any number on: none is lost, none comes twice, whatever crashes. `countermand events` shows them.',
    'A consumer resumes at the number after its last event. A number further on is refused with `EVENTS_OUT_OF_RANGE`, which ' +
      'names the newest event: the database was restored, or is another one. The headers of a stream, its first message and ' +
      '`GetNewestSequence` name the id of the database. A consumer that sends the id back with `from_sequence` is refused by ' +
      'another database with `EVENTS_OF_ANOTHER_DATABASE`. The headers are sent at once, before any event. ' +
      'A stream whose client reads nothing for `stream_read_timeout` while events wait for it is ended with `STREAM_NOT_READ`; one that is ' +
      'opened again at the number after its last event misses nothing. Streams on one connection share its window: a program that reads ' +
      'one of them rarely gives it a connection of its own.',
    'The envelope is the message `Event` of [notification.proto](../../proto/countermand/v1/notification.proto): ' +
      'number, type, priority, publisher, message id, time, payload. The payload is a versioned object: ' +
      "Watcher's about audits, action plans and actions, Ironic's about nodes and power orders, one of our own about conductors. For each type there is a " +
      '[JSON Schema](https://json-schema.org/draft/2020-12) of its payload here; they refer to ' +
      '[watcher_objects.json](watcher_objects.json), [ironic_objects.json](ironic_objects.json) and ' +
      '[countermand_objects.json](countermand_objects.json) in the same folder.',
    'A versioned object has its four keys and no other, and its version changes when a key goes away or changes its ' +
      'meaning. **Its data may get more keys in later releases**, so the schemas allow keys that they do not name: a ' +
      'consumer passes over them. States and outcomes are those of [the tables](../states.md); error codes, which may ' +
      'become more, are those of [the list](../errors.md).',
    'The state is the one after the change. Where a thing is cancelled before it began, `cancel.start` carries the ' +
      'state that it had. `state_update.old_state` is always the true state before.',
    '`actor`, in the data of each, names the identity that called for this change and the one for which it did so, or is null ' +
      'if the conductor made it by itself. What began it is named beside it: `power_task.ordered_by`, and `created_by`, ' +
      '`started_by` and `approval` of a plan.',
    markdownTable(['type and schema', 'priority', 'sent when', 'states that it carries'], rows),
    'Each `start` is followed by exactly one `end` or `error` of its kind. What is cancelled while it runs has ' +
      '`cancel.end` or `cancel.error` in the place of `execution.end` or `execution.error`. An action that could not ' +
      'begin because its precondition does not hold has `execution.error` without a start. `action_plan.rollback.*` is ' +
      'about the plan that is rolled back, which keeps its state; what its undoing does is told by the plan that ' +
      'undoes it, and by its actions.',
  ]);
}

/** Every page of the folder, by its path. */
export const NOTIFICATION_PAGES: Readonly<Record<string, () => string>> = {
  [`${FOLDER}README.md`]: index,
  [`${FOLDER}watcher_objects.json`]: () => printJson(watcherObjects()),
  [`${FOLDER}countermand_objects.json`]: () => printJson(countermandObjects()),
  [`${FOLDER}ironic_objects.json`]: () => printJson(ironicObjects()),
  ...Object.fromEntries(
    NOTIFICATION_TYPES.map((type) => [`${FOLDER}${type.eventType}.json`, () => printJson(schemaOf(type))]),
  ),
};
