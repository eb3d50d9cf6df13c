/** The driver_info of the driver `redfish`: Ironic's keys and their rules. */
import { isIPv6 } from 'node:net';
import * as z from 'zod';
import { addressSchema, bmcOf, hostAndPort } from '../address.ts';
import type { Reach } from '../bounds.ts';
import type { Account } from '../logins.ts';

/** Where a Redfish service is. */
interface Endpoint {
  readonly protocol: 'http' | 'https';
  /** Host name or IP address, in normal form. */
  readonly host: string;
  readonly port: number;
  /** What stands before `/redfish/v1` in its paths: empty, or `/` and more. */
  readonly prefix: string;
}

const ADDRESS_RULE =
  'must be a host with or without port, such as bmc1.example, [2001:db8::7]:8443 or https://10.0.0.7, and perhaps a path';

/** Reads `redfish_address`; null if it is no address. */
function readAddress(text: string): Endpoint | null {
  const bare = isIPv6(text) ? `[${text}]` : text;
  const url = /^https?:\/\//i.test(bare) ? bare : `https://${bare}`;
  const hasOtherScheme = /:\/\//.test(bare) && url !== bare;
  if (hasOtherScheme || /[\s\\]/.test(text) || !URL.canParse(url)) return null;
  const { protocol, hostname, port, pathname, username, password } = new URL(url);
  const host = addressSchema.safeParse(hostname.replace(/^\[|\]$/g, ''));
  if (!host.success || username !== '' || password !== '' || /[?#@]/.test(url)) return null;
  const scheme = protocol === 'http:' ? 'http' : 'https';
  const prefix = pathname.replace(/\/+$/, '').replace(/\/redfish(\/v1)?$/, '');
  return { protocol: scheme, host: host.data, port: Number(port) || (scheme === 'http' ? 80 : 443), prefix };
}

const address = z
  .string()
  .transform((text, context): Endpoint => {
    const endpoint = readAddress(text);
    if (endpoint !== null) return endpoint;
    context.addIssue({ code: 'custom', message: ADDRESS_RULE });
    return z.NEVER;
  })
  .describe(
    'Where the Redfish service is: a URL, or a host with or without port; https unless `http://` is written out, which lets ' +
      'everybody on the way read the password.',
  );

const timeout = z
  .string()
  .regex(/^[1-9]\d{0,2}$/, 'must be a number of seconds, 1 to 999')
  .transform(Number);

/** True for an Id or a path that leads nowhere else. */
function isSystem(text: string): boolean {
  const isClean = text.length > 0 && text.length <= 512 && !/[\p{Cc}\\?#]/u.test(text);
  return isClean && !text.startsWith('//') && !text.split('/').some((part) => part === '.' || part === '..');
}

/** What OpenSSL takes for a list of ciphers. */
const CIPHERS = /^[A-Za-z0-9_!+@=:.-]{1,1000}$/;

/** The TLS versions that can be named, and what Node.js calls them. */
const TLS_VERSIONS = { '1.0': 'TLSv1', '1.1': 'TLSv1.1', '1.2': 'TLSv1.2', '1.3': 'TLSv1.3' } as const;

/** The schema of driver_info. The password is marked `writeOnly`. */
export const redfishSchema = z.strictObject({
  redfish_address: address,
  redfish_system_id: z
    .string()
    .refine(isSystem, 'must be the Id of a System, or its path')
    .optional()
    .describe(
      'Which System of the BMC the node is: its Id, or its path such as `/redfish/v1/Systems/1`. Needed where the BMC has ' +
        'several that can be reset.',
    ),
  redfish_username: z
    .string()
    .refine((name) => /^[^:\p{Cc}]+$/u.test(name), 'must be a user name without a colon')
    .describe('A user who may reset the System; Operator is enough.'),
  redfish_password: z
    .string()
    .min(1, 'must not be empty: it is the password')
    .meta({ writeOnly: true, description: 'The password of the user.' }),
  redfish_verify_ca: z
    .string()
    .min(1, 'must be true, false, or the name of a file or folder')
    .default('true')
    .describe(
      'Which certificates are accepted: `true` for the authorities that Node.js knows; the name of a PEM file, or of a ' +
        'folder of them, below `bmc_ca_dir` of the agent, with an authority or the self-signed certificate of the BMC; or `false` for any, ' +
        'which lets everybody in between read the password.',
    ),
  redfish_auth_type: z
    .enum(['auto', 'basic', 'session'], { error: 'must be auto, basic or session' })
    .default('auto')
    .describe(
      'How the user logs in. `auto` is `basic`, and a session where the BMC says that it does not offer Basic. A session is ' +
        'deleted when the agent stops.',
    ),
  redfish_tls_minimum_version: z
    .enum(Object.keys(TLS_VERSIONS) as [keyof typeof TLS_VERSIONS], { error: 'must be 1.0, 1.1, 1.2 or 1.3' })
    .optional()
    .describe('The lowest TLS version that is spoken; 1.2 without it.'),
  redfish_tls_ciphers: z
    .string()
    .regex(CIPHERS, 'must be a list of ciphers as OpenSSL writes it')
    .optional()
    .describe('The TLS ciphers, as OpenSSL writes them. TLS 1.0 and 1.1 need `DEFAULT@SECLEVEL=0`.'),
  redfish_graceful_restart: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((word) => word === 'true')
    .describe(
      'A soft reboot is one command, GracefulRestart, instead of GracefulShutdown and then On. Some BMCs restart hard then, and ' +
        'some stay off.',
    ),
  redfish_client_timeout: timeout
    .prefault('30')
    .describe('Seconds that the BMC may take to answer an order. Some take more than 10.'),
});

/** A checked driver_info. */
export type RedfishInfo = z.infer<typeof redfishSchema>;

/** The scheme, host and port that every request goes to, as a URL writes them. */
export function originOf({ redfish_address: { protocol, host, port } }: RedfishInfo): string {
  return new URL(`${protocol}://${hostAndPort(host, port)}`).origin;
}

/** A path below `/redfish/v1`, which may have a prefix. */
export function pathIn({ redfish_address: { prefix } }: RedfishInfo, path: string): string {
  return `${prefix}/redfish/v1/${path}`;
}

/** How a BMC is named in messages: address and port. */
export function bmcName({ redfish_address: { host, port } }: RedfishInfo): string {
  return hostAndPort(host, port);
}

/** Where a BMC with this IP address is. Nodes that share a BMC have the same place: they share its pace. */
export function redfishPlace({ redfish_address: { protocol, port } }: RedfishInfo, ip: string): string {
  return bmcOf(ip, port, protocol === 'http' ? 80 : 443);
}

/** Where one System is: two Systems of one BMC are two servers, and two nodes for one System are one too many. */
export function systemPlace(info: RedfishInfo, ip: string, path: string): string {
  return `${redfishPlace(info, ip)}${path}`;
}

/** The account that is logged in with, at a BMC with this IP address. */
export function accountOf(info: RedfishInfo, ip: string): Account {
  return { bmc: redfishPlace(info, ip), user: info.redfish_username, way: 'HTTP', secret: info.redfish_password };
}

/** The System as driver_info names it: a bare Id where that is enough, else a path; undefined if it does not say. */
export function systemIdOf(info: RedfishInfo): string | undefined {
  const text = info.redfish_system_id?.replace(/\/+$/, '');
  const systems = pathIn(info, 'Systems/');
  const rest = text?.startsWith(systems) ? text.slice(systems.length) : text;
  return rest?.includes('/') ? text : rest;
}

/** Where a driver_info leads, and how. */
export function reachOf({ redfish_address: { host, protocol }, ...info }: RedfishInfo): Reach {
  if (protocol === 'https')
    return { host, dangers: info.redfish_verify_ca === 'false' ? ['unverified_certificates'] : [] };
  return { host, dangers: info.redfish_auth_type === 'session' ? ['http'] : ['http', 'basic_over_http'] };
}

/** The same for the same System of the same BMC. */
export function redfishKey(info: RedfishInfo): string {
  const { prefix } = info.redfish_address;
  return `redfish://${bmcName(info)}${prefix}/${systemIdOf(info) ?? ''}`;
}

/** How TLS is spoken, beside the certificates. */
export function tlsOf({ redfish_tls_minimum_version: version, redfish_tls_ciphers: ciphers }: RedfishInfo) {
  return {
    ...(version !== undefined && { minVersion: TLS_VERSIONS[version] }),
    ...(ciphers !== undefined && { ciphers }),
  };
}
