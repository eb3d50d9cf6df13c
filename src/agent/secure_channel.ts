/** How agents and commands reach a conductor: over TLS, or in plaintext on loopback and where `--insecure` allows it. */
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { type Channel, ChannelCredentials, createChannel } from 'nice-grpc';
import { type TlsMaterial, tlsOptions } from '../core/tls.ts';

/** How a client speaks TLS. */
export interface ClientTls {
  readonly material: TlsMaterial;
  /** The name that the certificate of the conductor must have. Null: the host of its address. */
  readonly serverName: string | null;
}

/** A name for the TLS layer where the host is an IP address, which cannot stand in its place. No certificate has it. */
const NO_NAME = 'conductor.invalid';

/**
 * A channel to the conductor at `address` (HOST:PORT): over TLS 1.2 or later, or in plaintext if `tls` is null. It connects
 * at the first call.
 */
export function openChannelTo(address: string, tls: ClientTls | null, options: Record<string, number>): Channel {
  if (tls === null) return createChannel(address, ChannelCredentials.createInsecure(), options);
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const name = tls.serverName ?? host;
  const credentials = ChannelCredentials.createFromSecureContext(createSecureContext(tlsOptions(tls.material)), {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(name, certificate),
  });
  const shownName = isIP(name) === 0 ? name : NO_NAME;
  return createChannel(address, credentials, { ...options, 'grpc.ssl_target_name_override': shownName });
}
