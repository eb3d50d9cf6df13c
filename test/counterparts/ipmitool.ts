/** ipmitool (Debian: ipmitool), asked directly. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestedIrmc } from './sim_irmc.ts';
import { WAIT_S } from './waits.ts';

/** Asks an iRMC, and waits for each answer for as long as it takes. Resolves with what it says, on stdout or of its failure; the password goes by the environment. */
export const askWithIpmitool = (irmc: TestedIrmc, ...command: readonly string[]): Promise<string> =>
  ask(irmc, WAIT_S.forAnswer, command);

/** The same of one that says nothing. */
export const askSilentWithIpmitool = (irmc: TestedIrmc, ...command: readonly string[]): Promise<string> =>
  ask(irmc, WAIT_S.forSilence, command);

async function ask({ irmc, address, ports }: TestedIrmc, waitS: number, command: readonly string[]): Promise<string> {
  const { username, password } = irmc.parts.login;
  const how = ['-I', 'lanplus', '-C', '17', '-H', address, '-p', String(ports.ipmi), '-U', username, '-E'];
  const args = [...how, '-N', String(waitS), '-R', '1', ...command];
  const env = { ...process.env, IPMI_PASSWORD: password };
  try {
    return (await promisify(execFile)('ipmitool', args, { env })).stdout.trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`.trim();
  }
}
