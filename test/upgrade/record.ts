/**
 * Records what a release leaves behind: `node test/upgrade/record.ts VERSION CHECKOUT [-- FLAG...]` runs the conductor of a checkout of
 * that version, uses everything that it has, and writes its database and its answers to test/upgrade/released. The flags go to
 * `serve`: versions with an HTTP door want `--http-listen none`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { answersOf, pathsOf, ReleasedClient, type Said } from './released.ts';

const [version = '', checkout = '', ...rest] = process.argv.slice(2);
const flags = rest.filter((word) => word !== '--');
const folder = mkdtempSync(join(tmpdir(), 'countermand-release-'));

/** Settings that make the waits short. */
const QUICK = [
  '--sync-power-state-interval=0',
  '--min-command-interval=0',
  '--window-read-interval=1',
  '--recall-confirm=1',
];

/** Starts a daemon of the release; resolves when a line of its stdout or stderr has `word`. */
async function start(words: readonly string[], word: string): Promise<ChildProcess> {
  const daemon = spawn(join(checkout, 'bin/countermand'), words, {
    cwd: checkout,
    env: { ...process.env, PATH: `${checkout}/node_modules/.bin:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => daemon.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    daemon.once('exit', (code) => reject(new Error(`${words[0]} ended with ${code}`)));
    for (const output of [daemon.stdout, daemon.stderr])
      createInterface(output).on('line', (line) => {
        if (line.includes(word)) resolve();
      });
  });
  return daemon;
}

/** Starts the conductor of the release; resolves when it listens. */
const serve = (address: string, ...more: string[]): Promise<ChildProcess> =>
  start(['serve', '--data', folder, '--listen', address, ...QUICK, ...flags, ...more], address);

async function stop(conductor: ChildProcess): Promise<void> {
  conductor.kill('SIGTERM');
  await once(conductor, 'exit');
}

const FAKE_NEVER = { fake_soft_ms: 'never' };

/** Uses what the version has. What it leaves stands in every state that can be left. */
class User {
  readonly #client: ReleasedClient;
  readonly #plans = new Map<string, string>();

  constructor(client: ReleasedClient) {
    this.#client = client;
  }

  async enrol(name: string, info: Record<string, string> = {}, more: Said = {}): Promise<void> {
    const driver_info = { fake_address: name, ...info };
    await this.#client.call('NodeService', 'CreateNode', { name, driver: 'fake', driver_info, ...more });
  }

  /** Orders, and stays until the task is in one of the states. */
  async order(node: string, target: string, states: readonly string[], more: Said = {}): Promise<string> {
    const request = { node, target: `POWER_TARGET_${target}`, ...more };
    for await (const { task } of this.#client.stream('PowerService', 'SetPowerState', request)) {
      const { uuid, state } = task as Said;
      if (states.some((name) => state === `POWER_TASK_STATE_${name}`)) return uuid as string;
    }
    throw new Error(`${target} of ${node} is never ${states}`);
  }

  /** Makes a plan of power orders, one after another. */
  async plan(name: string, steps: readonly [node: string, state: string][], more: Said = {}): Promise<void> {
    const actions = steps.map(([node, state], at) => ({
      name: `step ${at}`,
      action_type: 'change_node_power_state',
      input_parameters: { resource_id: node, state },
      parents: at === 0 ? [] : [`step ${at - 1}`],
    }));
    const { action_plan } = await this.#client.call('ActionPlanService', 'CreateActionPlan', {
      name,
      actions,
      ...more,
    });
    this.#plans.set(name, (action_plan as Said).uuid as string);
  }

  async start(name: string, more: Said = {}): Promise<void> {
    await this.#client.call('ActionPlanService', 'StartActionPlan', { action_plan: this.#uuid(name), ...more });
  }

  /** Waits until a plan is in a state. */
  async until(name: string, state: string, nodes: readonly string[] = []): Promise<void> {
    const watched = { action_plan: this.#uuid(name) };
    for await (const { action_plan, actions } of this.#client.stream('ActionPlanService', 'WatchActionPlan', watched)) {
      const isUnderWay = (actions as Said[]).some((one) => one.state === 'ACTION_STATE_ONGOING');
      if ((action_plan as Said).state === `ACTION_PLAN_STATE_${state}` && (nodes.length === 0 || isUnderWay)) return;
    }
    throw new Error(`${name} is never ${state}`);
  }

  /** Rolls back or cancels a plan, to the end. */
  async end(name: string, method: string, more: Said = {}): Promise<void> {
    for await (const _ of this.#client.stream('ActionPlanService', method, { action_plan: this.#uuid(name), ...more }));
  }

  async audit(name: string, more: Said): Promise<void> {
    const request = { name, audit_type: 'AUDIT_TYPE_ONESHOT', max_parallel: 2, ...more };
    await this.#client.call('AuditService', 'CreateAudit', request);
  }

  /** What versions have had since 0.2.0. */
  async makeTemplatesAndTokens(): Promise<void> {
    if (!this.#client.has('AccessService', 'CreateToken')) return;
    const template = {
      name: 'rack7-down',
      strategy: 'host_maintenance',
      description: 'of the upgrade test',
      scope: SCOPE,
    };
    await this.#client.call('AuditService', 'CreateAuditTemplate', template);
    for (const name of ['robot', 'gone']) await this.#client.call('AccessService', 'CreateToken', { name, days: 30 });
    await this.#client.call('AccessService', 'CreateToken', {
      name: 'of-an-agent',
      days: 30,
      agent_zones: ['default'],
    });
    await this.#client.call('AccessService', 'RevokeToken', { token: 'gone' });
  }

  #uuid(name: string): string {
    return this.#plans.get(name) ?? name;
  }
}

const SCOPE = [{ baremetal: [{ nodes: ['r7n1', 'r7n2'] }] }];
const ENDED = ['SUCCEEDED', 'FAILED', 'ABORTED'];

async function makeNodes(user: User, client: ReleasedClient): Promise<void> {
  for (const name of ['r7n1', 'r7n2', 'r7n3']) await user.enrol(name, {}, { labels: { rack: '7' } });
  for (const name of ['stuck', 'recalled', 'cancelled', 'running', 'waiting']) await user.enrol(name, FAKE_NEVER);
  await user.enrol('secret', {
    fake_password: 'a secret of the upgrade test',
    fake_guid: '0123456789abcdef0123456789abcdef',
  });
  await user.enrol('elsewhere', {}, { zone: 'dark' });
  await user.enrol('refuses', { fake_fault: 'refuse' });
  await client.call('NodeService', 'UpdateNode', { node: 'secret', maintenance: true, maintenance_reason: 'its fan' });
}

async function giveOrders(user: User): Promise<void> {
  await user.order('r7n1', 'OFF', ENDED, { reason: 'the first' });
  await user.order('r7n1', 'ON', ENDED, { request_id: 'f0b0d2c4-6a1e-4f33-9d7e-000000000001' });
  await user.order('refuses', 'OFF', ENDED);
  await user.order('recalled', 'SOFT_POWER_OFF', ['CONFIRMING']);
  await user.order('recalled', 'ABORT_SOFT_POWER_OFF', ENDED);
  await user.order('stuck', 'SOFT_POWER_OFF', ['CONFIRMING']);
}

async function runPlans(user: User, client: ReleasedClient): Promise<void> {
  await user.plan('done', [
    ['r7n1', 'power off'],
    ['r7n2', 'power off'],
  ]);
  await user.start('done');
  await user.until('done', 'SUCCEEDED');
  await user.end('done', 'RollbackActionPlan');
  await user.plan('failed', [
    ['refuses', 'power off'],
    ['r7n3', 'power off'],
  ]);
  await user.start('failed');
  await user.until('failed', 'FAILED');
  await user.plan('cancelled', [
    ['cancelled', 'soft power off'],
    ['r7n3', 'power off'],
  ]);
  await user.start('cancelled');
  await user.until('cancelled', 'ONGOING', ['cancelled']);
  await user.end('cancelled', 'CancelActionPlan', { reason: 'wrong rack' });
  await user.plan(
    'running',
    [
      ['running', 'soft power off'],
      ['r7n3', 'power off'],
    ],
    { on_failure: 'FAILURE_POLICY_CONTINUE' },
  );
  await user.start('running');
  await user.until('running', 'ONGOING', ['running']);
  await user.plan('queued', [['running', 'power on']]);
  await user.start('queued', { queue: true });
  await user.plan('proposed', [['r7n1', 'power off']]);
  await user.plan('superseded', [['waiting', 'power off']]);
  await client.call('NodeService', 'UpdateNode', {
    node: 'waiting',
    maintenance: true,
    maintenance_reason: 'makes the plan stale',
  });
  await user.until('superseded', 'SUPERSEDED');
}

async function makeAudits(user: User, client: ReleasedClient): Promise<void> {
  await user.audit('once', { strategy: 'host_maintenance', scope: SCOPE });
  const again = { audit_type: 'AUDIT_TYPE_CONTINUOUS', interval: 86_400, strategy: 'saving_energy', scope: SCOPE };
  for (const name of ['each day', 'suspended', 'ended'])
    await user.audit(name, { ...again, parameters: { reserve: 1 } });
  await client.call('AuditService', 'SuspendAudit', { audit: 'suspended' });
  await client.call('AuditService', 'CancelAudit', { audit: 'ended' });
  const report = {
    event_type: 'instance.delete.end',
    nodes: ['r7n3'],
    payload: { instance: 'one' },
    reason: 'from outside',
  };
  await client.call('AuditService', 'ReportClusterEvent', report);
  await user.makeTemplatesAndTokens();
}

async function use(client: ReleasedClient): Promise<void> {
  const user = new User(client);
  await makeNodes(user, client);
  await giveOrders(user);
  await runPlans(user, client);
  await makeAudits(user, client);
}

/** The tables that have no rows. */
function emptyTables(path: string): string[] {
  const file = new BetterSqlite3(path, { readonly: true });
  const tables = file.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
  const empty = tables.filter(({ name }) => file.prepare(`select 1 from ${name} limit 1`).get() === undefined);
  file.close();
  return empty.map(({ name }) => name);
}

const address = `${ownAddress()}:${await takePort(ownAddress())}`;
const first = await serve(address);
const client = new ReleasedClient(version, address);
const agent = await start(['agent', '--conductor', address, '--zone', 'dark'], 'attached');
await use(client);
agent.kill('SIGKILL');
await stop(first);
// Without an agent nothing moves between the answers and the end.
const second = await serve(address, '--no-agent');
const answers = await answersOf(client);
client.close();
await stop(second);
const path = join(folder, 'countermand.db');
process.stdout.write(`tables without rows: ${emptyTables(path).join(', ') || 'none'}\n`);
const paths = pathsOf(version);
writeFileSync(paths.database, gzipSync(readFileSync(path), { level: 9 }));
writeFileSync(paths.answers, gzipSync(JSON.stringify(answers), { level: 9 }));
rmSync(folder, { recursive: true });
for (const [kind, all] of Object.entries(answers)) process.stdout.write(`${kind}: ${all.length}\n`);
process.exit();
