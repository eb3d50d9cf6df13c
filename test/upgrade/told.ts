/** What clients of a release are told after an upgrade. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { pretendReserve, QUICK } from '../e2e/house.ts';
import { type ConductorProcess, startConductorHere } from '../e2e/processes.ts';
import { type Answers, answersIn, answersOf, databaseOf, ReleasedClient, type Said } from './released.ts';

/** What is worked out anew with each answer, from the time and from which agents are there. */
const WORKED_OUT = ['possible', 'possible_orders'];

/** The name of a row among its kind. */
const keyOf = (row: Said): string => String(row.uuid ?? row.sequence ?? row.revision);

/** What the later answers do not tell as the earlier ones did, field by field; what only they have is not looked at. */
export function differences(before: Answers, after: Answers): string[] {
  return Object.entries(before).flatMap(([kind, rows]) => {
    const later = new Map(after[kind]?.map((row) => [keyOf(row), row]));
    return rows.flatMap((row) => {
      const now = later.get(keyOf(row));
      if (!now) return [`${kind} ${keyOf(row)} is gone`];
      return Object.keys(row)
        .filter((name) => !WORKED_OUT.includes(name) && JSON.stringify(row[name]) !== JSON.stringify(now[name]))
        .map((name) => `${kind} ${keyOf(row)}: ${name}: ${JSON.stringify(row[name])} -> ${JSON.stringify(now[name])}`);
    });
  });
}

/** A data folder as the conductor of a release left it. */
export async function folderOf(version: string, t: ExecutionContext): Promise<string> {
  const data = await newFolder(t);
  await pretendReserve(data);
  writeFileSync(join(data, 'countermand.db'), databaseOf(version), { mode: 0o600 });
  return data;
}

/** Starts a conductor of today. It has no agent, and its wall clock stands at the newest event of the release, so it changes nothing by itself. */
export function startUpgraded(version: string, data: string, t: ExecutionContext): Promise<ConductorProcess> {
  const then = Date.parse(String(answersIn(version).events?.at(-1)?.timestamp));
  const clock = { ...systemClock, now: () => then };
  return startConductorHere(t, { ...QUICK, listen: `${ownAddress()}:0`, data }, false, {}, [], clock);
}

/** What a client of the release is told otherwise than before the upgrade. */
export async function toldOtherwise(version: string, address: string): Promise<string[]> {
  const client = new ReleasedClient(version, address);
  try {
    return differences(answersIn(version), await answersOf(client));
  } finally {
    client.close();
  }
}
