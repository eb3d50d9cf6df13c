/** ipmitool (Debian: ipmitool), asked directly. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestedIrmc } from './sim_irmc.ts';

/** Asks an iRMC. Resolves with what it says, on stdout or of its failure; the password goes by the environment. */
export async function askWithIpmitool(
  { irmc, address, ports }: TestedIrmc,
  ...command: readonly string[]
): Promise<string> {
  const { username, password } = irmc.parts.login;
  const how = ['-I', 'lanplus', '-C', '17', '-H', address, '-p', String(ports.ipmi), '-U', username, '-E'];
  const args = [...how, '-N', '1', '-R', '1', ...command];
  const env = { ...process.env, IPMI_PASSWORD: password };
  try {
    return (await promisify(execFile)('ipmitool', args, { env })).stdout.trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`.trim();
  }
}
