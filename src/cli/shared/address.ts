/** Addresses as they are typed: HOST:PORT, with an IPv6 host in brackets. */

/** Where a conductor listens unless it is told otherwise. */
export const DEFAULT_ADDRESS = '127.0.0.1:7077';

/** True if the host of HOST:PORT can be reached from this system alone. */
export function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]):\d+$/.test(address);
}

/** True for HOST:PORT. Port 0, where one may be chosen by the system, only if `zeroPort`. */
export function isAddress(text: string, zeroPort = false): boolean {
  const match = /^(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(text);
  if (match === null) return false;
  const port = Number(match[1]);
  return port <= 65_535 && (port > 0 || zeroPort);
}
