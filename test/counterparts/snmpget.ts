/** Net-SNMP's own client (Debian: snmp). What is secret goes by a file of its configuration. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { newFolder } from './folder.ts';
import type { TestedIrmc } from './sim_irmc.ts';
import { WAIT_S } from './waits.ts';

/** Which program asks, and how long it waits, in seconds. */
export interface SnmpAsking {
  readonly program?: 'snmpget' | 'snmpset' | 'snmpwalk';
  readonly waitS?: number;
}

/** How it asks: the lines of `snmp.conf`. */
export type SnmpConfiguration = Readonly<Record<string, string>>;

/** Lines for the user of v3. */
export function asUser({ irmc }: TestedIrmc, more: SnmpConfiguration = {}): SnmpConfiguration {
  const { user } = irmc.parts.snmp;
  return {
    defVersion: '3',
    defSecurityLevel: 'authPriv',
    defSecurityName: user?.name ?? '',
    defAuthType: (user?.authProtocol ?? '').toUpperCase().replace(/^SHA(\d)/, 'SHA-$1'),
    defAuthPassphrase: user?.authPassword ?? '',
    defPrivType: 'AES',
    defPrivPassphrase: user?.privPassword ?? '',
    ...more,
  };
}

/** Lines for the community of v1 (`1`) and v2c (`2c`). */
export function asCommunity({ irmc }: TestedIrmc, version: '1' | '2c', community?: string): SnmpConfiguration {
  return { defVersion: version, defCommunity: community ?? irmc.parts.snmp.community ?? '' };
}

/**
 * Asks once for objects, by their numbers, and waits up to `waitS` for the answer. Resolves with a line for each value, type and
 * value; or with what it says about a failure.
 */
export async function snmpget(
  t: ExecutionContext,
  { address, ports }: TestedIrmc,
  configuration: SnmpConfiguration,
  oids: readonly string[],
  { program = 'snmpget', waitS = WAIT_S.forAnswer }: SnmpAsking = {},
): Promise<string> {
  const folder = await newFolder(t);
  const lines = Object.entries(configuration).map(([name, value]) => `${name} ${value}\n`);
  await writeFile(join(folder, 'snmp.conf'), lines.join(''));
  const args = ['-t', String(waitS), '-r', '0', '-Oqn', '-OT', '-On', `${address}:${ports.snmp}`, ...oids];
  const env = { ...process.env, SNMPCONFPATH: folder, SNMP_PERSISTENT_DIR: folder, MIBS: '' };
  try {
    const { stdout } = await promisify(execFile)(program, args, { env });
    return stdout.trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`.trim();
  }
}
