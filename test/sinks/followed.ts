/** What a conductor has around the notifications of one cloud: a database in memory whose only node is the host cmp1, and a log. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { openChannel } from '../../src/core/channel.ts';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import type { Inbox } from '../../src/core/inbox.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { NotificationSource } from '../../src/server/clouds/source.ts';
import type { WatchParts } from '../../src/server/clouds/watched.ts';
import { openStore } from '../../src/server/conductor.ts';
import { openMemoryDatabase } from '../../src/server/store/sqlite/database.ts';
import type { RabbitBroker } from '../counterparts/rabbitmq.ts';
import { nodeRow, putRows } from '../server/rows.ts';

/** Something that happened: a line of the log, or what became of a message before the broker hears of it. */
export interface Happened {
  readonly what: string;
  readonly body: Buffer;
}

/** Follows the notifications of an inbox until the end of the test. */
export async function follow(t: ExecutionContext, inbox: Inbox) {
  const database = await openMemoryDatabase();
  await putRows(database, nodeRow({ name: 'n1', labels: { compute_host: 'cmp1' } }), null);
  const store = openStore({ database, clock: systemClock, chance: systemChance, publisherId: 'test' });
  const life = openCancellation([]);
  const happened = openChannel<Happened>(life.signal);
  const line = (_: object, what: string): void => happened.push({ what, body: Buffer.alloc(0) });
  const log = {
    info: line,
    warn: (fields: object, what: string) => line({}, `${what}: ${(fields as { reason?: string }).reason}`),
    error: line,
  };
  /** Between the commit and the answer to the broker. */
  const hooks = { committed: async (): Promise<void> => {} };
  const heard: Inbox = {
    place: inbox.place,
    read: (queue, take, opened, signal) =>
      inbox.read(
        queue,
        async (body) => {
          const isTaken = await take(body);
          const { count } = (await database.read('model_changes').count({ count: '*' }).first()) ?? {};
          happened.push({ what: `${isTaken ? 'taken' : 'refused'}, ${count} changes`, body: Buffer.from(body) });
          await hooks.committed();
          return isTaken;
        },
        opened,
        signal,
      ),
  };
  const parts = { orders: { store }, clouds: { names: ['default'] }, log, objection: () => null };
  const source = new NotificationSource('default', heard, parts as unknown as WatchParts);
  const running = source.run(life.signal);
  t.teardown(async () => {
    life.abort(fail('CALL_ENDED', 'the test is over'));
    await running;
    await database.close();
  });
  const reading = happened[Symbol.asyncIterator]();
  return { source, hooks, next: async (): Promise<Happened> => (await reading.next()).value };
}

/** A service of OpenStack that notifies; resolves when a notification was sent. */
export function notifier(t: ExecutionContext, { host, port }: RabbitBroker, exchange: string, topic: string) {
  const script = new URL('../counterparts/oslo_notifier.py', import.meta.url).pathname;
  const url = `rabbit://guest:guest@${host}:${port}/`;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', script, url, exchange, topic], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stderr.on('data', (text) => t.log(String(text)));
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (type: string, data: object): Promise<void> => {
    const payload = { 'nova_object.name': 'X', 'nova_object.data': data };
    const one = { publisher_id: 'nova-compute:cmp1', event_type: type, payload, context: { global_request_id: null } };
    child.stdin.write(`${JSON.stringify(one)}\n`);
    await lines.next();
  };
}
