/** Where secrets are not: in answers, events, logs, errors, arguments, the output of commands. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { newFolder } from '../counterparts/folder.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { environmentOf, processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { type House, openHouse } from './house.ts';
import { ask } from './http.ts';
import { speakersTo } from './killing.ts';
import { BY_IPMITOOL, enrol, order, untilAtRest, watchNode } from './orders.ts';
import { run, runHere } from './processes.ts';

const PASSWORD = 'pAss-4f7Qz-w0rd';
const WRONG_PASSWORD = 'wR0ng-8Kx2v-pass';
const LONG_PASSWORD = 'l0ng-Zq3Jt-pass-of-28-bytes!';
const KG_KEY = Buffer.from('kG-9Wm5r-key');
const SECRETS = [PASSWORD, WRONG_PASSWORD, LONG_PASSWORD, KG_KEY.toString(), KG_KEY.toString('hex')];

/** The secrets in a text, also where they were encoded once more. */
function secretsIn(text: string): string[] {
  const forms = SECRETS.flatMap((secret) => [
    secret,
    ...['hex', 'base64'].map((form) => Buffer.from(secret).toString(form as 'hex')),
  ]);
  const lower = text.toLowerCase();
  return forms.filter((form) => lower.includes(form.replace(/=+$/, '').toLowerCase()));
}

/** What came out somewhere, with the name of the place. */
type Found = Map<string, string>;

/** Calls, and keeps the answer, or the whole of the refusal. */
async function keep(found: Found, place: string, call: Promise<unknown>): Promise<void> {
  const answer = await call.catch((error: Error) => ({ refused: error.message, ...error }));
  found.set(
    place,
    JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
}

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const answers: unknown[] = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

/** Every call that speaks of nodes, with good and with bad secrets. */
async function askEverything({ client }: House, bad: IpmiSim): Promise<Found> {
  const { nodes, power, notifications } = client;
  const found: Found = new Map();
  const badInfo = { ...infoOf(bad), ipmi_password: WRONG_PASSWORD };
  await keep(found, 'create', nodes.createNode({ name: 'bad', driver: 'ipmi', driverInfo: badInfo }));
  for (const [place, info] of Object.entries({
    'a password that is too long': { ...badInfo, ipmi_password: LONG_PASSWORD },
    'a password under another key': { ...badInfo, ipmi_pasword: LONG_PASSWORD },
    'a password as a port': { ...badInfo, ipmi_port: PASSWORD },
    'a K_g that is none': { ...badInfo, ipmi_hex_kg_key: PASSWORD },
    'a BMC that is taken': badInfo,
  }))
    await keep(found, place, nodes.createNode({ name: 'worse', driver: 'ipmi', driverInfo: info }));
  await keep(found, 'get', nodes.getNode({ node: 'good' }));
  await keep(found, 'list', nodes.listNodes({}));
  await keep(found, 'update', nodes.updateNode({ node: 'good', setDriverInfo: { ipmi_password: PASSWORD } }));
  await keep(found, 'validate', nodes.validateNode({ node: 'good' }));
  await keep(found, 'explain', nodes.explainNode({ node: 'bad' }));
  await keep(found, 'supported', nodes.getSupportedPowerStates({ node: 'bad' }));
  await keep(found, 'refresh', all(nodes.refreshNodes({ nodes: ['good', 'bad'] })));
  await keep(found, 'an order that works', untilAtRest(order(client, 'good', 'REBOOT')));
  await keep(found, 'an order that fails', untilAtRest(order(client, 'bad', 'REBOOT')));
  await keep(found, 'tasks', power.listPowerTasks({}));
  await keep(found, 'events', all(notifications.subscribe({ fromSequence: 0n, stopAtPresent: true })));
  return found;
}

const COMMANDS = [
  ...['node list', 'node show good', 'node why bad', 'node validate good', 'power list', 'events'],
  ...['node changes', 'trail list -o wide'],
];

/** Two of them as processes. */
async function runCommands(t: ExecutionContext, house: House): Promise<Found> {
  const lines = [...COMMANDS, ...COMMANDS.map((words) => `--json ${words}`), 'node refresh bad'];
  const processes = ['node show good', 'node power bad soft_off'];
  const wordsOf = (line: string): string[] => ['--conductor', house.address, ...line.split(' ')];
  const results = await Promise.all([
    ...lines.map(async (line) => [`countermand ${line}`, await runHere(wordsOf(line))] as const),
    ...processes.map(async (line) => [`process: countermand ${line}`, await run(t, wordsOf(line))] as const),
  ]);
  return new Map(results.map(([place, result]) => [place, JSON.stringify(result)]));
}

/** The arguments of every process of the system, while an order is held. */
async function argumentsWhileOrdering(t: ExecutionContext, house: House, sim: IpmiSim): Promise<Found> {
  await sim.configure({ holds: true });
  const watch = order(house.client, 'good', 'REBOOT');
  await sim.untilReceived('reset', 2, never());
  const speakers = await speakersTo(sim);
  t.true(speakers.length > 0);
  t.is((await environmentOf(speakers[0]?.pid ?? 0)).IPMI_PASSWORD, PASSWORD, 'ipmitool has it from its environment');
  const processes = await processesWith();
  await sim.configure({ holds: false });
  await untilAtRest(watch);
  return new Map(processes.map(({ pid, argv }) => [`process ${pid}`, argv.join(' ')]));
}

async function filesOf(folder: string): Promise<Found> {
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  return new Map(names.map((name, index) => [name, texts[index] ?? '']));
}

/** A backup that is made while the conductor runs. */
async function backupOf(t: ExecutionContext, house: House): Promise<Found> {
  const folder = await newFolder(t);
  const made = await runHere(['database', 'backup', join(folder, 'backup.db'), '--data', house.data]);
  t.is(made.exitCode, 0, made.stderr);
  return new Map([...(await filesOf(folder)), ['what the backup said', JSON.stringify(made)]]);
}

test('a password and a K_g come out nowhere', async (t) => {
  const house = await openHouse(t, { http: true, settings: { log_level: 'trace' } });
  const sim = await newIpmiSim(t, { password: PASSWORD, kgKey: KG_KEY });
  const bad = await newIpmiSim(t);
  const info = { ...infoOf(sim), ...BY_IPMITOOL, ipmi_hex_kg_key: KG_KEY.toString('hex') };
  await enrol(house.client, 'good', 'ipmi', info);
  const nodes = watchNode(house.client, 'good');

  const found: Found = new Map([
    ...(await askEverything(house, bad)),
    ...(await runCommands(t, house)),
    ...(await argumentsWhileOrdering(t, house, sim)),
    ...(await filesOf(house.data)),
    ...(await backupOf(t, house)),
    ['metrics', (await ask(house.http, 'GET /metrics')).text],
    ['nodes over HTTP', (await ask(house.http, 'GET /v1/nodes/detail')).text],
    ['environment', JSON.stringify(await environmentOf(house.conductor.pid))],
    ['watch', JSON.stringify(nodes.seen)],
    ['log', [...house.conductor.said.seen, ...house.conductor.logged.seen].join('\n')],
  ]);
  for (const [place, text] of found) t.deepEqual(secretsIn(text), [], `${place}: ${text}`);

  // What was looked at is what it should be: the orders came through, and the secrets stand masked.
  t.regex(found.get('an order that works') ?? '', /"state":"SUCCEEDED"/);
  t.regex(found.get('an order that fails') ?? '', /BMC_PASSWORD_WRONG/);
  t.regex(found.get('get') ?? '', /"ipmi_password":"\*{6}"/);
  t.regex(found.get('get') ?? '', /"ipmi_hex_kg_key":"\*{6}"/);
  t.regex(found.get('countermand node show good') ?? '', /ipmi_password=\*{6}/);
  t.regex(found.get('process: countermand node show good') ?? '', /ipmi_password=\*{6}/);
  t.regex(found.get('countermand trail list -o wide') ?? '', /NodeService\/CreateNode/);
  t.regex(found.get('metrics') ?? '', /countermand_/);
  t.true([...found.keys()].some((place) => place.endsWith('.db-wal')) && found.has('backup.db'));
});
