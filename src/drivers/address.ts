/** Addresses and ports as they stand in a driver_info of any family. */
import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
/** A last label like this makes a resolver take the whole for an IPv4 address in an old notation. */
const NUMBER = /^(\d+|0x[0-9a-f]*)$/i;

/** True for a name that a resolver can look up, and that no program takes for an option. */
function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? '');
}

/** An IPv6 address, in its short form, that stands for an IPv4 address (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * One spelling for each address: lower case, IPv6 in its short form, an IPv4 address that is written as IPv6 as IPv4, a name
 * without the last dot.
 */
export function normalForm(address: string): string {
  if (!isIPv6(address)) return address.toLowerCase().replace(/\.$/, '');
  if (address.includes('%')) return address.toLowerCase();
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const bytes = Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex');
  return [...bytes].join('.');
}

/** An IPv4 address, an IPv6 address, or a host name; in normal form afterwards. */
export const addressSchema = z
  .string()
  .refine(
    (text) => isIPv4(text) || (isIPv6(text) && !text.includes('%')) || isHostName(text),
    'must be an IPv4 address, an IPv6 address without a zone, or a host name',
  )
  .transform(normalForm);

/** A port, 1 to 65535. */
export const portSchema = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535, 'must be a port, 1 to 65535')
  .transform(Number);

/** An address and a port as one text, as in a URL: an IPv6 address stands in brackets. */
export function hostAndPort(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/**
 * Which BMC an IP address and a port lead to, whatever driver speaks to it: with the usual port of the protocol it is the address
 * alone, so IPMI, SCCI and Redfish of one BMC are one. Any other port is another BMC.
 */
export function bmcOf(address: string, port: number, usualPort: number): string {
  return port === usualPort ? address : hostAndPort(address, port);
}
