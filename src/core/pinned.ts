/** Connections that go where they were allowed to go. */
import { isIPv6, type LookupFunction } from 'node:net';

/** Connections go to this address, whatever the resolver of the system says; the name is still what a certificate is for. */
export function pinnedTo(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, found) => (options.all ? found(null, [{ address, family }]) : found(null, address, family));
}
