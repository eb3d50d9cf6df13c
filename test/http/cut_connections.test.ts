/** A client that does not hear of its order sends it again. Each order reaches the BMC once, whatever the client repeats. */
import test, { type ExecutionContext } from 'ava';
import { newCuttingProxy } from '../counterparts/cutting_proxy.ts';
import { eventually } from '../counterparts/eventually.ts';
import { fieldClients } from '../counterparts/field_clients.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { enrol, enrolSim, ordersAt } from '../e2e/orders.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { untilFree } from './story.ts';

/** The usual flags, with the retries of the client: soon, and enough of them for a conductor that starts slowly. */
const RETRYING = {
  baremetal: (url: string) => [
    ...['--os-auth-type', 'none', '--os-endpoint', url],
    ...['--retry-interval', '1', '--max-retries', '300'],
  ],
};

type Enrolled = Awaited<ReturnType<typeof enrolSim>>;

/** A house with a real BMC simulator, and `baremetal` behind a proxy. What a cut does to the house needs one in a process. */
async function behindProxy(t: ExecutionContext, cutting?: (house: House, sim: Enrolled) => Promise<void>) {
  const house = await openHouse(t, { http: true, here: cutting === undefined });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const proxy = await newCuttingProxy(t, house.http, cutting && (() => cutting(house, sim)));
  const clients = await fieldClients(proxy.url, RETRYING);
  return { house, sim, proxy, clients };
}

test('baremetal sends a reboot three times, and the BMC is reset once', async (t) => {
  const { house, sim, proxy, clients } = await behindProxy(t);
  proxy.cut(2);
  t.is((await clients.run('baremetal node reboot n1')).exitCode, 0);
  t.is(proxy.passed(), 3);
  await untilFree(house, 'n1', 'power on');
  t.deepEqual(await ordersAt(sim), ['reset']);
  t.is((await house.client.power.listPowerTasks({})).tasks.length, 1);
});

test('a soft power off and its abort, each heard of at the second attempt only', async (t) => {
  const { house, sim, proxy, clients } = await behindProxy(t);
  proxy.cut(1);
  t.is((await clients.run('baremetal node power off --soft n1')).exitCode, 0);
  await untilFree(house, 'n1', 'confirming');
  proxy.cut(1);
  t.is((await clients.ironic('set_power_state', ['n1', 'abort soft power off'])).error, undefined);
  await untilFree(house, 'n1', 'power on');
  t.is(proxy.passed(), 4);
  t.deepEqual(await ordersAt(sim), ['soft']);
  t.is((await house.client.power.listPowerTasks({})).tasks.length, 2);
});

test('the conductor dies between the commit of a reboot and its answer: the repetition finds the order', async (t) => {
  const { house, sim, proxy, clients } = await behindProxy(t, async (one, bmc) => {
    // Killed earlier, it may not have sent the order yet; then the task has to end as OUTCOME_UNKNOWN.
    await eventually('the reset to be received', async () => (await ordersAt(bmc)).length > 0);
    await one.kill('conductor');
    await one.start('conductor');
  });
  proxy.cut(1);
  t.is((await clients.run('baremetal node reboot n1')).exitCode, 0);
  await untilFree(house, 'n1', 'power on');
  t.deepEqual(await ordersAt(sim), ['reset']);
  t.is((await house.client.power.listPowerTasks({})).tasks.length, 1);
});

test('a plan whose start is repeated runs once', async (t) => {
  const { house, sim, proxy, clients } = await behindProxy(t);
  const inputParameters = { resource_id: 'n1', state: 'rebooting' };
  const action = { name: 'reboot', actionType: 'change_node_power_state', inputParameters };
  const { actionPlan } = await house.client.plans.createActionPlan({ name: 'p1', actions: [action] });
  proxy.cut(2);
  const started = await clients.run(`watcher actionplan start ${actionPlan?.uuid}`);
  t.is(started.exitCode, 0, started.stderr);
  t.is(proxy.passed(), 3);
  await untilFree(house, 'n1', 'power on');
  t.deepEqual(await ordersAt(sim), ['reset']);
});

test('a node that is enrolled, and an audit that is made, by a request that is repeated', async (t) => {
  const { house, proxy, clients } = await behindProxy(t);
  proxy.cut(1);
  const words =
    '--driver fake --name n2 --driver-info fake_address=n2 --driver-info fake_password=secret --extra rack=7';
  const enrolled = await clients.run(`baremetal node create ${words}`);
  t.is(enrolled.exitCode, 0, enrolled.stderr);
  proxy.cut(2);
  const made = await clients.run('watcher audit create -g dummy -p para1=0 --auto-trigger');
  t.is(made.exitCode, 0, made.stderr);
  t.is(proxy.passed(), 5);
  t.is((await house.client.nodes.listNodes({})).nodes.length, 2);
  t.is((await house.client.audits.listAudits({})).audits.length, 1);
  t.is((await house.client.plans.listActionPlans({})).actionPlans.length, 1);
});

test('a client that goes while its NMI is under way, and comes again: the BMC has one NMI', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  // The BMC does what it is told at once, and answers when this clock is turned.
  const clock = new VirtualClock();
  const nmi = await newSimBmc(t, { clock, faults: { holdsOrdersMs: 1000 } });
  await enrol(house.client, 'n1', 'ipmi', nmi.info);
  const path = `${house.http}/v1/nodes/n1/management/inject_nmi`;
  const put = (signal: AbortSignal | null) => fetch(path, { method: 'PUT', body: '{}', signal });
  const gone = new AbortController();
  const first = put(gone.signal).catch(() => 'gone');
  await eventually('the NMI to be received', () => nmi.bmc.received.includes('diag'));
  gone.abort();
  t.is(await first, 'gone');

  const repeated = [put(null), put(null)];
  await clock.turn(1000);
  const answers = [...(await Promise.all(repeated)), await put(null)];
  t.deepEqual(
    answers.map(({ status }) => status),
    [204, 204, 204],
  );
  t.is(new Set(answers.map(({ headers }) => headers.get('countermand-power-task'))).size, 1);
  t.deepEqual(await ordersAt(nmi), ['diag']);
  t.is((await house.client.power.listPowerTasks({})).tasks.length, 1);
});
