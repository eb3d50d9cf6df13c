/** Ten thousand sessions over real sockets: no socket, no listener, no timer and no memory is left. */
import { getEventListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { systemChance } from '../../../src/core/chance.ts';
import { othersFirst } from '../../../src/core/clock.ts';
import { getChassisStatus } from '../../../src/drivers/ipmi/rmcp/commands.ts';
import { DEFAULT_LIMITS, Pool } from '../../../src/drivers/ipmi/rmcp/pool.ts';
import { openUdp } from '../../../src/drivers/ipmi/rmcp/udp.ts';
import { PatientClock } from '../../counterparts/patient_clock.ts';
import { never } from '../../counterparts/signals.ts';
import { newSimBmc } from '../../counterparts/sim_bmc.ts';
import { targetOf } from './wire.ts';

const SESSIONS = 10_000;
const AT_ONCE = 20;
/** What a warm process may differ by from one moment to another. */
const NOISE_BYTES = 4 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory that is in use when all garbage is gone. */
async function heapUsed(): Promise<number> {
  for (let round = 0; round < 3; round += 1) await othersFirst();
  collect();
  return process.memoryUsage().heapUsed;
}

const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

/** Ends a hang. */
const HANG_MS = 30 * 60_000;

test('ten thousand sessions leave nothing', async (t) => {
  t.timeout(HANG_MS);
  const bmcs = await Promise.all(Array.from({ length: AT_ONCE }, () => newSimBmc(t)));
  const random = (count: number): Buffer => systemChance.bytes(count);
  const limits = { ...DEFAULT_LIMITS, keepSessionMs: 0 };
  const pool = new Pool({
    transport: openUdp((action) => void othersFirst().then(action)),
    // Nothing is asked twice, however slow all this is: each session costs the same.
    clock: new PatientClock(),
    random,
    limits,
  });
  const signal = never();
  const readAll = async (times: number): Promise<void> => {
    for (let round = 0; round < times; round += 1)
      await Promise.all(
        bmcs.map(({ address, port }) => pool.run({ ...targetOf(address), port }, getChassisStatus, signal)),
      );
  };
  await readAll(SESSIONS / AT_ONCE / 10);
  for (const { bmc } of bmcs) bmc.received.splice(0);
  const before = { files: await openFiles(), heap: await heapUsed() };
  await readAll(SESSIONS / AT_ONCE);
  t.is(bmcs[0]?.bmc.received.length, SESSIONS / AT_ONCE);
  for (const { bmc } of bmcs) bmc.received.splice(0);
  await pool.run({ ...targetOf(bmcs[0]?.address ?? ''), port: bmcs[0]?.port ?? 0 }, getChassisStatus, signal);
  t.is(pool.sessions, 0);
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.true((await openFiles()) <= before.files + 1);
  const grown = (await heapUsed()) - before.heap;
  t.true(grown < NOISE_BYTES, `the heap has grown by ${Math.round(grown / 1024)} KiB`);
  t.log(`the heap has grown by ${Math.round(grown / 1024)} KiB`);
  pool.close();
});
