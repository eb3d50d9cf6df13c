/** Power state and self-test over an iRMC's Redfish, for iRMCs without SNMP and IPMI over LAN (S6 comes so). */
import { z } from 'zod';
import { CountermandError, fail } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { exchange, type HttpParts } from './http.ts';
import { type IrmcInfo, irmcName } from './info.ts';

const SYSTEM = '/redfish/v1/Systems/0';

const system = z.object({ PowerState: z.string() });
const selfTest = z.object({ IsBiosInPostPhase: z.boolean() });
/** The maker has changed its name. */
const bios = z.object({ Oem: z.union([z.object({ ts_fujitsu: selfTest }), z.object({ Fsas: selfTest })]) });

/** A server that goes on or off is not there yet: it is what it leaves. */
const POWER_STATES: Readonly<Record<string, Reading['powerState']>> = {
  On: 'power on',
  PoweringOff: 'power on',
  Off: 'power off',
  PoweringOn: 'power off',
};

/**
 * Reads the power state.
 * @throws a BMC_ code; at an abort its reason
 */
export async function readOverRedfish(
  info: IrmcInfo,
  timeoutMs: number,
  parts: HttpParts,
  signal: AbortSignal,
): Promise<Reading> {
  const get = async (path: string): Promise<unknown> =>
    json(await exchange(info, { method: 'GET', path, order: false, timeoutMs }, parts, signal));
  const parsed = system.safeParse(await get(SYSTEM));
  const powerState = parsed.success ? POWER_STATES[parsed.data.PowerState] : undefined;
  if (powerState === undefined)
    throw fail('BMC_GARBLED', `the Redfish of the iRMC ${irmcName(info)} has no power state that is on or off`);
  if (powerState === 'power off') return { powerState };
  const inSelfTest = await get(`${SYSTEM}/Bios`).then(isInSelfTest, (error: unknown) => {
    // Older firmware has no such page. Whatever else is wrong, the power state is known.
    if (error instanceof CountermandError && error.code.startsWith('BMC_')) return false;
    throw error;
  });
  return inSelfTest ? { powerState, host: 'starting' } : { powerState };
}

function isInSelfTest(page: unknown): boolean {
  const parsed = bios.safeParse(page);
  if (!parsed.success) return false;
  const { Oem: oem } = parsed.data;
  return 'Fsas' in oem ? oem.Fsas.IsBiosInPostPhase : oem.ts_fujitsu.IsBiosInPostPhase;
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
