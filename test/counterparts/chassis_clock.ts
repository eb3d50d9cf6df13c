import { rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Gives the chassis of an ipmi_sim, whose folder this is, a clock of its own, which stands at a number of seconds since the start
 * of the system.
 */
export async function setUptime(folder: string, seconds: string): Promise<void> {
  await writeFile(join(folder, 'uptime.tmp'), `${seconds} 0.00\n`);
  await rename(join(folder, 'uptime.tmp'), join(folder, 'uptime'));
}

/** Gives it the clock of the system again. */
export async function resetUptime(folder: string): Promise<void> {
  await symlink('/proc/uptime', join(folder, 'uptime.tmp'));
  await rename(join(folder, 'uptime.tmp'), join(folder, 'uptime'));
}
