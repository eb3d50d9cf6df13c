/** Addresses as they are typed: HOST:PORT, with an IPv6 host in brackets. */

/** Where a conductor listens unless it is told otherwise. */
export const DEFAULT_ADDRESS = '127.0.0.1:7077';

/** The conductors in `HOST:PORT,HOST:PORT`: those of one installation. */
export const addressesIn = (text: string): string[] => text.split(',').map((address) => address.trim());

/** True for one HOST:PORT, or several with commas between them. */
export const areAddresses = (text: string): boolean => addressesIn(text).every((address) => isAddress(address));

/** True if the hosts of all these addresses can be reached from this system alone. */
export function isLoopback(addresses: string): boolean {
  return addressesIn(addresses).every((address) => /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(address));
}

/** True for HOST:PORT. Port 0, where one may be chosen by the system, only if `zeroPort`. */
export function isAddress(text: string, zeroPort = false): boolean {
  const match = /^(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(text);
  if (match === null) return false;
  const port = Number(match[1]);
  return port <= 65_535 && (port > 0 || zeroPort);
}
