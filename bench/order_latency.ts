/**
 * How long does an order take, from the call to the BMC having it? With ipmi_sim its own log is watched; the driver
 * `fake` has no log outside the agent, so there it is timed until the client is told that the BMC has accepted, which is
 * later. The peers are a bare write to the disk and ipmitool alone; our driver without conductor and agent stands between.
 * Over `ipmi` both transports are measured, the native one with sessions that are kept and with a fresh one each time. Each
 * command costs ipmi_sim a shell script, and a kept session is asked for the status first if it has been silent for a while.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { systemChance } from '../src/core/chance.ts';
import { systemClock } from '../src/core/clock.ts';
import { abortable } from '../src/core/signals.ts';
import { createIpmiDriver } from '../src/drivers/ipmi/driver.ts';
import type { IpmiInfo } from '../src/drivers/ipmi/info.ts';
import { PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import type { ChassisCommand } from '../src/sim/chassis.ts';
import type { IpmiSim } from '../src/sim/ipmi_sim.ts';
import { durableWrite } from './durable_write.ts';
import { type Row, timed } from './figures.ts';
import { type Bmc, driverInfoOf, type Fleet, orderUntil, withFleet } from './fleet.ts';

const ORDERS = 100;
/** The nodes take turns, so that no order waits for a BMC that rests from the one before. */
const NODES = 10;

const KEEP_MS = 180_000;

/** The rows. */
export async function orderLatency(signal: AbortSignal): Promise<Row[]> {
  return [
    ...(await withFleet([], onFake, signal)),
    ...(await withFleet([], (fleet) => onIpmi('native', fleet), signal)),
    ...(await withFleet([], (fleet) => onIpmi('ipmitool', fleet), signal)),
  ];
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

/** Orders a node, or its BMC, to be off, and resolves when the giver is done with it. */
type OrderOff = (node: string, bmc: Bmc) => Promise<unknown>;

/** Givers take turns. */
async function onIpmi(transport: IpmiInfo['ipmi_transport'], fleet: Fleet): Promise<Row[]> {
  await using after = new AsyncDisposableStack();
  const settings = { ipmi_transport: transport };
  const bmcs = [...(await fleet.enrolIpmi(NODES, settings))];
  const driverWith = (keepSessionMs: number): OrderOff => {
    const parts = { clock: systemClock, chance: systemChance, searchPath: process.env.PATH ?? '', keepSessionMs };
    const driver = createIpmiDriver(parts);
    after.defer(() => driver.close());
    const parse = ({ sim }: Bmc) => driver.parse({ ...driverInfoOf(sim), ...settings });
    return (_node, bmc) => driver.setPowerState(parse(bmc), 'power off', fleet.signal);
  };
  const sessions = transport === 'native' ? [', fresh sessions', ', kept sessions'] : [''];
  const givers: [string, OrderOff][] = [
    ['peer: ipmitool alone', (_node, { sim }) => ipmitoolOff(sim)],
    ...sessions.map((how, kept): [string, OrderOff] => [`our driver alone${how}`, driverWith(kept * KEEP_MS)]),
    ['an order, which reads the node first', (node) => orderOff(node, fleet)],
  ];
  const rows = givers.map(([what, give]) => ({ what: `ipmi, ${transport}: ${what}`, give, times: [] as number[] }));
  for (let count = 0; count < ORDERS; count += 1) {
    const [node, bmc] = bmcs[count % NODES] as [string, Bmc];
    for (const { give, times } of rows) {
      times.push(await untilReceived('off', bmc, () => give(node, bmc), fleet.signal));
      await bmc.sim.setPower('power on');
    }
  }
  const [peer] = rows;
  return rows.map(({ what, times }) => ({ what, times, ...(times === peer?.times ? {} : { peer }) }));
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

async function ipmitoolOff({ address, port, username, password }: IpmiSim): Promise<void> {
  const words = ['-I', 'lanplus', '-C', '3', '-H', address, '-p', String(port), '-U', username, '-E', 'power', 'off'];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, IPMI_PASSWORD: password };
  const [code] = await once(spawn('ipmitool', words, { env, stdio: 'ignore' }), 'close');
  if (code !== 0) throw new Error(`ipmitool ended with ${code}`);
}
