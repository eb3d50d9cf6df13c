/** An order dies with the process that gives it: it is not sent later, and never a second time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { eventually } from '../counterparts/eventually.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { newUdpProxy } from '../counterparts/udp_proxy.ts';

const GIVE_ORDER = fileURLToPath(new URL('./fixtures/give_order.ts', import.meta.url));
const driver = newIpmiDriver();
test.after.always(() => driver.close());

function giveOrder(t: ExecutionContext, info: DriverInfo): ChildProcess {
  const child = spawn(process.execPath, [GIVE_ORDER, JSON.stringify(info), 'soft power off'], { stdio: 'inherit' });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess, port: number): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
  await eventually('its ipmitool to be gone', async () => (await processesWith('ipmitool', String(port))).length === 0);
}

const softsAt = async (sim: IpmiSim): Promise<number> =>
  (await sim.received()).filter((command) => command === 'soft').length;

/** When this has been answered, all that was sent before it has been carried out. */
async function afterAReading(sim: IpmiSim): Promise<number> {
  const bmc = driver.parse(infoOf(sim));
  await eventually('the BMC to answer', () =>
    driver.getPowerState(bmc, never()).then(
      () => true,
      () => false,
    ),
  );
  return softsAt(sim);
}

/** After so many answers no order has been sent yet: of its own questions, ipmitool has more. */
const ANSWERED: Readonly<Record<IpmiTransport, readonly number[]>> = { native: [1, 2, 3], ipmitool: [1, 2, 5, 9] };

for (const transport of IPMI_TRANSPORTS) {
  const through = { ipmi_transport: transport };
  test(`${transport}, killed while the BMC is silent: nothing arrives`, async (t) => {
    const sim = await newIpmiSim(t);
    let asked = 0;
    const port = await newUdpProxy(t, sim, () => {
      asked += 1;
      return null;
    });
    const child = giveOrder(t, { ...infoOf(sim), ...through, ipmi_port: String(port) });
    await eventually('the BMC to be asked for', () => asked > 0);
    await kill(child, port);
    t.is(await afterAReading(sim), 0);
  });

  for (const answers of ANSWERED[transport]) {
    test(`${transport}, killed when the BMC has answered ${answers} times: nothing arrives`, async (t) => {
      const sim = await newIpmiSim(t);
      let asked = 0;
      const port = await newUdpProxy(t, sim, (answer, number) => {
        asked = number;
        return number <= answers ? answer : null;
      });
      const child = giveOrder(t, { ...infoOf(sim), ...through, ipmi_port: String(port) });
      await eventually('the next question', () => asked > answers);
      await kill(child, port);
      t.is(await afterAReading(sim), 0);
    });
  }

  test(`${transport}, killed while the BMC holds the order: it has it once`, async (t) => {
    const sim = await newIpmiSim(t, { holds: true, softOffDelayS: 'never' });
    const child = giveOrder(t, { ...infoOf(sim), ...through });
    await sim.untilReceived('soft', 1, never());
    await kill(child, sim.port);
    await sim.configure({ holds: false });
    t.is(await afterAReading(sim), 1);
  });
}
