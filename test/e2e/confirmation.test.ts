/** The question before an order that takes running nodes down or cannot be taken back: in real terminals, and without. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCommandLine } from '../../src/cli/program.ts';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import { openCaptured } from '../cli/captured.ts';
import { newFolder } from '../counterparts/folder.ts';
import { allEvents, allTasks } from './client.ts';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { type Ended, type Place, runInScript, runInTerminal } from './person.ts';
import { createPlan, power, startPlan, untilActionIn, untilPlanEnds, watchPlan } from './plans.ts';

const NOT_CONFIRMED = 9;
const QUESTION = /Go on\? \[y\/N\] $/;

interface Rack extends Place {
  readonly house: House;
  readonly folder: string;
}

const PLAN =
  'name: down\nactions: [{name: a, action_type: change_node_power_state, input_parameters: {resource_id: n1, state: off}}]\n';
const AUDIT = 'name: look\nstrategy: dummy\nauto_trigger: true\n';

/** Nodes that run, plans and audits to order about, and a folder with files. */
async function openRack(t: ExecutionContext): Promise<Rack> {
  const house = await openHouse(t, { here: true });
  const { client, address } = house;
  for (const name of ['n1', 'n2', 'n3', 'n4'])
    await enrol(client, name, 'fake', { fake_address: name, fake_soft_ms: '0' });
  const folder = await newFolder(t);
  await writeFile(join(folder, 'down.yaml'), PLAN);
  await writeFile(join(folder, 'look.yaml'), AUDIT);
  await createPlan(client, 'waits', [power('n1', 'soft power off'), power('n2', 'power off'), power('n3', 'power on')]);
  await startPlan(client, 'done', [power('n4', 'rebooting')]);
  await untilPlanEnds(watchPlan(client, 'done'));
  const audit = { strategy: 'dummy', scope: [{ baremetal: [{ nodes: ['n4'] }] }], parameters: { para1: 0 } };
  await client.audits.createAudit({ name: 'once', requestId: 'once', ...audit });
  const often = { auditType: AuditType.CONTINUOUS, interval: 86_400, autoTrigger: true };
  await client.audits.createAudit({ name: 'paused', requestId: 'paused', ...audit, ...often });
  await untilPlanEnds(watchPlan(client, 'paused'));
  await client.audits.suspendAudit({ audit: 'paused' });
  const settings = {
    webhook_url: 'http://127.0.0.1:9/',
    webhook_secret: `whsec_${Buffer.alloc(24).toString('base64')}`,
  };
  await client.notifications.createSink({ name: 'ops', kind: 'webhook', settings });
  return { house, address, folder };
}

/** Everything that an order would change. */
async function allOf({ house: { client } }: Rack): Promise<unknown> {
  const plans = (await client.plans.listActionPlans({})).actionPlans.map(({ uuid, state }) => [uuid, state]);
  const audits = (await client.audits.listAudits({})).audits.map(({ uuid, state }) => [uuid, state]);
  const nodes = (await client.nodes.listNodes({})).nodes.map(({ name }) => name);
  return { plans, audits, nodes, tasks: await allTasks(client), events: (await allEvents(client)).length };
}

/** Each command that asks, and what its question says. */
const ASKING: Readonly<Record<string, RegExp>> = {
  'node power n1 off': /n1: power the node off, hard; it cannot be taken back once sent/,
  'node power n1 reboot': /n1: reset the node, hard; .*it cannot be taken back once sent/,
  'node power n1 inject_nmi': /n1: interrupt the processor.*; only the waiting for it can be stopped/,
  'node power n1 soft_off --on-timeout force':
    /n1: ask the operating system to stop, and power it off hard if it times/,
  "node power 'n[1-3]' off": /3 nodes, n\[1-3\]: power the node off, .*takes 3 running nodes down \(n\[1-3\]\)/,
  'plan start waits':
    /this would start plan 'waits': it takes 2 running nodes down \(n1, n2\), 1 of them by orders that cannot/,
  'plan create down.yaml --start': /this would start plan 'down': it takes 1 running node down \(n1\)/,
  'plan rollback done': /this would roll plan 'done' back: it takes no running node down/,
  'plan cancel waits --rollback': /this would cancel plan 'waits' and roll it back/,
  'plan delete done': /this would delete plan 'done' for good/,
  'audit create look.yaml': /audit 'look' starts its plan at once: it takes no running node down/,
  "audit create --name rack --strategy host_maintenance --nodes 'n[1-2]' --auto-trigger":
    /audit 'rack' starts its plan at once: it takes 2 running nodes down \(n1, n2\)/,
  'audit create --name fleet --strategy host_maintenance --all --interval 60 --auto-trigger':
    /takes 4 running nodes down \(n\[1-4\]\), and the plans of later runs start without/,
  'audit resume paused': /audit 'paused' runs again, and its plans start without/,
  'audit delete once': /this would delete audit 'once' for good/,
  'sink delete ops': /this would delete sink 'ops' for good: its position is lost/,
  'node delete n1': /this would forget node 'n1'/,
};

function refused(t: ExecutionContext, { exitCode, text }: Ended, says: RegExp, line: string): void {
  t.is(exitCode, NOT_CONFIRMED, `${line}: ${text}`);
  t.regex(text, /There is no terminal to ask on, so nothing was sent; to go on, give --yes/, line);
  t.regex(text, says, line);
}

/** The words of a line of shell that quotes with apostrophes only. */
const wordsOf = (line: string): string[] => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));

/**
 * Runs a line in this process: in the rack's folder, with these files in it, and without a person in front of it unless
 * there is an answer. A process costs twenty times as much; what only a process can show has one, once for each kind.
 */
async function here(line: string, rack: Rack, { answer, files }: { answer?: string; files?: string[] } = {}) {
  const { terminal, stdin, stdout, stderr, person } = openCaptured(
    answer !== undefined,
    { COUNTERMAND_CONDUCTOR: rack.address },
    files,
  );
  const words = wordsOf(line).map((word) => (word.endsWith('.yaml') ? join(rack.folder, word) : word));
  stdin.end(answer ?? 'y\n');
  const exitCode = await runCommandLine(words, terminal);
  return { exitCode, text: person() + stdout() + stderr() };
}

/** One command of each kind that asks, for what takes a process each. */
const ONE_OF_EACH = ['node power n1 off', 'plan start waits', 'audit create look.yaml', 'node delete n1'];

test('without a terminal each is refused, whatever stdin says; nothing is sent', async (t) => {
  const rack = await openRack(t);
  const before = await allOf(rack);
  for (const [line, says] of Object.entries(ASKING)) {
    refused(t, await here(line, rack), says, line);
    const { exitCode, text } = await here(`--json ${line}`, rack);
    t.is(exitCode, NOT_CONFIRMED, line);
    t.is(JSON.parse(text).error.code, 'NOT_CONFIRMED');
  }
  for (const line of ONE_OF_EACH)
    refused(t, await runInScript(t, `countermand ${line}`, rack, 'y\n'), ASKING[line] ?? /^$/, line);
  t.deepEqual(await allOf(rack), before);
});

test('a person is not asked about a thing that there is not', async (t) => {
  const rack = await openRack(t);
  const lines = [
    'node power gone off',
    'plan start gone',
    'plan delete gone',
    'audit resume gone',
    'audit delete gone',
    'audit template delete gone',
    'sink delete gone',
    'node delete gone',
    'node delete n1 gone',
  ];
  for (const line of lines) {
    for (const ended of [await here(line, rack), await here(line, rack, { answer: 'y\n' })]) {
      t.is(ended.exitCode, 3, `${line}: ${ended.text}`);
      t.notRegex(ended.text, /Go on|to ask on/, line);
    }
    t.is((await here(`${line} --yes`, rack)).exitCode, 3, line);
  }
});

test('a line on a pipe is no answer of a person, although a terminal is there', async (t) => {
  const rack = await openRack(t);
  const before = await allOf(rack);
  for (const answer of ['n', 'y', 'yes']) {
    const ended = await runInTerminal(t, `echo ${answer} | countermand node power n1 off`, rack).ended;
    refused(t, ended, /n1: power the node off/, answer);
  }
  t.deepEqual(await allOf(rack), before);
});

test('a person is asked on the terminal, and a no sends nothing', async (t) => {
  const rack = await openRack(t);
  const before = await allOf(rack);
  for (const [line, says] of Object.entries(ASKING)) {
    const { exitCode, text } = await here(line, rack, { answer: 'n\n' });
    t.is(exitCode, NOT_CONFIRMED, line);
    t.regex(text, says);
    t.regex(text, /Go on\? \[y\/N\] /);
  }
  for (const line of ONE_OF_EACH) {
    // The question does not go where the output goes.
    const asked = runInTerminal(t, `countermand ${line} > /dev/null 2> /dev/null`, rack);
    await asked.shows(QUESTION);
    asked.type('n\n');
    const { exitCode, text } = await asked.ended;
    t.is(exitCode, NOT_CONFIRMED, line);
    t.regex(text, ASKING[line] ?? /^$/);
  }
  t.deepEqual(await allOf(rack), before);
});

test('a yes gives the order, also with stdout in a pipe and with --json', async (t) => {
  const rack = await openRack(t);
  for (const [line, node] of [
    ['countermand node power n1 off | cat', 'n1'],
    ['countermand node power n2 off --json 2>&1 | cat', 'n2'],
  ] as const) {
    const asked = runInTerminal(t, line, rack);
    await asked.shows(QUESTION);
    t.deepEqual(await ordersTo(rack, node), []);
    asked.type('y\n');
    t.is((await asked.ended).exitCode, 0);
    t.deepEqual(await ordersTo(rack, node), ['OFF SUCCEEDED']);
  }
  const started = await runInScript(t, 'countermand plan create down.yaml --start --yes', rack);
  t.is(started.exitCode, 0, started.text);
});

/** Orders that take more nodes down than confirm_above, which is two here; each takes three down. */
const MANY = [
  "node power 'n[1-3]' off",
  "node power 'n[4-6]' soft_off",
  'plan start many',
  'plan create more.yaml --start',
  'plan rollback woken',
  'plan cancel wakes --rollback',
  "audit create --name rack --strategy host_maintenance --nodes 'n[19-21]' --auto-trigger",
] as const;

/** Nodes n1 to n21; a plan that can be started, one that has powered nodes on, and one that has and still runs. */
async function openManyRack(t: ExecutionContext): Promise<Rack> {
  const house = await openHouse(t, { here: true, settings: { confirm_above: 2 } });
  const { client, address } = house;
  for (let at = 1; at <= 21; at += 1) {
    const first = at >= 13 && at <= 18 ? 'off' : 'on';
    const info = { fake_address: `n${at}`, fake_soft_ms: '0', fake_power_state: first };
    await enrol(client, `n${at}`, 'fake', info);
  }
  const folder = await newFolder(t);
  const off = (node: string): string =>
    `{name: ${node}, action_type: change_node_power_state, input_parameters: {resource_id: ${node}, state: soft_off}}`;
  await writeFile(join(folder, 'more.yaml'), `name: more\nactions: [${['n10', 'n11', 'n12'].map(off).join(', ')}]\n`);
  await createPlan(
    client,
    'many',
    ['n7', 'n8', 'n9'].map((node) => power(node, 'power off')),
  );
  const on = (...nodes: string[]) => nodes.map((node) => power(node, 'power on'));
  await startPlan(client, 'woken', on('n13', 'n14', 'n15'));
  await untilPlanEnds(watchPlan(client, 'woken'));
  const rest = { name: 'rest', actionType: 'sleep', inputParameters: { duration: 3600 } };
  await startPlan(client, 'wakes', [...on('n16', 'n17', 'n18'), rest]);
  for (const node of ['n16', 'n17', 'n18']) await untilActionIn(watchPlan(client, 'wakes'), node, 'SUCCEEDED');
  return { house, address, folder };
}

test('above confirm_above nodes a script has to state the right number', async (t) => {
  const rack = await openManyRack(t);
  const before = await allOf(rack);
  for (const line of MANY) {
    for (const flag of ['', ' --yes']) {
      const { exitCode, text } = await here(`${line}${flag}`, rack);
      t.is(exitCode, NOT_CONFIRMED, `${line}${flag}: ${text}`);
      t.regex(text, /state the number, --yes=3, as it is more than 2 \(confirm_above\)/, line);
    }
    for (const wrong of [0, 2, 4]) {
      const { exitCode, text } = await here(`${line} --yes=${wrong}`, rack);
      t.is(exitCode, 5, `${line}: ${text}`);
      t.regex(text, new RegExp(`takes 3 running nodes down .*, and ${wrong} were expected; nothing was done`), line);
    }
    const unread = await here(`${line} --yes=three`, rack);
    t.is(unread.exitCode, 2, unread.text);
  }
  const asked = runInTerminal(t, `countermand ${MANY[0]} --yes`, rack);
  await asked.shows(QUESTION);
  asked.type('n\n');
  const { exitCode, text } = await asked.ended;
  t.is(exitCode, NOT_CONFIRMED, text);
  t.regex(text, /it takes 3 running nodes down \(n\[1-3\]\)/);
  t.deepEqual(await allOf(rack), before, 'nothing was written, and no plan is left behind');

  for (const line of MANY) {
    const right = await here(`${line} --yes=3`, rack);
    t.is(right.exitCode, 0, `${line}: ${right.text}`);
  }
});

test('an order given again with its request_id joins, although fewer nodes run by now', async (t) => {
  const rack = await openManyRack(t);
  for (const [line, id] of [
    [MANY[0], 'r1'],
    ['plan rollback woken', 'r2'],
    [MANY[6], 'r3'],
  ] as const)
    for (const time of ['first', 'second']) {
      const { exitCode, text } = await here(`${line} --request-id ${id} --yes=3`, rack);
      t.is(exitCode, 0, `${time}, ${line}: ${text}`);
    }
});

test('Ctrl-C at the question sends nothing', async (t) => {
  const rack = await openRack(t);
  const asked = runInTerminal(t, 'exec countermand node power n1 off', rack);
  await asked.shows(QUESTION);
  asked.type('\u0003');
  t.is((await asked.ended).exitCode, 130);
  t.deepEqual(await ordersTo(rack, 'n1'), []);
});

async function ordersTo({ house }: Rack, node: string): Promise<string[]> {
  const tasks = await allTasks(house.client);
  return tasks.filter(({ nodeName }) => nodeName === node).map(({ target, state }) => `${target} ${state}`);
}

test('a range that the shell has replaced by the name of a file is asked about, refused, or warned of', async (t) => {
  const rack = await openRack(t);
  await writeFile(join(rack.folder ?? '', 'n1'), '');
  const replaced = /'n1' is also a file in this folder; if you typed a range such as 'r7n\[1-16\]' without quotes/;
  const files = ['n1'];
  for (const target of ['off', 'soft_off', 'soft_reboot', 'reboot', 'inject_nmi'])
    refused(t, await here(`node power n1 ${target}`, rack, { files }), replaced, target);
  refused(t, await here('node delete n1', rack, { files }), replaced, 'delete');
  refused(t, await runInScript(t, 'countermand node power n[1-3] soft_off', rack), replaced, 'by a shell');
  const asked = runInTerminal(t, 'countermand node power n[1-3] soft_off', rack);
  await asked.shows(QUESTION);
  asked.type('n\n');
  t.regex((await asked.ended).text, replaced);
  t.deepEqual(await ordersTo(rack, 'n1'), []);

  for (const line of [
    'node show n1',
    'node refresh n1',
    'node power n1 on',
    'node power n1 off --yes',
    'power list --node n1',
    'audit create --name a --strategy dummy --nodes n1',
  ]) {
    const { terminal, stderr } = openCaptured(false, { COUNTERMAND_CONDUCTOR: rack.address }, files);
    t.is(await runCommandLine(wordsOf(line), terminal), 0, stderr());
    t.regex(stderr(), replaced, line);
    t.regex(stderr(), /^warning: /, line);
  }
  const json = await runInScript(t, 'countermand node show n[1-3] --json 2>&1 >/dev/null', rack);
  t.regex(JSON.parse(json.text).warning.message, replaced);
  const quoted = await runInScript(t, "countermand node refresh 'n[1-3]' 2>&1 >/dev/null", rack);
  t.deepEqual(quoted, { exitCode: 0, text: '' });
});

test('no selector is no node: an audit that would act on the whole fleet is refused', async (t) => {
  const rack = await openRack(t);
  const before = await allOf(rack);
  for (const [file, content] of Object.entries({
    'empty.yaml': 'name: a\nstrategy: host_maintenance\nauto_trigger: true\nscope: []\n',
    'left_out.yaml': 'name: a\ngoal: saving_energy\nauto_trigger: true\n',
    'not_all.yaml': 'name: a\nstrategy: host_maintenance\nall: false\n',
    'excludes.yaml': 'name: a\nstrategy: host_maintenance\nscope: [{baremetal: [{exclude: [{nodes: [n1]}]}]}]\n',
    'null.yaml': 'name: a\nstrategy: host_maintenance\nscope:\n',
    'no_nodes.yaml': 'name: a\nstrategy: host_maintenance\nscope: [{baremetal: [{nodes: []}]}]\n',
    'no_labels.yaml': 'name: a\nstrategy: host_maintenance\nscope: [{baremetal: [{labels: {}}]}]\n',
    'no_section.yaml': 'name: a\nstrategy: host_maintenance\nscope: [{}]\n',
    'both.yaml': 'name: a\nstrategy: host_maintenance\nall: true\nscope: [{baremetal: [{nodes: [n1]}]}]\n',
  })) {
    await writeFile(join(rack.folder, file), content);
    const { exitCode, text } = await here(`audit create ${file} --yes`, rack);
    t.is(exitCode, 2, `${file}: ${text}`);
  }
  for (const flags of ['', '--auto-trigger', '--interval 60', "--nodes ''", '--nodes n1 --all', '--nodes'])
    for (const strategy of ['host_maintenance', 'saving_energy']) {
      const line = `audit create --yes --name a --strategy ${strategy} ${flags}`;
      const { exitCode, text } = await here(line, rack);
      t.is(exitCode, 2, `${line}: ${text}`);
    }
  for (const line of ['node refresh', "node refresh ''", 'node report instance.update', "node power '' off --yes"])
    t.is((await here(line, rack)).exitCode, 2, line);
  t.deepEqual(await allOf(rack), before);

  const said = await here('audit create --name a --strategy host_maintenance --all', rack);
  t.is(said.exitCode, 0, said.text);
  t.regex(said.text, /\nstarting it takes 4 running nodes down \(n\[1-4\]\)/);
});
