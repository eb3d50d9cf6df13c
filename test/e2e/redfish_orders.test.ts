/** What a node can do is asked of the node, and not of its driver; and its tasks tell what its BMC was sent. */
import test, { type ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { Recall } from '../../src/gen/countermand/v1/power.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';
import { type NewSimRedfish, newSimRedfish, type TestedRedfish } from '../counterparts/sim_redfish.ts';
import type { Client } from './client.ts';
import { openHouse } from './house.ts';
import { enrol, order, untilAtRest, untilIn, watchTask } from './orders.ts';

const HANGS = { host: { softMs: Number.POSITIVE_INFINITY } };
const ONE_COMMAND: DriverInfo = { redfish_graceful_restart: 'true' };

async function enrolRedfish(
  t: ExecutionContext,
  client: Client,
  name: string,
  options: NewSimRedfish,
  more: DriverInfo = {},
): Promise<TestedRedfish> {
  const tested = await newSimRedfish(t, options);
  await enrol(client, name, 'redfish', { ...tested.info, ...more });
  return tested;
}

const resetsOf = ({ redfish }: TestedRedfish): string[] => redfish.received.map(({ resetType }) => resetType);

test('a soft reboot is two commands, or one where the driver_info of the node asks for it', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const two = await enrolRedfish(t, client, 'two', {});
  // It is seen starting: a restart that no poll has seen is none.
  const one = await enrolRedfish(t, client, 'one', { host: { selfTestMs: Number.POSITIVE_INFINITY } }, ONE_COMMAND);
  const rested = await Promise.all(['two', 'one'].map((node) => untilAtRest(order(client, node, 'SOFT_REBOOT'))));
  t.deepEqual(
    rested.map(({ state, message }) => [state, message]),
    [
      ['SUCCEEDED', 'sent: Reset GracefulShutdown, then Reset On'],
      ['SUCCEEDED', 'sent: Reset GracefulRestart'],
    ],
  );
  t.deepEqual(resetsOf(two), ['GracefulShutdown', 'On']);
  t.deepEqual(resetsOf(one), ['GracefulRestart']);
});

test('a soft reboot on one command is still one after the conductor was killed while it is waited for', async (t) => {
  const house = await openHouse(t);
  const tested = await enrolRedfish(t, house.client, 'one', HANGS, ONE_COMMAND);
  const { uuid, message } = await untilIn(order(house.client, 'one', 'SOFT_REBOOT'), 'CONFIRMING');
  t.is(message, 'sent: Reset GracefulRestart');
  await house.kill('conductor');
  await house.start('conductor');
  const watch = watchTask(house.client, uuid);
  tested.host.setPower('power off');
  const up = await watch.until('the host to be down', ({ phase }) => phase === 'UP');
  t.regex(up.message ?? '', /^the host went down and is starting; sent: Reset GracefulRestart$/);
  tested.host.setPower('power on');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(resetsOf(tested), ['GracefulRestart']);
});

test('an abort says what the order leaves behind: off after one of two commands, on after one', async (t) => {
  const { client } = await openHouse(t, { here: true });
  await enrolRedfish(t, client, 'two', HANGS);
  await enrolRedfish(t, client, 'one', HANGS, ONE_COMMAND);
  for (const [node, says] of [
    ['two', /no way to recall the soft rebooting of this node; the node may still go off, and then stays off until/],
    ['one', /no way to recall the soft rebooting of this node; the node may still change/],
  ] as const) {
    await untilIn(order(client, node, 'SOFT_REBOOT'), 'CONFIRMING');
    const abort = await untilAtRest(order(client, node, 'ABORT_SOFT_REBOOT'));
    t.is(abort.abort?.outcome, 'STOPPED_WAITING');
    t.regex(abort.abort?.reason ?? '', says);
  }
});

test('how far an order can be recalled is asked of the node: an iRMC without its agent recalls nothing', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const tested = await newSimIrmc(t);
  await enrol(client, 'n', 'irmc', tested.info);
  const recalls = async () => {
    const { supportedPowerStates } = await client.nodes.getSupportedPowerStates({ node: 'n' });
    return supportedPowerStates.filter(({ recall }) => recall === Recall.BY_HARDWARE).length;
  };
  t.is(await recalls(), 2);
  tested.irmc.faults = { ...tested.irmc.faults, agentMissing: true };
  t.is(await recalls(), 0);
});
