/** Power state and self-test over an iRMC's Redfish, for iRMCs without SNMP and IPMI over LAN (S6 comes so). */
import * as z from 'zod';
import { CountermandError, fail } from '../../core/errors.ts';
import { guidFrom } from '../../core/guid.ts';
import type { Reading } from '../../core/power.ts';
import { jsonOf } from '../https.ts';
import { exchange, type HttpParts } from './http.ts';
import { type IrmcInfo, irmcName } from './info.ts';

/** Where a GUID was read, as `guid.ts` has it. */
export const REDFISH = 'redfish';

const SYSTEM = '/redfish/v1/Systems/0';

const system = z.object({ PowerState: z.string() });
const named = z.object({ UUID: z.string() });
const selfTest = z.object({ IsBiosInPostPhase: z.boolean() });
/** The maker has changed its name. */
const bios = z.object({ Oem: z.union([z.object({ ts_fujitsu: selfTest }), z.object({ Fsas: selfTest })]) });

/** A server that goes on or off is what it leaves, and on its way out of it: it has arrived nowhere. */
const READINGS: Readonly<Record<string, Reading>> = {
  On: { powerState: 'power on' },
  PoweringOff: { powerState: 'power on', host: 'stopping' },
  Off: { powerState: 'power off' },
  PoweringOn: { powerState: 'power off', host: 'starting' },
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
    jsonOf(await exchange(info, { method: 'GET', path, order: false, timeoutMs }, parts, signal));
  const page = await get(SYSTEM);
  const guid = guidOf(page);
  const parsed = system.safeParse(page);
  const known = parsed.success ? READINGS[parsed.data.PowerState] : undefined;
  if (known === undefined)
    throw fail('BMC_GARBLED', `the Redfish of the iRMC ${irmcName(info)} has no power state that is on or off`);
  const reading = { ...known, guid };
  if (reading.powerState === 'power off' || reading.host !== undefined) return reading;
  const inSelfTest = await get(`${SYSTEM}/Bios`).then(isInSelfTest, (error: unknown) => {
    // Older firmware has no such page. Whatever else is wrong, the power state is known.
    if (error instanceof CountermandError && error.code.startsWith('BMC_')) return false;
    throw error;
  });
  return inSelfTest ? { ...reading, host: 'starting' } : reading;
}

/** The UUID of the system, where it has one that proves something. IPMI may say the same one in another order of bytes. */
function guidOf(page: unknown): string | undefined {
  const parsed = named.safeParse(page);
  return parsed.success ? guidFrom(parsed.data.UUID, REDFISH) : undefined;
}

function isInSelfTest(page: unknown): boolean {
  const parsed = bios.safeParse(page);
  if (!parsed.success) return false;
  const { Oem: oem } = parsed.data;
  return 'Fsas' in oem ? oem.Fsas.IsBiosInPostPhase : oem.ts_fujitsu.IsBiosInPostPhase;
}
