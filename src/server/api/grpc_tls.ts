/** TLS on the gRPC port, with material that changes while streams run. */
import { ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Metadata } from 'nice-grpc';
import { type TlsSource, tlsOptions } from '../../core/tls.ts';
import { certificateOf } from '../access/certificate.ts';
import type { ClientCertificate } from '../access/identity.ts';

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

/** Carries the certificate from the connection to the call: nice-grpc passes nothing else on. Whatever a client sends under it is dropped. */
const CERTIFICATE_KEY = 'countermand-client-certificate-bin';

/** The part of a call in which grpc-js knows its connection. Without it no certificate is found, and no caller is identified by one. */
interface Connected {
  readonly stream?: { readonly session?: { readonly socket?: object } };
}

/** Puts the certificate of the client into the metadata of each call, and takes out what stands in its place. */
export const passCertificates: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata(metadata, pass) {
          metadata.remove(CERTIFICATE_KEY);
          const socket = (call as unknown as Connected).stream?.session?.socket;
          const certificate = socket === undefined ? null : certificateOf(socket);
          if (certificate !== null) metadata.set(CERTIFICATE_KEY, Buffer.from(JSON.stringify(certificate)));
          pass(metadata);
        },
      }),
  });

/** The certificate that `passCertificates` has put into the metadata of a call; null if the client has shown none. */
export function certificateIn(metadata: Metadata): ClientCertificate | null {
  const told = metadata.get(CERTIFICATE_KEY);
  return told === undefined ? null : JSON.parse(Buffer.from(told).toString());
}
