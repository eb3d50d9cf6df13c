/** A BMC starts anew while an order is waited for, and says off of a host that runs (openbmc#1810). */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { openHouse } from './house.ts';
import { enrol, nodeNow, order, statesOf, untilAtRest, untilIn } from './orders.ts';

test('a false off after a restart ends no order, and the true one does', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const { bmc, info } = await newSimBmc(t, { host: { softMs: Number.POSITIVE_INFINITY } });
  await enrol(client, 'n1', 'ipmi', info);
  const watch = order(client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(watch, 'CONFIRMING');
  const looks = (): number => bmc.received.filter((command) => command === 'status').length;
  const looksBefore = looks();
  bmc.restart(0);
  bmc.faults = { ...bmc.faults, readsOff: true };
  await eventually('the false off to be read', () => looks() >= looksBefore + 3);
  bmc.faults = { ...bmc.faults, readsOff: false };
  const looksThen = looks();
  await eventually('the truth to be read', () => looks() >= looksThen + 2);
  t.deepEqual(statesOf(watch).at(-1), 'CONFIRMING');
  t.is((await nodeNow(client, 'n1')).powerState, 'ON');
  bmc.host.setPower('power off');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(
    bmc.received.filter((command) => command !== 'status'),
    ['soft'],
  );
});
