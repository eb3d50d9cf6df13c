/** TLS on the gRPC port, with material that changes while streams run. */
import { ServerCredentials } from '@grpc/grpc-js';
import { type TlsSource, tlsOptions } from '../../core/tls.ts';

/** Credentials of a server whose new connections use the newest material. */
class ChangingCredentials extends ServerCredentials {
  constructor(tls: TlsSource) {
    // A client that shows no certificate may have another proof of who it is: that is decided for each call.
    const asksForCertificate = tls.current().ca !== null;
    super({ requestCert: asksForCertificate, rejectUnauthorized: false }, tlsOptions(tls.current()));
    tls.onChange((material) => this.updateSecureContextOptions(tlsOptions(material)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** The credentials of a server: of TLS 1.2 or later, or of plaintext if `tls` is null. */
export function credentialsOf(tls: TlsSource | null): ServerCredentials {
  return tls === null ? ServerCredentials.createInsecure() : new ChangingCredentials(tls);
}
