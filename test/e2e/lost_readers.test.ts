/** Output that is not read any more, and terminals that are closed: real processes, real pipes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { connect } from './client.ts';
import { openHouse } from './house.ts';
import { enrol, nodeNow, subscribe, untilIn, watchTask } from './orders.ts';
import { runInScript, runInTerminal } from './person.ts';
import { createPlan, power, startPlan, untilActionIn, watchPlan } from './plans.ts';
import { flagsOf, runHere, type Settings, startProcess } from './processes.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/countermand', import.meta.url));
const OUTPUT_LOST = 141;
const TERMINAL_CLOSED = 'SIGHUP';

type Unread = 'stdout' | 'stderr';

/** Starts a command; the reader of these streams has gone before anything is written. */
function startUnread(
  t: ExecutionContext,
  words: readonly string[],
  unread: readonly Unread[],
  address = '',
): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', PROGRAM, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', COUNTERMAND_CONDUCTOR: address },
  });
  for (const name of unread) child[name]?.destroy();
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** Its exit code, and what it said on stderr. */
async function endOf(child: ChildProcess): Promise<readonly [code: number | NodeJS.Signals, stderr: string]> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
  });
  const closed = once(child, 'close');
  await eventually('the command to end', () => child.exitCode !== null || child.signalCode !== null);
  await closed;
  return [child.signalCode ?? child.exitCode ?? -1, stderr];
}

/** True when a process has sockets open beside its pipes. */
const listens = ({ pid }: ChildProcess): boolean =>
  readdirSync(`/proc/${pid}/fd`).filter((file) => linkOf(`/proc/${pid}/fd/${file}`).startsWith('socket:')).length > 2;

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function serveWords(data: string, more: Settings = {}): string[] {
  const own: Settings = { data, listen: `${ownAddress()}:0`, http_listen: 'none', sync_power_state_interval: 0 };
  return ['serve', ...flagsOf({ ...own, ...more })];
}

test('a watched order whose reader has gone: 141, and stderr says what goes on', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const words = ['node', 'power', 'n1', 'soft_off', '--request-id', 'lost'];
  const [code, stderr] = await endOf(startUnread(t, words, ['stdout'], house.address));
  t.is(code, OUTPUT_LOST);
  t.regex(
    stderr,
    /^stopped watching: the reader of stdout has gone; the order goes on\n {2}watch it: countermand power watch /,
  );
  await untilIn(watchTask(house.client, 'lost'), 'CONFIRMING');

  const watching = startUnread(t, ['power', 'watch', 'lost'], ['stdout'], house.address);
  t.is((await endOf(watching))[0], OUTPUT_LOST);
  const [both] = await endOf(startUnread(t, ['power', 'watch', 'lost'], ['stdout', 'stderr'], house.address));
  t.is(both, OUTPUT_LOST, 'stderr is not read either');
});

test('a watched plan whose reader has gone: 141, and the plan goes on', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  await startPlan(house.client, 'down', [power('n1', 'soft power off')]);
  for (const flags of [[], ['--json']]) {
    const [code, stderr] = await endOf(startUnread(t, ['plan', 'watch', 'down', ...flags], ['stdout'], house.address));
    t.is(code, OUTPUT_LOST);
    t.regex(stderr, /the reader of stdout has gone; the plan goes on/);
  }
  await createPlan(house.client, 'later', [power('n1', 'power on')]);
  const queued = ['plan', 'start', 'later', '--queue', '--yes'];
  t.is((await endOf(startUnread(t, queued, ['stdout'], house.address)))[0], OUTPUT_LOST);
});

test('what watches ends when the reader of its pipe has gone, also while nothing happens', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  await startPlan(house.client, 'down', [power('n1', 'soft power off')]);
  await untilActionIn(watchPlan(house.client, 'down'), 'n1', 'ONGOING');
  await enrol(house.client, 'n2', 'fake', { fake_address: 'n2' });
  // The reader goes when it has read all that there is; its limit only ends a hang.
  const until = async (line: string, last: string) => {
    const command = `{ timeout 60 countermand ${line}; echo "code $?" >&2; } | sed '/${last}/q' >/dev/null`;
    return (await runInScript(t, command, house)).text;
  };
  t.regex(
    await until('plan watch down', 'soft power off .*ONGOING'),
    /^stopped watching: the reader of stdout has gone; the plan goes on\n[\s\S]*\ncode 141\n$/,
  );
  t.regex(
    await until('node power n2 off --yes --request-id n2 && countermand node power n2 on', 'no such line'),
    /^code 0\n$/,
    'a reader that stays',
  );
  for (const [line, last] of [
    ['events --follow --tail 1', '.'],
    ['node list --watch 3600 -o name', 'n2'],
    ['node watch n2', 'n2'],
  ] as const)
    t.is(await until(line, last), `code ${OUTPUT_LOST}\n`, line);
});

test('what only reads ends quietly with 141; what fails keeps its own exit code', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  for (const line of [
    'node list',
    'node list --json',
    'events',
    'events --follow',
    'events --follow --json',
    '--version',
  ])
    t.deepEqual(await endOf(startUnread(t, line.split(' '), ['stdout'], house.address)), [OUTPUT_LOST, ''], line);
  for (const [line, code] of [
    ['node show nosuch', 3],
    ['node power n1 off', 9],
    ['nod', 2],
  ] as const) {
    t.is((await endOf(startUnread(t, line.split(' '), ['stdout'], house.address)))[0], code, line);
    t.is((await endOf(startUnread(t, line.split(' '), ['stdout', 'stderr'], house.address)))[0], code, line);
  }
  const full = await runInScript(t, 'countermand node list >/dev/full', house);
  t.is(full.exitCode, OUTPUT_LOST);
  t.regex(full.text, /^error: stdout cannot be written: ENOSPC.*\n$/);
});

test('a conductor and an agent go on when the readers of their output have gone, and stop in order', async (t) => {
  const data = await newFolder(t);
  const address = `${ownAddress()}:7177`;
  const words = [...serveWords(data, { listen: address, log_level: 'debug' }), '--no-agent'];
  const conductor = startUnread(t, words, ['stdout', 'stderr']);
  const agent = startUnread(t, ['agent', '--conductor', address, '--log-level', 'debug'], ['stdout', 'stderr']);
  const ends = [conductor, agent].map((child) => once(child, 'close'));
  const say = (line: string) => runHere(line.split(' '), { COUNTERMAND_CONDUCTOR: address });
  await eventually('a node to be enrolled', async () => {
    const { exitCode } = await say('node create n1 --driver fake --info fake_address=n1');
    return exitCode === 0;
  });
  const read = await say('node refresh n1');
  t.regex(`${read.stdout}${read.stderr}`, /1 read, 0 not read/);
  t.deepEqual([conductor.exitCode, agent.exitCode], [null, null]);
  agent.kill('SIGTERM');
  t.deepEqual(await ends[1], [0, null]);
  conductor.kill('SIGTERM');
  t.deepEqual(await ends[0], [0, null]);
});

test('a log is written again as soon as it is read', async (t) => {
  const folder = await newFolder(t);
  const fifo = join(folder, 'log');
  await once(spawn('mkfifo', [fifo]), 'close');
  const house = await openHouse(t, { here: true });
  const line = `exec countermand agent --conductor ${house.address} --agent-name second 2>${fifo}`;
  void runInScript(t, line, { address: house.address });
  const read = () => {
    const reader = spawn('setpriv', ['--pdeathsig', 'KILL', 'cat', fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => reader.kill('SIGKILL'));
    return reader;
  };
  const first = read();
  await once(first.stdout, 'data');
  first.kill('SIGKILL');
  await once(first, 'close');
  // It misses its conductor while its log is not read, and tells of it again and again.
  await house.stop('conductor');
  const second = read();
  const [chunk] = await once(second.stdout, 'data');
  t.regex(String(chunk), /"level":/);
});

test('a simulator goes on without a reader, and ends on SIGTERM although its output waits for one', async (t) => {
  const house = await openHouse(t, { here: true });
  const address = ownAddress();
  const sim = startUnread(t, ['sim', 'ipmi', '--address', address, '--first-port', '6230'], ['stdout', 'stderr']);
  const info = { ipmi_address: address, ipmi_port: '6230', ipmi_username: 'admin', ipmi_password: 'secret' };
  await house.client.nodes.createNode({ name: 'n1', driver: 'ipmi', driverInfo: info });
  await eventually('the BMC to be read', async () => {
    const { stdout } = await runHere(['node', 'refresh', 'n1'], { COUNTERMAND_CONDUCTOR: house.address });
    return stdout.includes('1 read');
  });
  t.is(sim.exitCode, null);

  for (const kind of ['irmc', 'redfish']) {
    const ports = kind === 'irmc' ? ['--first-snmp-port', '0', '--first-ipmi-port', '0'] : [];
    const words = ['sim', kind, '--address', ownAddress(), '--nodes', '20', '--first-port', '0', ...ports, '--json'];
    const other = startUnread(t, words, ['stdout', 'stderr']);
    await eventually(`sim ${kind} to listen`, () => listens(other));
    other.kill('SIGHUP');
    const over = once(other, 'exit');
    other.kill('SIGTERM');
    t.deepEqual(await over, [0, null], kind);
  }

  const stuck = startUnread(
    t,
    ['sim', 'ipmi', '--address', address, '--nodes', '2000', '--first-port', '0', '--json'],
    [],
  );
  await once(stuck.stdout as NodeJS.ReadableStream, 'readable');
  const ended = once(stuck, 'exit');
  stuck.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

test('SIGHUP has a daemon that no terminal has started read its configuration again, and is logged', async (t) => {
  const house = await openHouse(t, { apart: true });
  const sims = ['ipmi', 'irmc', 'redfish'].map((kind) =>
    startProcess(t, ['sim', kind, '--address', ownAddress(), '--first-port', '0']),
  );
  for (const sim of sims) await sim.said.until('the simulator', (line) => line.startsWith('countermand: '));
  for (const daemon of [house.conductor, house.agent]) {
    daemon.signal('SIGHUP');
    await daemon.logged.until('the signal', (line) => line.includes('SIGHUP: the configuration was read again'));
    t.is(readFileSync(`/proc/${daemon.pid}/comm`, 'utf8'), 'countermand\n');
  }
  for (const sim of sims) {
    sim.signal('SIGHUP');
    sim.signal('SIGTERM');
    t.is(await sim.ended, 0);
  }
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  for (const daemon of [house.agent, house.conductor]) {
    daemon.signal('SIGTERM');
    t.is(await daemon.ended, 0);
  }
});

test('a conductor that was started from a terminal stops in order when the terminal is closed', async (t) => {
  const words = serveWords(await newFolder(t)).join(' ');
  const terminal = runInTerminal(t, `exec countermand ${words}`, { address: '' });
  const shown = await terminal.shows(/countermand: conductor on \S+, data/);
  const client = connect(/conductor on (\S+),/.exec(shown)?.[1] ?? '');
  t.teardown(() => client.close());
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  const events = subscribe(client, 1);
  await events.until('an event', () => true);
  terminal.close();
  t.like(await events.ended, { status: 'UNAVAILABLE', code: 'SHUTTING_DOWN' });
});

test('a command that watches is ended by SIGHUP; the order goes on', async (t) => {
  const house = await openHouse(t, { here: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const words = ['node', 'power', 'n1', 'soft_off', '--request-id', 'lost'];
  const command = startProcess(t, words, { COUNTERMAND_CONDUCTOR: house.address });
  await command.said.until('the order to be sent', (line) => line.includes('CONFIRMING'));
  command.signal('SIGHUP');
  t.is(await command.ended, TERMINAL_CLOSED);
  t.truthy((await nodeNow(house.client, 'n1')).heldBy);
});
