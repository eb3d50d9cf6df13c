/** Addresses as they are typed: HOST:PORT, with an IPv6 host in brackets. */

/** True for HOST:PORT. Port 0, where one may be chosen by the system, only if `zeroPort`. */
export function isAddress(text: string, zeroPort = false): boolean {
  const match = /^(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(text);
  if (match === null) return false;
  const port = Number(match[1]);
  return port <= 65_535 && (port > 0 || zeroPort);
}
