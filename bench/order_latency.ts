/**
 * How long does an order take, from the call to the BMC having it? With ipmi_sim its own log is watched; the driver
 * `fake` has no log outside the agent, so there it is timed until the client is told that the BMC has accepted, which is
 * later. The peers are a bare write to the disk, ipmitool alone, and our driver without conductor and agent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { systemChance } from '../src/core/chance.ts';
import { systemClock } from '../src/core/clock.ts';
import { abortable } from '../src/core/signals.ts';
import { createIpmiDriver } from '../src/drivers/ipmi/driver.ts';
import { PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import type { ChassisCommand } from '../src/sim/chassis.ts';
import type { IpmiSim } from '../src/sim/ipmi_sim.ts';
import { durableWrite } from './durable_write.ts';
import { type Row, timed } from './figures.ts';
import { type Bmc, type Fleet, orderUntil, withFleet } from './fleet.ts';

const ORDERS = 100;
/** The nodes take turns, so that no order waits for a BMC that rests from the one before. */
const NODES = 10;

/** The rows. */
export async function orderLatency(signal: AbortSignal): Promise<Row[]> {
  return [...(await withFleet([], onFake, signal)), ...(await withFleet([], onIpmi, signal))];
}

async function onFake(fleet: Fleet): Promise<Row[]> {
  const peer = await durableWrite();
  const nodes = await fleet.enrolFake(NODES);
  const measure = async (): Promise<number[]> => {
    const times: number[] = [];
    for (let count = 0; count < ORDERS; count += 1) {
      // Each round of all nodes orders them to be what they are not.
      const target = Math.floor(count / NODES) % 2 === 0 ? PowerTarget.OFF : PowerTarget.ON;
      const startedAt = systemClock.monotonic();
      const order = orderUntil(nodes[count % NODES] ?? '', target, PowerTaskState.CONFIRMING, fleet);
      await order.reached;
      times.push(systemClock.monotonic() - startedAt);
      await order.atRest;
    }
    return times;
  };
  // Once unmeasured: the first calls of a process pay for its compiler.
  await measure();
  return [peer, { what: 'fake: until the client is told', times: await measure(), aim: { median: 20 }, peer }];
}

async function onIpmi(fleet: Fleet): Promise<Row[]> {
  const bmcs = [...(await fleet.enrolIpmi(NODES))];
  const times = { ours: [] as number[], driver: [] as number[], ipmitool: [] as number[] };
  for (let count = 0; count < ORDERS; count += 1) {
    const [node, bmc] = bmcs[count % NODES] as [string, Bmc];
    times.ours.push(await untilReceived('off', bmc, () => orderOff(node, fleet), fleet.signal));
    times.ipmitool.push(await untilReceived('on', bmc, () => ipmitoolOn(bmc.sim), fleet.signal));
    times.driver.push(await untilReceived('off', bmc, () => driverOff(bmc.sim, fleet.signal), fleet.signal));
    await bmc.sim.setPower('power on');
  }
  const peer = { what: 'peer: ipmitool alone', times: times.ipmitool };
  return [
    peer,
    { what: 'ipmi: our driver alone', times: times.driver, peer },
    { what: 'ipmi: an order, which reads the node first', times: times.ours, peer },
  ];
}

/** The time until the BMC has noted one more `command` after `give` began. Resolves when `give` has ended, too. */
async function untilReceived(
  command: ChassisCommand,
  { sim, folder }: Bmc,
  give: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<number> {
  const count = async () => (await sim.received()).filter((received) => received === command).length;
  const before = await count();
  const given = Promise.withResolvers<unknown>();
  const time = await timed(() => {
    given.resolve(give());
    return abortable<void>((resolve, reject) => {
      const watcher = watch(join(folder, 'received'), async () => {
        if ((await count()) === before) return;
        watcher.close();
        resolve();
      });
      given.promise.catch(reject);
      return () => watcher.close();
    }, signal);
  });
  await given.promise;
  return time;
}

async function orderOff(node: string, fleet: Fleet): Promise<void> {
  const task = await orderUntil(node, PowerTarget.OFF, PowerTaskState.SUCCEEDED, fleet).atRest;
  if (task.state !== PowerTaskState.SUCCEEDED) throw new Error(`${node} was not powered off: ${task.errorMessage}`);
}

async function driverOff({ address, port, username, password }: IpmiSim, signal: AbortSignal): Promise<void> {
  const parts = { clock: systemClock, chance: systemChance, searchPath: process.env.PATH ?? '', keepSessionMs: 0 };
  const driver = createIpmiDriver(parts);
  const who = { ipmi_username: username, ipmi_password: password };
  const bmc = driver.parse({ ipmi_address: address, ipmi_port: String(port), ...who });
  await driver.setPowerState(bmc, 'power off', signal);
}

async function ipmitoolOn({ address, port, username, password }: IpmiSim): Promise<void> {
  const words = ['-I', 'lanplus', '-C', '3', '-H', address, '-p', String(port), '-U', username, '-E', 'power', 'on'];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, IPMI_PASSWORD: password };
  const [code] = await once(spawn('ipmitool', words, { env, stdio: 'ignore' }), 'close');
  if (code !== 0) throw new Error(`ipmitool ended with ${code}`);
}
