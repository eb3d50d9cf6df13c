/** An order dies with the process that gives it: it is not sent later, and never a second time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { eventually } from '../counterparts/eventually.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, sharedIpmiSims } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { newUdpProxy } from '../counterparts/udp_proxy.ts';

const GIVE_ORDERS = fileURLToPath(new URL('./fixtures/give_orders.ts', import.meta.url));
/** The tests run one after the other, so that one has enough of them. */
const borrowSim = sharedIpmiSims(6);
const driver = newIpmiDriver({ clock: new PatientClock() });
test.after.always(() => driver.close());

/** An order that has come so far when its giver is killed. */
interface Stage {
  readonly what: string;
  readonly sim: IpmiSim;
  readonly info: DriverInfo;
  /** True when it has come so far. */
  readonly reached: () => boolean | Promise<boolean>;
  /** How often the BMC has the order when all is over. */
  readonly arrives: number;
}

/** The BMC has given a number of answers, and the next one is lost. */
async function afterAnswers(t: ExecutionContext, answers: number): Promise<Stage> {
  const sim = await borrowSim(t);
  let given = 0;
  const port = await newUdpProxy(t, sim, (answer, number) => {
    given = number;
    return number <= answers ? answer : null;
  });
  const what = `when the BMC has answered ${answers} times`;
  return { what, sim, info: { ...infoOf(sim), ipmi_port: String(port) }, reached: () => given > answers, arrives: 0 };
}

/** The BMC has the order and does not answer it. */
async function whileItIsHeld(t: ExecutionContext): Promise<Stage> {
  const sim = await borrowSim(t, { holds: true, softOffDelayS: 'never' });
  const what = 'while the BMC holds the order';
  return { what, sim, info: infoOf(sim), reached: async () => (await softsAt(sim)) === 1, arrives: 1 };
}

const softsAt = async (sim: IpmiSim): Promise<number> =>
  (await sim.received()).filter((command) => command === 'soft').length;

/** When this has been answered, all that was sent before it has been carried out. */
const read = (sim: IpmiSim) => driver.getPowerState(driver.parse(infoOf(sim)), never());

/** After how many answers no order has been sent yet: of its own questions, ipmitool has more. With 0 the BMC is silent. */
const ANSWERED: Readonly<Record<IpmiTransport, readonly number[]>> = {
  native: [0, 1, 2, 3],
  ipmitool: [0, 1, 2, 5, 9],
};

for (const transport of IPMI_TRANSPORTS)
  test.serial(
    `${transport}: nothing arrives after the giver is killed, and what has arrived is there once`,
    async (t) => {
      const answered = ANSWERED[transport].map((answers) => afterAnswers(t, answers));
      const stages = await Promise.all([...answered, whileItIsHeld(t)]);
      const infos = stages.map(({ info }) => JSON.stringify({ ...info, ipmi_transport: transport }));
      const giver = spawn(process.execPath, [GIVE_ORDERS, ...infos], { stdio: 'inherit' });
      t.teardown(() => giver.kill('SIGKILL'));
      for (const { what, reached } of stages) await eventually(what, reached);
      giver.kill('SIGKILL');
      await once(giver, 'close');
      for (const { what, sim, info, arrives } of stages) {
        const ipmitools = () => processesWith('ipmitool', info.ipmi_port ?? '', sim.address);
        await eventually('its ipmitool to be gone', async () => (await ipmitools()).length === 0);
        await sim.configure({ holds: false });
        await read(sim);
        t.is(await softsAt(sim), arrives, what);
      }
    },
  );
