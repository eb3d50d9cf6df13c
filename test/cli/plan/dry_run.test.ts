/** --dry-run: what each order would do, and that nothing is written. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AuditType } from '../../../src/gen/countermand/v1/audit.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { allEvents, allTasks } from '../../e2e/client.ts';
import { openHouse } from '../../e2e/house.ts';
import { enrol } from '../../e2e/orders.ts';
import { createPlan, power, startPlan, untilActionIn, untilPlanEnds, watchPlan } from '../../e2e/plans.ts';
import { runHere } from '../../e2e/processes.ts';

const FILE =
  'name: down\nactions: [{name: down, action_type: change_node_power_state, nodes: "n[1-2]", input_parameters: {state: off}}]\n';

/** Nodes that run, but for n2; a plan that waits to be started, one that runs, and one that has ended. */
async function openRack(t: ExecutionContext) {
  const { client, address } = await openHouse(t, { here: true, settings: { power_state_change_timeout: 60 } });
  for (const name of ['n1', 'n2', 'n3', 'n4']) {
    const slow: Record<string, string> =
      name === 'n3' ? { fake_soft_ms: 'never', fake_recall: 'refused' } : { fake_soft_ms: '0' };
    const more = { ...(name === 'n2' && { fake_power_state: 'off' }), ...slow };
    await enrol(client, name, 'fake', { fake_address: name, ...more });
  }
  await startPlan(client, 'runs', [power('n3', 'soft power off')]);
  await untilActionIn(watchPlan(client, 'runs'), 'n3', 'ONGOING');
  await startPlan(client, 'done', [power('n4', 'power off')]);
  await untilPlanEnds(watchPlan(client, 'done'));
  await createPlan(client, 'waits', [power('n1', 'power off'), power('n2', 'power off')]);
  const audit = { strategy: 'dummy', scope: [{ baremetal: [{ nodes: ['n4'] }] }], parameters: { para1: 0 } };
  const often = { auditType: AuditType.CONTINUOUS, interval: 86_400 };
  await client.audits.createAudit({ name: 'paused', requestId: 'paused', ...audit, ...often });
  await client.audits.suspendAudit({ audit: 'paused' });
  const folder = await newFolder(t);
  await writeFile(join(folder, 'down.yaml'), FILE);
  const all = async () => {
    const [plans, audits] = [await client.plans.listActionPlans({}), await client.audits.listAudits({})];
    const states = [...plans.actionPlans, ...audits.audits].map(({ uuid, state }) => [uuid, state]);
    return { states, tasks: (await allTasks(client)).length, events: (await allEvents(client)).length };
  };
  const run = (line: string) =>
    runHere(line.replace('down.yaml', join(folder, 'down.yaml')).split(' '), { COUNTERMAND_CONDUCTOR: address });
  return { run, all, client };
}

/** What each command says, line by line. */
const SAYS: Readonly<Record<string, readonly RegExp[]>> = {
  'node power n1 n2 soft_off': [
    /^it affects 2 nodes \(n1, n2\), 1 of them running$/,
    /^it takes 1 running node down \(n1\)$/,
    /^2 orders can be taken back by the hardware while the host still runs$/,
    /^the longest timeout of an order is 10m$/,
    /^would be superseded: plan 'waits' \(\S+\) RECOMMENDED$/,
  ],
  'node power n[1-2] reboot': [
    /^it affects 2 nodes/,
    /^it takes 1 running node down \(n1\), by orders that cannot be taken back once sent$/,
    /^2 orders cannot be taken back once sent$/,
    /^the longest timeout of an order is 1m$/,
    /^would be superseded: plan 'waits'/,
  ],
  'node power n3 inject_nmi': [
    /^it affects 1 node \(n3\), 1 of them running$/,
    /^it takes 1 running node down/,
    /^1 order can only be given up: an abort ends the waiting, and the node may still change$/,
    /^the longest timeout of an order is 1m$/,
    /^1 node is held by a power task now$/,
    /^about its nodes as well: plan 'runs' \(\S+\) ONGOING$/,
  ],
  'node power n1 n3 soft_reboot --on-timeout force --timeout 30': [
    /^it affects 2 nodes \(n1, n3\), 2 of them running$/,
    /^it takes 2 running nodes down \(n1, n3\), by orders that cannot/,
    /^2 orders cannot be taken back once sent$/,
    /^the longest timeout of an order is 2m30s$/,
    /^1 node is held/,
    /^in the way, so that the start would be refused without --queue: plan 'runs'/,
    /^would be superseded: plan 'waits'/,
  ],
  'plan create down.yaml --start': [
    /^it affects 2 nodes \(n1, n2\)/,
    /^it takes 1 running node down/,
    /^2 orders cannot be taken back/,
    /^the longest/,
    /^would be superseded: plan 'waits'/,
  ],
  'plan start waits': [
    /^it affects 2 nodes \(n1, n2\), 1 of them running$/,
    /^it takes 1 running node down \(n1\)/,
    /^2 orders cannot be taken back/,
    /^the longest timeout of an order is 1m$/,
  ],
  'plan cancel runs': [/^plan 'runs': 0 of its actions would never begin, and 1 that run would be taken back as far/],
  'plan cancel runs --rollback': [
    /^plan 'runs': 0 of its actions/,
    /^the rollback, as far as the plan has run now:$/,
    /^it affects 1 node \(n3\), 1 of them running$/,
    /^it takes no running node down$/,
    /^1 order cannot be taken back once sent$/,
    /^the longest/,
    /^1 node is held/,
  ],
  'audit create --name again --strategy dummy --nodes n1': [
    /^its plan, which waits until it is started:$/,
    /^it affects no node$/,
    /^would be superseded: plan 'waits'/,
  ],
  'audit resume paused': [
    /^its plan, which waits until it is started:$/,
    /^it affects no node$/,
    /^would be superseded: plan 'paused'/,
  ],
};

/** A dry run of a cancel is refused as the cancel is, or says that this changes nothing. */
async function cancelsOfTheEnded(t: ExecutionContext, run: Awaited<ReturnType<typeof openRack>>['run']): Promise<void> {
  for (const line of ['plan cancel done', 'plan cancel done --rollback', 'plan cancel runs --rollback']) {
    const refused = await run(line.replace('--rollback', '--rollback --yes'));
    const looked = await run(`${line} --dry-run`);
    t.is(looked.exitCode, 5, looked.stdout);
    t.is(refused.exitCode, 5);
    t.regex(
      looked.stderr,
      /plan '(done|runs)' \([\da-f]{8}\) is (SUCCEEDED|FAILED); it cannot be cancelled\n {2}possible: /,
    );
  }
  // The one never ran, so there is nothing to undo either. The other could not be taken back.
  for (const line of ['plan cancel waits', 'plan cancel waits --rollback', 'plan cancel runs']) {
    const again = await run(`${line} --dry-run`);
    t.regex(
      again.stdout,
      /was cancelled already, and is (CANCELLED|FAILED); nothing would change\nnothing was written$/,
    );
    const refused = (await run(line.replace('--rollback', '--rollback --yes'))).stderr.includes('cannot be cancelled');
    t.is(again.exitCode, refused ? 5 : 0, line);
  }
}

test('what an order would do is told, and nothing is written', async (t) => {
  const { run, all, client } = await openRack(t);
  const before = await all();
  for (const [line, says] of Object.entries(SAYS)) {
    const { exitCode, stdout, stderr } = await run(`${line} --dry-run`);
    t.is(exitCode, 0, `${line}: ${stderr}`);
    const lines = stdout.split('\n');
    t.is(lines.length, says.length + 1, `${line}:\n${stdout}`);
    for (const [at, says_] of says.entries()) t.regex(lines[at] ?? '', says_, line);
    t.is(lines.at(-1), 'nothing was written');
    t.deepEqual(await all(), before, line);
  }
  const rollback = await run('plan rollback done --dry-run');
  t.regex(rollback.stdout, /^it affects 1 node \(n4\), 0 of them running$/m);
  t.regex(rollback.stdout, /\nnothing was written$/);
  const queued = await run('node power n1 n3 soft_off --queue --dry-run');
  t.regex(queued.stdout, /^before it, so that it would wait: plan 'runs'/m);
  const data = JSON.parse((await run('plan start waits --dry-run --json')).stdout);
  t.like(data.effect, {
    nodes: 2,
    running: 1,
    irrevocableOnceSent: 2,
    longestTimeout: 60,
    inTheWay: [],
    supersedes: [],
  });
  const abort = await run('node power n3 abort_soft_off --dry-run');
  t.is(abort.exitCode, 2);
  t.regex(abort.stderr, /--dry-run is about orders; abort soft power off ends one/);
  const over = await run('plan start done --dry-run');
  t.is(over.exitCode, 5);
  t.regex(over.stderr, /plan 'done' is SUCCEEDED: only a RECOMMENDED plan can be started/);
  for (const line of ['plan cancel --last --dry-run', 'plan cancel --last']) {
    const last = await run(line);
    t.is(last.exitCode, 5);
    t.regex(
      last.stderr,
      /plan 'done' \(\S+\) was started last, and has ended: SUCCEEDED; nothing was cancelled; under/,
    );
    t.regex(last.stderr, /under way: plan 'runs' \(([\da-f]{8})\) ONGOING\n {2}possible: countermand plan cancel \1$/);
  }
  const listed = async (startedSince?: Date) =>
    (await client.plans.listActionPlans({ startedSince })).actionPlans.map(({ name }) => name);
  const { actionPlan: done } = await client.plans.getActionPlan({ actionPlan: 'done' });
  t.true((await listed()).includes('runs'));
  t.deepEqual(await listed(done?.startedAt), ['done']);
  await client.plans.orderCancel({ actionPlan: 'waits' });
  await client.plans.orderCancel({ actionPlan: 'runs' });
  await untilPlanEnds(watchPlan(client, 'runs'));
  const ended = await all();
  await cancelsOfTheEnded(t, run);
  const unknown = await run('node power n1 n9 n8 off --dry-run');
  t.regex(unknown.stderr, /there is no node 'n9', 'n8'/);
  t.deepEqual(await all(), ended);
});
