/** The driver_info of the driver `ipmi`: Ironic's keys and their rules. */
import * as z from 'zod';
import { addressSchema, bmcOf, hostAndPort, portSchema } from '../address.ts';

const bytesAtMost = (limit: number) =>
  z
    .string()
    .refine((text) => Buffer.byteLength(text) <= limit, `must be at most ${limit} bytes, as IPMI has no more`)
    .refine((text) => !text.includes('\0'), 'must not contain a zero byte');

const cipherSuite = z.enum(['3', '17'], {
  error: 'must be 3 or 17: suite 0 lets anybody in without the password, and the others are weak or not in use',
});

/** A K_g has 20 bytes (IPMI 2.0 section 22.25); a shorter one is filled up with zeros, so zeros at the end say nothing. */
const hexKgKey = z
  .string()
  .regex(/^([0-9a-f]{2}){1,20}$/i, 'must be 1 to 20 bytes in hexadecimal, two digits each')
  .transform((hex) => Buffer.from(hex.replace(/(00)+$/, ''), 'hex'));

/** What ipmitool cannot do. */
const KEY_FOR_IPMITOOL =
  'must not contain a zero byte before its end: ipmitool takes such a key on its command line only, where every user of ' +
  'the system can read it; give the BMC a key without zero bytes, or leave ipmi_transport out';

/** The schema of driver_info. Secrets are marked `writeOnly`. */
export const ipmiSchema = z
  .strictObject({
    ipmi_address: addressSchema.describe('Where the BMC is: an IPv4 address, an IPv6 address, or a host name.'),
    ipmi_port: portSchema.prefault('623').describe('Its UDP port, 1 to 65535.'),
    ipmi_username: bytesAtMost(16).default('').describe('The BMC user, at most 16 bytes; none is the anonymous user.'),
    ipmi_password: bytesAtMost(20)
      .default('')
      .meta({ writeOnly: true, description: 'The password of the BMC user, at most 20 bytes.' }),
    ipmi_priv_level: z
      .enum(['ADMINISTRATOR', 'OPERATOR', 'USER', 'CALLBACK'], {
        error: 'must be ADMINISTRATOR, OPERATOR, USER or CALLBACK',
      })
      .default('ADMINISTRATOR')
      .describe('The privilege level to ask for; power orders need OPERATOR.'),
    ipmi_cipher_suite: cipherSuite
      .optional()
      .describe('The RMCP+ cipher suite. Without it 17 is tried first, and 3 if the BMC refuses 17.'),
    ipmi_hex_kg_key: hexKgKey
      .optional()
      .meta({ writeOnly: true, description: 'The BMC key K_g in hexadecimal, at most 20 bytes, if the BMC has one.' }),
    ipmi_transport: z
      .enum(['native', 'ipmitool'], { error: 'must be native or ipmitool' })
      .default('native')
      .describe('Who speaks to the BMC: we do, or ipmitool, for a BMC that only ipmitool can talk to.'),
  })
  .refine((info) => info.ipmi_transport === 'native' || !info.ipmi_hex_kg_key?.includes(0), {
    path: ['ipmi_hex_kg_key'],
    error: KEY_FOR_IPMITOOL,
  });

/** A checked driver_info. */
export type IpmiInfo = z.infer<typeof ipmiSchema>;

/** How a BMC is named in messages: address and port. */
export function bmcName(info: IpmiInfo): string {
  return hostAndPort(info.ipmi_address, info.ipmi_port);
}

/** The same for the same BMC: its address in normal form, and its port. */
export function bmcKey(info: IpmiInfo): string {
  return `ipmi://${bmcName(info)}`;
}

/** The UDP port of IPMI. */
const USUAL_PORT = 623;

/** Where a BMC with this IP address is. */
export function ipmiPlace(address: string, port: number): string {
  return bmcOf(address, port, USUAL_PORT);
}
