/** A fleet as rows, for what is about its size. */
import type { Database } from '../../../src/server/store/database.ts';
import { World } from '../../world/world.ts';

/** Inserts this number of nodes that an agent with the driver `fake` has read, and answers their names, in order. */
export async function insertFleet(count: number, { read }: Pick<Database, 'read'>): Promise<string[]> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('model');
  const [row] = await world.database.read('nodes');
  await world.end();
  await world.database.close();
  const names = Array.from({ length: count }, (_, at) => `x${String(at).padStart(5, '0')}`);
  for (const [at, name] of names.entries()) {
    const uuid = `00000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`;
    await read('nodes').insert({ ...row, uuid, name, bmc_key: `key-${name}` });
  }
  return names;
}
