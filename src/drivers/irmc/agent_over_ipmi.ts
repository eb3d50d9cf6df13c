/**
 * What an iRMC says over IPMI: on and off, and by Fujitsu's own commands (IANA 10368, "80 28 00"; iRMC S4/S5 User Guide,
 * "OEM-specific IPMI commands") whether the ServerView agent is connected and whether the server is in its self-test.
 */
import { CountermandError } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { bindAs } from '../bounds.ts';
import { type IpmiInfo, ipmiSchema } from '../ipmi/info.ts';
import type { NativeIpmi } from '../ipmi/native.ts';
import { type Command, rawCommand } from '../ipmi/rmcp/commands.ts';
import type { Logins } from '../logins.ts';
import { accountOf } from './accounts.ts';
import type { IrmcInfo } from './info.ts';

/** Fujitsu's number, the least significant byte first. */
const IANA = [0x80, 0x28, 0x00];
const OEM_NET_FN = 0x2e;

/** What looking over IPMI needs. */
interface LookParts {
  readonly ipmi: NativeIpmi;
  readonly logins: Logins;
}

/** What can be seen of the server over IPMI. */
export interface SeenOverIpmi {
  readonly reading: Reading;
  /** The ServerView agent is connected; null if the iRMC does not say. */
  readonly agent: boolean | null;
}

const oem = (command: number, data: readonly number[], name: string): Command<Buffer> =>
  rawCommand(OEM_NET_FN, command, Buffer.from([...IANA, ...data]), { name, idempotent: true });

/** 0x2E 02 .. 08, Agent Connect Status: 01 and 00, or 01. */
const AGENT_STATUS = oem(0x02, [0x08], 'Agent Connect Status');
/** 0x2E F5 .. 10, System Status; the time after it is about notifications only. Bit 0: in self-test. */
const SYSTEM_STATUS = oem(0xf5, [0x10, 0, 0, 0, 0], 'System Status');

const infos = new WeakMap<IrmcInfo, IpmiInfo | null>();

/** How IPMI reaches an iRMC: null if its user or password is longer than IPMI has room for. */
function ipmiInfoOf(info: IrmcInfo): IpmiInfo | null {
  const known = infos.get(info);
  if (known !== undefined) return known;
  const parsed = ipmiSchema.safeParse({
    ipmi_address: info.irmc_address,
    ipmi_port: String(info.irmc_ipmi_port),
    ipmi_username: info.irmc_username,
    ipmi_password: info.irmc_password,
    ...(info.irmc_ipmi_cipher_suite !== undefined && { ipmi_cipher_suite: info.irmc_ipmi_cipher_suite }),
  });
  const made = parsed.success ? parsed.data : null;
  if (made !== null) bindAs(info, made);
  infos.set(info, made);
  return made;
}

/**
 * Looks at the server over IPMI. `address` is where its name leads now.
 * @returns null if the login does not fit into IPMI
 * @throws a BMC_ code; at an abort its reason
 */
export async function lookOverIpmi(
  info: IrmcInfo,
  address: string,
  { ipmi, logins }: LookParts,
  signal: AbortSignal,
): Promise<SeenOverIpmi | null> {
  const login = ipmiInfoOf(info);
  if (login === null) return null;
  return logins.attempt(accountOf(info, address, 'IPMI'), () => look(login, ipmi, signal));
}

async function look(login: IpmiInfo, ipmi: NativeIpmi, signal: AbortSignal): Promise<SeenOverIpmi> {
  const power = await ipmi.read(login, signal);
  if (power.powerState === 'power off') return { reading: power, agent: false };
  const agent = agentOf(await askOem(login, AGENT_STATUS, ipmi, signal));
  if (agent === true) return { reading: { ...power, host: 'running' }, agent };
  const status = await askOem(login, SYSTEM_STATUS, ipmi, signal);
  const selfTest = status !== null && ((status[IANA.length] ?? 0) & 1) === 1;
  return { reading: selfTest ? { ...power, host: 'starting' } : power, agent };
}

/** @returns null where the iRMC has no such command, or answers something that is none */
async function askOem(
  login: IpmiInfo,
  command: Command<Buffer>,
  ipmi: NativeIpmi,
  signal: AbortSignal,
): Promise<Buffer | null> {
  try {
    const answer = await ipmi.ask(login, command, signal);
    return answer.subarray(0, IANA.length).equals(Buffer.from(IANA)) ? answer : null;
  } catch (error) {
    if (error instanceof CountermandError && REFUSALS.includes(error.code)) return null;
    throw error;
  }
}

const REFUSALS: readonly string[] = ['BMC_REFUSED', 'BMC_WRONG_STATE', 'BMC_PRIVILEGE_TOO_LOW'];

/** The answer is one byte that says how many follow, and the state. */
function agentOf(answer: Buffer | null): boolean | null {
  const [length, state] = answer?.subarray(IANA.length) ?? [];
  return length === 1 && (state === 0 || state === 1) ? state === 1 : null;
}
