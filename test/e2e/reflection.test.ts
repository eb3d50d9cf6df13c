/** Health and reflection, as tools without our schema use them: `buf curl` knows nothing but the address. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, credentials, status } from '@grpc/grpc-js';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { type House, openHouse } from './house.ts';
import { Watch } from './watching.ts';

const BUF = fileURLToPath(new URL('../../node_modules/.bin/buf', import.meta.url));
const SERVING = 1;
const SERVICES = ['AgentService', 'ConductorService', 'NodeService', 'NotificationService', 'PowerService'].map(
  (name) => `countermand.v1.${name}`,
);

/** Runs `buf curl`; resolves with what it printed. Without a body it is asked for what `words` say. */
async function curl(t: ExecutionContext, house: House, path: string, body: object | null, ...words: string[]) {
  const data = body === null ? [] : ['--data', JSON.stringify(body)];
  const all = [
    'curl',
    '--protocol',
    'grpc',
    '--http2-prior-knowledge',
    ...data,
    ...words,
    `http://${house.address}/${path}`,
  ];
  const env = { PATH: process.env.PATH ?? '', HOME: await newFolder(t) };
  return new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile(BUF, all, { env }, (_error, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

/** JSON objects, one after the other, over several lines each. */
function objectsOf(text: string): Record<string, unknown>[] {
  return text.split(/(?<=^\}\n)/m).map((part) => JSON.parse(part));
}

test('a tool that knows no schema finds the services, and calls them', async (t) => {
  const house = await openHouse(t, { here: true });
  const listed = (await curl(t, house, '', null, '--list-services')).stdout.trim().split('\n');
  for (const name of [...SERVICES, 'grpc.health.v1.Health']) t.true(listed.includes(name), listed.join());

  const driverInfo = infoOf(await newIpmiSim(t, { softOffDelayS: 0.3 }));
  const node = { name: 'n1', driver: 'ipmi', driverInfo };
  const created = await curl(t, house, 'countermand.v1.NodeService/CreateNode', node);
  t.like(JSON.parse(created.stdout), { node: { name: 'n1', zone: 'default' } }, created.stderr);

  const order = { node: 'n1', target: 'POWER_TARGET_SOFT_POWER_OFF' };
  const ordered = await curl(t, house, 'countermand.v1.PowerService/SetPowerState', order);
  const states = objectsOf(ordered.stdout).map(({ task }) => (task as { state: string }).state);
  t.is(states[0], 'POWER_TASK_STATE_QUEUED', ordered.stderr);
  t.is(states.at(-1), 'POWER_TASK_STATE_SUCCEEDED');

  const all = { fromSequence: '0', stopAtPresent: true };
  const told = await curl(t, house, 'countermand.v1.NotificationService/Subscribe', all);
  const types = objectsOf(told.stdout).map(({ event }) => (event as { eventType: string }).eventType);
  t.true(types.includes('baremetal.node.power_set.end'), told.stderr);

  const unknown = await curl(t, house, 'countermand.v1.NodeService/GetNode', { node: 'nosuch' });
  t.like(JSON.parse(unknown.stderr), { code: 'not_found' });
});

test('a question that is no message is refused, and others are answered', async (t) => {
  const house = await openHouse(t, { here: true });
  const client = new Client(house.address, credentials.createInsecure());
  t.teardown(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const asked = client.makeBidiStreamRequest(path, asIs, asIs);
  asked.write(Buffer.from([0x3a, 0x7f]));
  const [error] = await once(
    asked.on('data', () => t.fail()),
    'error',
  );
  t.like(error, { code: status.INVALID_ARGUMENT });
  t.regex(error.details, /the bytes are not a message of this RPC/);
  const listed = await curl(t, house, '', null, '--list-services');
  t.regex(listed.stdout, /countermand\.v1\.NodeService/);
});

test('health says that every service serves', async (t) => {
  const { client } = await openHouse(t, { here: true });
  for (const service of ['', ...SERVICES]) t.like(await client.health.check({ service }), { status: SERVING }, service);
  const watch = new Watch(client.health.watch({ service: 'countermand.v1.PowerService' }));
  t.like(await watch.until('the first word', () => true), { status: SERVING });
  await t.throwsAsync(client.health.check({ service: 'nosuch' }), { message: /nosuch/ });
});
