/** Sinks from the command line, with a webhook over real sockets. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { runHere } from './processes.ts';

/** A webhook, and what reached it. */
async function openWebhook(t: ExecutionContext) {
  const webhook = { status: 204, url: '', got: [] as { readonly type: string; readonly sequence: string }[] };
  const server = createServer(async (request, response) => {
    const event = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (webhook.status === 204) webhook.got.push(event);
    response.writeHead(webhook.status).end();
  }).listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  webhook.url = `http://${ownAddress()}:${(server.address() as AddressInfo).port}/hook`;
  return webhook;
}

test('a sink is made, tested, shown with its lag and deleted; its secret stays in its file', async (t) => {
  const webhook = await openWebhook(t);
  const { url, got } = webhook;
  const folder = await newFolder(t);
  const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  await writeFile(join(folder, 'ops.secret'), `${secret}\n`);
  const house = await openHouse(t, { here: true, http: true, settings: { secrets_dir: folder } });
  const sink = (...words: readonly string[]) => runHere(['sink', ...words, '--conductor', house.address]);

  const made = await sink(
    'create',
    'ops',
    '--kind',
    'webhook',
    '--from',
    '1',
    '--set',
    `webhook_url=${url}`,
    'webhook_secret=file:ops.secret',
  );
  t.regex(made.stdout, /^sink ops: sends events from number 1 on/);
  t.is((await sink('test', 'ops')).stdout, 'sink ops: the receiver has taken an event over');
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  for await (const _ of house.client.power.setPowerState({ node: 'n1', target: 1 }));
  await eventually('the power on to arrive', async () =>
    got.some(({ type }) => type === 'io.countermand.baremetal.node.power_set.end'),
  );
  const numbers = got.map(({ sequence }) => Number(sequence)).filter((number) => number > 0);
  t.deepEqual(
    numbers,
    [...new Set(numbers)].sort((one, other) => one - other),
  );

  webhook.status = 500;
  const failed = await sink('test', 'ops');
  t.regex(failed.stderr, /sink ops: the webhook answered 500/);
  t.is(failed.exitCode, 7);
  await enrol(house.client, 'n2', 'fake', { fake_address: 'n2' });
  await house.client.power.orderPowerState({ node: 'n2', target: 1 });
  await eventually('the sink to be behind', async () => /retrying/.test((await sink('list')).stdout));
  const shown = (await sink('show', 'ops')).stdout;
  t.regex(shown, /webhook_secret +file:ops.secret/);
  t.regex(shown, /problem +the webhook answered 500/);
  const told = await runHere(['status', '--conductor', house.address]);
  t.regex(told.stdout, /sinks +ops \d+ behind/);
  t.regex(told.stdout, /sink ops is behind, \d+ events? wait: the webhook answered 500/);
  const metrics = await (await fetch(`${house.http}/metrics`)).text();
  t.regex(metrics, /countermand_sink_failing\{sink="ops"\} 1/);
  t.regex(metrics, /countermand_sink_lag_events\{sink="ops"\} [1-9]/);

  t.regex(
    (await sink('create', 'ops', '--kind', 'webhook', '--set', `webhook_url=${url}`, `webhook_secret=${secret}`))
      .stderr,
    /there is a sink 'ops' already/,
  );
  t.is((await sink('delete', 'ops', '--yes')).stdout, 'sink ops: deleted');
  t.is((await sink('show', 'ops')).exitCode, 3);
  await sink('create', 'plain', '--kind', 'webhook', '--set', `webhook_url=${url}`, `webhook_secret=${secret}`);
  t.regex((await sink('show', 'plain')).stdout, /webhook_secret +\*+/);
  const trail = (await runHere(['trail', 'list', '--conductor', house.address, '-o', 'json'])).stdout;
  t.regex(trail, /NotificationService\/CreateSink/);
  t.regex(trail, /NotificationService\/DeleteSink/);
  t.notRegex(trail, new RegExp(secret.slice(6)));
});
