/** Clients that read the power state of Redfish services: ours, python3-sushy and redfishtool. Each checks what it was told. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError, fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { createRedfishDriver } from '../../src/drivers/redfish/driver.ts';
import { WrongAnswers } from '../ipmi/answers.ts';
import type { Measured } from '../ipmi/measured.ts';
import { forgetPeakMemory, peakMemoryMbOf } from '../ipmi/processes.ts';
import type { RedfishGround } from './fleet.ts';

const SUSHY = fileURLToPath(new URL('./sushy_status.py', import.meta.url));
const ENOUGH = fail('CALL_ENDED', 'all that answer have answered');

/** Adds how many connections were opened for each BMC that answered. */
async function counting(hung: number, ground: RedfishGround, work: () => Promise<Measured>): Promise<Measured> {
  const before = await ground.set(hung);
  const measured = await work();
  const opened = (await ground.set(hung)) - before;
  return { ...measured, remark: `${(opened / measured.operations).toFixed(1)} connections for each` };
}

function mustBeOn(what: string, said: ReadonlyMap<string, string>, places: readonly string[], right: string): number {
  const wrong = places.filter((place) => said.get(place) !== right);
  if (wrong.length === 0) return places.length;
  const [first = ''] = wrong;
  throw new WrongAnswers(
    `${what}: ${wrong.length} of ${places.length} did not say '${right}', but '${said.get(first)}'`,
  );
}

/** Our driver in this process, all at once; `passes` after one that finds the Systems. It does not wait for those that hang. */
export async function ourStatus(hung: number, ground: RedfishGround): Promise<Measured> {
  const { places, username, password, signal } = ground;
  const driver = createRedfishDriver({ clock: systemClock });
  const bmcs = places.map((place) => {
    const login = { redfish_username: username, redfish_password: password, redfish_verify_ca: 'false' };
    return { place, bmc: driver.parse({ redfish_address: `https://${place}`, ...login }) };
  });
  const what = 'ours, the driver alone';
  const pass = async (silent: number): Promise<Measured> => {
    const said = new Map<string, string>();
    const cancellation = openCancellation([signal]);
    const [cpu, startedAt] = [process.cpuUsage(), systemClock.monotonic()];
    const calls = bmcs.map(async ({ place, bmc }) => {
      // Each question has a signal of its own, as in the agent.
      const own = openCancellation([cancellation.signal]);
      const reading = driver.getPowerState(bmc, own.signal);
      const word = await reading.then(
        ({ powerState }) => powerState,
        (error) => asCountermandError(error).code,
      );
      own.end();
      said.set(place, word);
    });
    await Promise.all(calls.slice(silent));
    const wallMs = systemClock.monotonic() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    const operations = mustBeOn(what, said, places.slice(silent), 'power on');
    cancellation.abort(ENOUGH);
    await Promise.all(calls);
    return {
      what,
      operations,
      wallMs,
      cpuMs: (user + system) / 1000,
      peakMemoryMb: await peakMemoryMbOf([process.pid]),
    };
  };
  try {
    await ground.set(0);
    await pass(0);
    await forgetPeakMemory(process.pid);
    return await counting(hung, ground, () => pass(hung));
  } finally {
    driver.close();
  }
}

/** python3-sushy, one process with this number of threads. The time is that of the last good answer; the cost is that of the process. */
export function sushyStatus(atOnce: number, hung: number, ground: RedfishGround): Promise<Measured> {
  const { places, username, password, folder, run } = ground;
  const what = `python3-sushy, ${atOnce} threads`;
  return counting(hung, ground, async () => {
    const file = join(folder, 'places');
    await writeFile(file, places.map((place) => `${place}\n`).join(''));
    const metered = await run([
      '/usr/bin/python3',
      SUSHY,
      String(atOnce),
      String(places.length - hung),
      file,
      username,
      password,
    ]);
    const lines = metered.stdout.split('\n').map((line) => line.split(' ') as [string, string, string]);
    const said = new Map(lines.map(([place, word]) => [place, word]));
    const operations = mustBeOn(`${what}${metered.stderr.slice(0, 200)}`, said, places.slice(hung), 'On');
    const good = lines.filter(([, word]) => word === 'On').map(([, , ms]) => Number(ms));
    const wallMs = hung === 0 ? metered.wallMs : Math.max(...good);
    return { what, operations, wallMs, cpuMs: metered.cpuMs, peakMemoryMb: metered.memoryMb };
  });
}

/** redfishtool, one process for each of some BMCs. Its memory is that of the largest process, times `parallel`. */
export function redfishtoolStatus(parallel: number, sample: number, ground: RedfishGround): Promise<Measured> {
  const { places, username, password, folder, run } = ground;
  const what = `redfishtool, ${parallel} at once`;
  return counting(0, ground, async () => {
    const file = join(folder, 'sample');
    await writeFile(
      file,
      places
        .slice(0, sample)
        .map((place) => `${place}\n`)
        .join(''),
    );
    const login = ['-u', username, '-p', password, '-S', 'Always', '-A', 'Basic'];
    const asked = ['Systems', '-I', '1', '-P', 'PowerState', 'get'];
    const each = ['redfishtool', '-r', 'PLACE', ...login, ...asked];
    const metered = await run(['xargs', '-a', file, '-P', String(parallel), '-I', 'PLACE', ...each]);
    const operations = [...metered.stdout.matchAll(/"PowerState": "On"/g)].length;
    if (operations !== sample)
      throw new WrongAnswers(`${what}: ${operations} of ${sample} said 'On': ${metered.stderr.slice(0, 200)}`);
    const { wallMs, cpuMs, memoryMb } = metered;
    return { what, operations, wallMs, cpuMs, peakMemoryMb: memoryMb * parallel };
  });
}
