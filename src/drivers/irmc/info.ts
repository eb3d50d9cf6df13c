/** The driver_info of the driver `irmc`: Ironic's keys and their rules. */
import * as z from 'zod';
import { addressSchema, bmcOf, hostAndPort, portSchema } from '../address.ts';
import type { Reach } from '../bounds.ts';

const text = (what: string) => z.string().min(1, `must not be empty: it is ${what}`);

const clientTimeout = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'must be a number of seconds, 1 to 999')
  .transform(Number);

/** RFC 3414 section 11.2: a key is made from a password of at least eight bytes. */
const snmpPassword = (whose: string) =>
  z
    .string()
    .min(8, 'must be at least 8 characters, as SNMPv3 has it')
    .optional()
    .meta({ writeOnly: true, description: `The SNMPv3 ${whose} password, at least 8 characters.` });

/** What only SNMP needs, and whether it is there, decides how the end of an order is seen. */
const SNMP_KEYS = ['irmc_snmp_version', 'irmc_snmp_port', 'irmc_snmp_community', 'irmc_snmp_user'] as const;
const SNMP_V3_KEYS = ['irmc_snmp_user', 'irmc_snmp_auth_password', 'irmc_snmp_priv_password'] as const;

/** The schema of driver_info. Secrets are marked `writeOnly`. */
export const irmcSchema = z
  .strictObject({
    irmc_address: addressSchema.describe('Where the iRMC is: an IPv4 address, an IPv6 address, or a host name.'),
    irmc_protocol: z
      .enum(['http', 'https'], { error: 'must be http or https' })
      .optional()
      .describe('How SCCI is spoken; without it https, or http if `irmc_port` is 80. With http all see the password.'),
    irmc_port: portSchema.optional().describe('Its port for SCCI, 1 to 65535; 443 without it, or 80 with http.'),
    irmc_username: text('the user').describe('A user with administrator privilege.'),
    irmc_password: text('the password').meta({ writeOnly: true, description: 'The password of the user.' }),
    irmc_auth_method: z
      .enum(['basic', 'digest'], { error: 'must be basic or digest' })
      .default('basic')
      .describe('How the user logs in over http or https.'),
    irmc_client_timeout: clientTimeout.prefault('60').describe('Seconds that one SCCI command may take.'),
    irmc_verify_ca: z
      .string()
      .min(1, 'must be true, false, or the name of a file or folder')
      .default('true')
      .describe(
        'Whose certificates are accepted: `true` for the authorities that Node.js knows, the name of a PEM file or of a ' +
          'folder of them below `bmc_ca_dir` of the agent, or `false` for any, which lets anybody in between read the password.',
      ),
    irmc_sensor_method: z
      .enum(['ipmitool', 'scci'], { error: 'must be ipmitool or scci' })
      .optional()
      .describe('Accepted as Ironic has it, and not used: nothing here reads sensors.'),
    irmc_snmp_version: z
      .enum(['v1', 'v2c', 'v3'], { error: 'must be v1, v2c or v3' })
      .optional()
      .describe('With this or another `irmc_snmp_` key, the boot status is read over SNMP; v2c unless it is said.'),
    irmc_snmp_port: portSchema.optional().describe('Its UDP port for SNMP; 161 without it.'),
    irmc_snmp_community: text('the community')
      .optional()
      .meta({ writeOnly: true, description: 'The community for v1 and v2c; `public` without it.' }),
    irmc_snmp_user: text('the SNMPv3 user').optional().describe('The SNMPv3 user.'),
    irmc_snmp_security: text('the SNMPv3 user').optional().describe('The old name of `irmc_snmp_user`.'),
    irmc_snmp_auth_password: snmpPassword('authentication'),
    irmc_snmp_priv_password: snmpPassword('privacy'),
    irmc_snmp_auth_proto: z
      .enum(['sha', 'sha256', 'sha384', 'sha512'], { error: 'must be sha, sha256, sha384 or sha512' })
      .default('sha')
      .describe('S4 and S5 know sha only; S6 knows the others only.'),
    irmc_snmp_priv_proto: z.enum(['aes'], { error: 'must be aes' }).default('aes').describe('iRMC knows aes only.'),
    irmc_ipmi_port: portSchema.prefault('623').describe('Its UDP port for IPMI, over which power and agent are read.'),
    irmc_ipmi_cipher_suite: z
      .enum(['3', '17'], { error: 'must be 3 or 17' })
      .optional()
      .describe('The RMCP+ cipher suite of IPMI. Without it 17 is tried first, and 3 if the iRMC refuses 17.'),
  })
  .superRefine((info, context) => {
    if (info.irmc_snmp_version !== 'v3') return;
    for (const key of SNMP_V3_KEYS) {
      const given = info[key] ?? (key === 'irmc_snmp_user' ? info.irmc_snmp_security : undefined);
      if (given === undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'is needed with irmc_snmp_version v3' });
    }
  });

/** A checked driver_info. */
export type IrmcInfo = z.infer<typeof irmcSchema>;

/** Where SCCI and Redfish are spoken. */
interface Endpoint {
  readonly protocol: 'http' | 'https';
  readonly port: number;
}

/** The endpoint of a driver_info, with what was left out. */
export function endpointOf({ irmc_protocol: protocol, irmc_port: port }: IrmcInfo): Endpoint {
  const spoken = protocol ?? (port === 80 ? 'http' : 'https');
  return { protocol: spoken, port: port ?? (spoken === 'http' ? 80 : 443) };
}

/** Where a driver_info leads, and how. */
export function reachOf(info: IrmcInfo): Reach {
  const { irmc_address: host, irmc_verify_ca: verify, irmc_auth_method: method } = info;
  if (endpointOf(info).protocol === 'https')
    return { host, dangers: verify === 'false' ? ['unverified_certificates'] : [] };
  return { host, dangers: method === 'basic' ? ['http', 'basic_over_http'] : ['http'] };
}

/** How the iRMC reads out over SNMP; null if no key says that it does. */
export type Snmp =
  | { readonly version: 'v1' | 'v2c'; readonly port: number; readonly community: string }
  | {
      readonly version: 'v3';
      readonly port: number;
      readonly user: string;
      readonly authPassword: string;
      readonly authProtocol: IrmcInfo['irmc_snmp_auth_proto'];
      readonly privacyPassword: string;
    };

/** The SNMP part of a driver_info. */
export function snmpOf(info: IrmcInfo): Snmp | null {
  if (SNMP_KEYS.every((key) => info[key] === undefined)) return null;
  const port = info.irmc_snmp_port ?? 161;
  const version = info.irmc_snmp_version ?? 'v2c';
  if (version !== 'v3') return { version, port, community: info.irmc_snmp_community ?? 'public' };
  return {
    version,
    port,
    user: info.irmc_snmp_user ?? info.irmc_snmp_security ?? '',
    authPassword: info.irmc_snmp_auth_password ?? '',
    authProtocol: info.irmc_snmp_auth_proto,
    privacyPassword: info.irmc_snmp_priv_password ?? '',
  };
}

/** Where an iRMC with this IP address is: its port is that of SCCI. */
export function irmcPlace(info: IrmcInfo, address: string): string {
  const { protocol, port } = endpointOf(info);
  return bmcOf(address, port, protocol === 'http' ? 80 : 443);
}

/** How an iRMC is named in messages: address and port. */
export function irmcName(info: IrmcInfo): string {
  return hostAndPort(info.irmc_address, endpointOf(info).port);
}

/** The same for the same iRMC: its address in normal form, and its port. */
export function irmcKey(info: IrmcInfo): string {
  return `irmc://${irmcName(info)}`;
}
